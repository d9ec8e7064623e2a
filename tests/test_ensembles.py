"""A member of an ensemble is the model that its own training stage would store."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from diagonal import ensembles
from diagonal.shell import files
from diagonal.shell.params import load_params
from diagonal.training import models
from diagonal.training.batches import Batches, weighted_sampler
from stages import (
    balance,
    evaluate,
    generate,
    seeds,
    split,
    train_deepish,
    train_logistic,
    train_relu,
)

ROOT = Path(__file__).parent.parent
STAGES = {"logistic": train_logistic, "deepish": train_deepish, "relu": train_relu}


def configure(**changes) -> None:
    """Write the repository's params.yaml with other values of some lines: old=new."""
    text = (ROOT / "params.yaml").read_text()
    for old, new in changes.items():
        assert f"{old}: " in text
        text = "\n".join(
            f"{line.partition(old)[0]}{old}: {new}" if line.strip().startswith(f"{old}:") else line
            for line in text.splitlines()
        )
    Path("params.yaml").write_text(text + "\n")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Prepare data in an empty project: 90 images, so that each last batch is a short one."""
    monkeypatch.chdir(tmp_path)
    configure(n_images=90)
    for stage in (generate, split, balance):
        stage.main()


def training_data():
    x, y = files.read_split("data/split/train.safetensors", "x", "y")
    weights = files.read_array("data/balance/sample_weights.npy", np.float64, 1)
    return torch.tensor(x).double(), torch.tensor(y).double(), weights.copy()


def train_members(member_seeds) -> dict[str, ensembles.Ensemble]:
    x, y, weights = training_data()
    params = load_params()
    made = {}
    for name, activation in models.ACTIVATIONS.items():
        own = getattr(params, f"train_{name}")
        sizes = [25, *getattr(own, "hidden", ()), 1]
        networks = [
            models.network(sizes, activation, seed=seed, dtype=torch.float64)
            for seed in member_seeds
        ]
        made[name] = ensembles.Ensemble(networks, lr=own.lr, n_epochs=own.n_epochs)
    draws = ensembles.draw_epochs(weights, seeds=member_seeds, hflip=params.transforms.hflip)
    ensembles.train(list(made.values()), x, y, draws=draws, batch_size=params.train.batch_size)
    return made


def test_each_member_is_bit_for_bit_what_its_stage_stores(project):
    member_seeds = [5, 2**32 - 1, 17]
    made = train_members(member_seeds)
    for place, seed in enumerate(member_seeds):
        configure(n_images=90, seed=seed)
        for name, stage in STAGES.items():
            stage.main()
            stored = load_file(f"models/{name}.safetensors")
            ours = made[name].stored_weights()
            assert set(stored) == set(ours)
            for key, weight in stored.items():
                assert np.array_equal(ours[key][place].numpy(), weight), (name, seed, key)


def test_draws_are_the_batches_of_a_single_training(project):
    x, y, weights = training_data()
    both = torch.cat([x, x.flip(-1)])
    sampler = weighted_sampler(weights)
    sampler.generator.manual_seed(8)
    torch.manual_seed(8)
    train = Batches(x, y, batch_size=16, sampler=sampler, hflip=0.3)
    val = Batches(x, y, batch_size=16)
    draws = ensembles.draw_epochs(weights, seeds=[3, 8], hflip=0.3)
    for _, drawn in zip(range(3), draws, strict=False):
        images = torch.cat([batch for batch, _ in train])
        list(val)
        assert torch.equal(both[drawn[1]], images)
        assert not torch.equal(both[drawn[0]], images)


def test_a_member_with_its_relus_off_is_dead_and_says_one_half():
    weights = {
        "hidden0.weight": torch.rand(4, 25) + 0.1,
        "hidden1.weight": -torch.rand(3, 4) - 0.1,
        "output.weight": torch.rand(1, 3),
    }
    dead, alive = (models.relu(25, [4, 3], seed=0, dtype=torch.float64) for _ in range(2))
    dead.load_state_dict(weights)
    alive.load_state_dict(weights | {"hidden1.weight": torch.rand(3, 4)})
    x = torch.rand(20, 25).double()
    ensemble = ensembles.Ensemble([alive, dead], lr=0.1, n_epochs=1)
    probability, dead_units = ensemble.evaluate(x)
    assert torch.allclose(probability[0], alive(x)[:, 0], atol=1e-15)
    assert (probability[1] == 0.5).all()
    assert dead_units.tolist() == [0, 3]
    labels = np.arange(20) % 2
    outcome = seeds._outcome(ensemble, {"population": (x.numpy(), labels, None)}, 0.5)
    assert outcome["died"].tolist() == [0, 1]
    assert outcome["population_loss"][1] == pytest.approx(np.log(2), abs=1e-6)


def test_the_members_that_are_trained_at_once_do_not_show(project, monkeypatch):
    configure(n_images=90, n=5, n_epochs=3)
    seeds.main()
    outputs = [Path("metrics/seeds.json"), *Path("plots/seeds").iterdir()]
    whole = [path.read_bytes() for path in outputs]
    monkeypatch.setattr(seeds, "members_at_once", lambda *_: 2)
    seeds.main()
    assert [path.read_bytes() for path in outputs] == whole


def test_memory_is_bounded_for_any_image_and_any_number_of_images():
    for n_images, n_pixels, batch_size in [(240, 25, 16), (60_000, 784, 64), (10, 50_176, 512)]:
        members = ensembles.members_at_once(n_images, n_pixels, batch_size)
        assert 1 <= members <= 512
        batch = min(batch_size, n_images)
        assert members == 1 or members * max(n_images, n_pixels * batch) <= 2**22


def test_a_row_of_the_study_is_what_evaluate_says_of_that_training(project):
    configure(n_images=90, n=2, first=6)
    seeds.main()
    rows = {name: Path(f"plots/seeds/{name}.csv").read_text().splitlines() for name in STAGES}
    configure(n_images=90, seed=7)
    for stage in STAGES.values():
        stage.main()
    configure(n_images=90)
    evaluate.main()
    for name, lines in rows.items():
        row = dict(zip(lines[0].split(","), map(float, lines[2].split(",")), strict=True))
        assert row["seed"] == 7
        for where in ("validation", "population"):
            metrics = json.loads(Path(f"metrics/{name}/{where}.json").read_text())
            for key in ("loss", "accuracy"):
                assert row[f"{where}_{key}"] == pytest.approx(metrics[key], abs=1.1e-6)
            if where == "population":
                assert row["separates"] == (metrics["roc_auc"] == 1)


def test_the_committed_study_holds_the_committed_run():
    study = json.loads((ROOT / "metrics/seeds.json").read_text())
    for name in STAGES:
        run = json.loads((ROOT / f"metrics/{name}/population.json").read_text())
        assert study[name]["this_run"]["loss"] == run["loss"]
