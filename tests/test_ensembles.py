"""A member of an ensemble is the network that it would be alone."""

import json
from pathlib import Path

import lecture_loop
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from diagonal.pipeline import data
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import load_params
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import ensembles
from diagonal.training.batches import Batches
from diagonal.training.models import network, read_model
from diagonal.training.sampling import weighted_sampler
from diagonal.training.stage import read_batches
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

pytestmark = pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
ROOT = Path(__file__).parents[1]
STAGES = {"logistic": train_logistic, "deepish": train_deepish, "relu": train_relu}


def configure(**changes) -> None:
    """Write the repository's params.yaml with other values of some lines: old=new."""
    own, claims = (ROOT / "params.yaml").read_text().split("\nclaims:")
    lines = own.splitlines()
    for key, value in changes.items():
        assert any(line.strip().startswith(f"{key}:") for line in lines)
        lines = [
            f"{line.partition(key)[0]}{key}: {value}"
            if line.strip().startswith(f"{key}:")
            else line
            for line in lines
        ]
    Path("params.yaml").write_text("\n".join([*lines, f"claims:{claims}"]))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Prepare data in an empty project: 90 images, so that each last batch is a short one."""
    monkeypatch.chdir(tmp_path)
    configure(n_images=90)
    run_stages(generate, split, balance)


def run_stages(*stages) -> None:
    for stage in stages:
        stage.main()


def test_each_member_is_bit_for_bit_what_its_stage_stores(project):
    params, member_seeds, cpu = load_params(), [5, 2**32 - 1, 17], torch.device("cpu")
    batches, _ = read_batches(params, cpu, torch.float64)
    made = {
        name: seeds.ensemble(
            name, getattr(params, f"train_{name}"), member_seeds, 25, torch.float64, cpu
        )
        for name in MODELS
    }
    draws = ensembles.draw_epochs(
        [weighted_sampler(batches.sampler.weights) for _ in member_seeds],
        seeds=member_seeds,
        hflip=0.5,
    )
    ensembles.train(list(made.values()), batches, draws)
    for place, seed in enumerate(member_seeds):
        configure(n_images=90, seed=seed)
        for name, stage in STAGES.items():
            stage.main()
            stored, ours = load_file(f"models/{name}.safetensors"), made[name].quantized_weights()
            assert set(stored) == set(ours)
            for key, weight in stored.items():
                assert np.array_equal(ours[key][place].numpy(), weight), (name, seed, key)


def random_members(build, n=37):
    """Make members, images, labels and weights in float64, all at random."""
    torch.manual_seed(0)
    x = torch.randn(n, 1, 3, 3, dtype=torch.float64)
    y, weights = (torch.arange(n) % 3 > 0).double()[:, None], torch.rand(n).double()
    return [build().double() for _ in range(3)], x, y, weights


class Branched(nn.Module):
    """Two ways that meet again: no sequence of layers."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(9, 4), nn.Linear(9, 4, bias=False)
        self.rectifier = nn.ReLU()

    def forward(self, x):
        x = x.flatten(1)
        return (self.rectifier(self.left(x)) * self.right(x).sin()).sum(1, keepdim=True).sigmoid()


def layers(*modules):
    return nn.Sequential(nn.Flatten(), *modules, nn.Sigmoid())


NETWORKS = {
    "prelu": lambda: layers(nn.Linear(9, 4), nn.PReLU(4), nn.Linear(4, 1)),
    "batch norm": lambda: layers(nn.Linear(9, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1)),
    "a convolution": lambda: nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), layers(nn.Linear(8, 1))),
    "branched": Branched,
}


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
def test_a_member_of_any_kind_is_what_the_plain_loop_makes_of_it_alone(build):
    members, x, y, weights = random_members(build)
    member_seeds, options = [3, 1, 4], {"batch_size": 8, "dtype": torch.float64}
    together = ensembles.Ensemble(members, lr=0.1, n_epochs=5)
    draws = ensembles.draw_epochs(
        [weighted_sampler(weights) for _ in member_seeds], seeds=member_seeds, hflip=0.3
    )
    ensembles.train([together], Batches(x, y[:, 0], **options), draws)
    answers, _ = together.evaluate(x)
    for place, (alone, seed) in enumerate(zip(members, member_seeds, strict=True)):
        before = [each.clone() for each in alone.parameters()]
        sampler = weighted_sampler(weights)
        train = Batches(x, y[:, 0], sampler=sampler, hflip=0.3, **options)
        lecture_loop.train(alone, train, Batches(x, y[:, 0], **options), n_epochs=5, seed=seed)
        assert not all(map(torch.equal, alone.parameters(), before))
        for name, expected in alone.state_dict().items():
            found = (together.parameters | together.buffers)[name][place]
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(answers[place], alone.eval()(x)[:, 0], rtol=0, atol=1e-4)


def test_members_of_float32_with_running_statistics_are_evaluated_in_float64():
    members, x, *_ = random_members(NETWORKS["batch norm"])
    answers, _ = ensembles.Ensemble([each.float() for each in members], lr=0, n_epochs=0).evaluate(
        x
    )
    for answer, alone in zip(answers, members, strict=True):
        torch.testing.assert_close(answer, alone.eval().double()(x)[:, 0], rtol=0, atol=1e-12)


