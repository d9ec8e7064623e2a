"""The study of many seeds: its rows are the pipeline's own trainings, its files their summary."""

import json
from contextlib import chdir
from pathlib import Path
from shutil import copyfile, copytree

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import run_stages, write_params
from safetensors.numpy import load_file
from torch import nn

from checks.difference import flat
from diagonal.pipeline import data
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import load_params
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.models import network, read_model
from diagonal.training.stage import read_batches
from study import seeds
from study.trainings.ensembles import Ensemble

ROOT = Path(__file__).parents[1]
TRAINED = [f"train_{name}" for name in MODELS]


def configure(seed=42, n=5, first=0, tta="none"):
    """Write params.yaml and study/params.yaml: few images and epochs, so that batches are short."""
    of_models = {"seed": seed, "n_epochs": 3}
    lecture = {f"train_{name}.{key}": v for name in MODELS for key, v in of_models.items()}
    lecture |= {"generate.n_images": 90, "train_relu.n_epochs": 4, "evaluate.tta": tta}
    lecture["train.seed"] = seed
    study = {"seeds.n": n, "seeds.first": first}
    for path, changes in (("params.yaml", lecture), ("study/params.yaml", study)):
        Path(path).parent.mkdir(exist_ok=True)
        copyfile(ROOT / path, path)
        write_params(Path(path), changes)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, numbers_alone):
    """Prepare data in an empty project."""
    folder = tmp_path_factory.mktemp("prepared")
    with chdir(folder):
        configure()
    run_stages(folder, "generate", "split", "balance")
    return folder


@pytest.fixture
def project(prepared, tmp_path, monkeypatch):
    """Go to a project of one's own that has the data."""
    copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_member_is_bit_for_bit_what_its_stage_stores(project):
    params, members, cpu = load_params(), [5, 2**32 - 1, 17], torch.device("cpu")
    batches, _ = read_batches(params, cpu, torch.float64)
    ensembles = seeds.trained(params, members, batches, torch.float64, cpu)
    for place, seed in enumerate(members):
        configure(seed=seed)
        run_stages(project, *TRAINED)
        for name, ensemble in ensembles.items():
            stored, weights = load_file(f"models/{name}.safetensors"), ensemble.stored()
            assert set(stored) == set(weights)
            for key, weight in stored.items():
                assert np.array_equal(weights[key][place].numpy(), weight), (name, seed, key)


@pytest.mark.parametrize("tta", ["none", pytest.param("hflip", marks=pytest.mark.slow)])
def test_a_row_is_what_evaluate_says_of_that_training_however_many_are_trained_at_once(
    project, tta, monkeypatch
):
    configure(seed=7, n=3, first=5, tta=tta)
    if tta == "none":
        monkeypatch.setattr(seeds, "members_at_once", lambda *_: 2)
    run_stages(project, *TRAINED, "evaluate", "study.seeds")
    x = scale_and_normalize(0.5, 0.5)(torch.from_numpy(data.read_patterns().images)).double()
    table = pd.read_csv("study/plots/seeds/seeds.csv").set_index(["model", "seed"])
    assert list(table.index) == [(name, seed) for name in MODELS for seed in (5, 6, 7)]
    for name in MODELS:
        row, model = table.loc[name, 7], read_model(name, 25)
        for where in data.EVAL_SETS:
            metrics = json.loads(Path(f"metrics/evaluate/{where}/{name}.json").read_text())
            for key in ("loss", "accuracy"):
                assert row[f"{where}_{key}"] == pytest.approx(metrics[key], abs=1.1e-6)
        assert row["roc_auc_is_1"] == (metrics["roc_auc"] == 1)
        assert row["undecided"] == (metrics["undecided"] > 0)
        relus = [place for place, layer in enumerate(model) if type(layer) is nn.ReLU]
        dead = [(model[: place + 1](x) == 0).all(0).sum().item() for place in relus]
        assert row["dead_units"] == sum(dead)


def test_without_a_known_population_its_columns_and_metrics_are_empty(project, monkeypatch):
    copytree(ROOT / "metrics/evaluate", project / "metrics/evaluate")
    own = data.read_patterns()
    own = own._replace(population=np.zeros_like(own.population))
    monkeypatch.setattr(data, "read_patterns", lambda: own)
    seeds.main()
    table = pd.read_csv("study/plots/seeds/seeds.csv")
    assert table[["population_loss", "population_accuracy"]].isna().all(axis=None)
    assert table["validation_loss"].notna().all()
    for name in MODELS:
        row = json.loads(Path(f"study/metrics/seeds/population/{name}.json").read_text())
        assert row == {"loss": None, "accuracy": None, "roc_auc_is_1": None}


def test_a_member_with_its_relus_off_is_dead_and_undecided(project):
    weights = {
        "hidden0.weight": torch.rand(4, 25) + 0.1,
        "hidden1.weight": -torch.rand(3, 4) - 0.1,
        "output.weight": torch.rand(1, 3),
    }
    dead, alive = (network([25, 4, 3, 1], "relu", seed=0, dtype=torch.float64) for _ in range(2))
    dead.load_state_dict(weights)
    alive.load_state_dict(weights | {"hidden1.weight": torch.rand(3, 4)})
    known = data.read_patterns()
    known = known._replace(x=1 + known.x / 2)  # with positive pixels
    table = seeds.evaluated(Ensemble([dead, alive]), range(2), known, load_params().evaluate)
    assert table["dead_units"].tolist() == [3, 0]
    assert table["undecided"].tolist() == table["constant_output"].tolist() == [1, 0]


def test_the_committed_metrics_are_of_the_committed_seeds(tmp_path, monkeypatch, numbers_alone):
    copytree(ROOT / "metrics", tmp_path / "metrics")
    monkeypatch.chdir(tmp_path)
    table = pd.read_csv(ROOT / "study/plots/seeds/seeds.csv").set_index("model")
    seeds.write({name: table.loc[name].reset_index(drop=True) for name in MODELS})
    made = [*Path("study/metrics/seeds").rglob("*.json")]
    assert len(made) == 1 + 2 * len(MODELS)
    for path in made:
        found, committed = (flat(json.loads((at / path).read_text())) for at in (Path(), ROOT))
        assert found == pytest.approx(committed, rel=1e-5, abs=1e-6), path