def test_draws_are_the_batches_of_a_single_training():
    _, x, y, weights = random_members(nn.Flatten)
    sampler = weighted_sampler(weights)
    sampler.generator.manual_seed(8)
    torch.manual_seed(8)
    options = {"batch_size": 16, "dtype": x.dtype}
    train = Batches(x, y[:, 0], sampler=sampler, hflip=0.3, **options)
    val = Batches(x, y[:, 0], **options)
    draws = ensembles.draw_epochs(
        [weighted_sampler(weights) for _ in range(2)], seeds=[3, 8], hflip=0.3
    )
    for _, (drawn, mirrored) in zip(range(3), draws, strict=False):
        images = torch.cat([batch for batch, _ in train])
        list(val)
        other, ours = (val.gather(*rows)[0] for rows in zip(drawn, mirrored, strict=True))
        assert torch.equal(ours, images)
        assert not torch.equal(other, images)


def test_a_member_with_its_relus_off_is_dead_and_says_one_half():
    weights = {
        "hidden0.weight": torch.rand(4, 25) + 0.1,
        "hidden1.weight": -torch.rand(3, 4) - 0.1,
        "output.weight": torch.rand(1, 3),
    }
    alive, dead = (network([25, 4, 3, 1], "relu", seed=0, dtype=torch.float64) for _ in range(2))
    dead.load_state_dict(weights)
    alive.load_state_dict(weights | {"hidden1.weight": torch.rand(3, 4)})
    x = torch.rand(20, 1, 5, 5).double()
    ensemble = ensembles.Ensemble([alive, dead], lr=0.1, n_epochs=1)
    probability, dead_units = ensemble.evaluate(x)
    torch.testing.assert_close(probability[0], alive(x)[:, 0], rtol=0, atol=1e-5)  # as stored
    assert (probability[1] == 0.5).all()
    assert dead_units.tolist() == [0, 3]


def test_the_members_that_are_trained_at_once_do_not_show(project, monkeypatch):
    configure(n_images=90, n=5, n_epochs=3)
    run_stages(*STAGES.values(), evaluate, seeds)
    table = Path("plots/seeds/seeds.csv")
    whole = table.read_bytes()
    assert pd.read_csv(table)["seed"].tolist() == list(range(5)) * 3
    monkeypatch.setattr(seeds, "members_at_once", lambda *_: 2)
    seeds.main()
    assert table.read_bytes() == whole


def test_memory_is_bounded_for_any_image_and_any_number_of_images():
    for n_images, n_pixels, batch_size in [(240, 25, 16), (60_000, 784, 64), (10, 50_176, 512)]:
        members = ensembles.members_at_once(n_images, n_pixels, batch_size)
        assert 1 <= members <= 512
        batch = min(batch_size, n_images)
        assert members == 1 or members * max(n_images, n_pixels * batch) <= 2**22


@pytest.mark.parametrize("tta", ["none", "hflip"])
def test_a_row_of_the_study_is_what_evaluate_says_of_that_training(project, tta):
    configure(n_images=90, seed=7, n=2, first=6, tta=tta)
    run_stages(*STAGES.values(), evaluate)
    configure(n_images=90, n=2, first=6, tta=tta)
    seeds.main()
    x = scale_and_normalize(0.5, 0.5)(torch.from_numpy(data.read_patterns().images)).double()
    table = pd.read_csv("plots/seeds/seeds.csv").set_index(["model", "seed"])
    for name in MODELS:
        row, model = table.loc[name, 7], read_model(name, 25)
        for where in ("validation", "population"):
            metrics = json.loads(Path(f"metrics/evaluate/{where}/{name}.json").read_text())
            for key in ("loss", "accuracy"):
                assert row[f"{where}_{key}"] == pytest.approx(metrics[key], abs=1.1e-6)
            if where == "population":
                assert row["separates"] == (metrics["roc_auc"] == 1)
                assert row["ties"] == (metrics["undecided"] > 0)
        hidden = [model[: place + 1](x) for place in range(len(model))]
        relus = [each for each, layer in zip(hidden, model, strict=True) if type(layer) is nn.ReLU]
        assert row["dead_units"] == sum((each == 0).all(0).sum().item() for each in relus)


def test_the_rows_that_are_compared_are_means_over_the_committed_seeds():
    table = pd.read_csv(ROOT / "plots/seeds/seeds.csv").set_index("model")
    for name in MODELS:
        means = table.loc[name].mean()
        for where, more in (("validation", set()), ("population", {"separates"})):
            row = json.loads((ROOT / f"metrics/seeds/{where}/{name}.json").read_text())
            assert set(row) == {"loss", "accuracy"} | more
            for key, value in row.items():
                column = key if key in more else f"{where}_{key}"
                assert value == pytest.approx(means[column], rel=1e-5)


def test_the_committed_study_stands_beside_the_committed_run():
    table = pd.read_csv(ROOT / "plots/seeds/seeds.csv").set_index("model")
    study = json.loads((ROOT / "metrics/seeds/summary.json").read_text())
    for name in MODELS:
        run = json.loads((ROOT / f"metrics/evaluate/population/{name}.json").read_text())
        lower = (table.loc[name, "population_loss"] < run["loss"]).mean()
        assert study[name]["lower_loss"] == pytest.approx(lower, abs=1e-6)
