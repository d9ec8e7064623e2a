"""What the eight stages refuse and what they write."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import LECTURE, run_stages, write_params
from safetensors.numpy import load_file
from torchvision.transforms.v2.functional import horizontal_flip

from diagonal.errors import InputError
from diagonal.training.descent import Descent
from diagonal.training.models import collapsed, probabilities, read_model

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def data_copy(small_copy, numbers_alone):
    """A small copy of the project, with the stages before the trainings run."""
    run_stages(small_copy, "generate", "split", "balance")
    return small_copy


@pytest.fixture
def prepared(data_copy, tmp_path):
    """A copy of its data and parameters, to change and to run stages in."""
    shutil.copy(data_copy / "params.yaml", tmp_path)
    shutil.copytree(data_copy / "data", tmp_path / "data")
    return tmp_path


@pytest.mark.parametrize("name", LECTURE[1:])
def test_a_stage_before_its_inputs_says_what_to_run(tmp_path, name):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    with pytest.raises(InputError, match=r"^data/[^\n]* found none; run `dvc repro`$"):
        run_stages(tmp_path, name)
    assert list(tmp_path.iterdir()) == [tmp_path / "params.yaml"]


def test_a_training_that_fails_loses_neither_curve_nor_model(prepared, monkeypatch):
    run_stages(prepared, "train_relu")
    paths = [prepared / "plots/losses/relu.csv", *(prepared / "models").iterdir()]
    before = {path: path.read_bytes() for path in paths}
    assert before[paths[0]].count(b"\n") == 4

    def diverge(self, n_epochs, seed, on_epoch):
        next(self.model.parameters()).data[:] = np.nan

    monkeypatch.setattr(Descent, "train", diverge)
    with pytest.raises(InputError, match=r"^params\.yaml: train_relu\.lr: expected weights that"):
        run_stages(prepared, "train_relu")
    assert {path: path.read_bytes() for path in paths} == before


@pytest.mark.parametrize("strategy", ["inverse_frequency", "none"])
def test_balance_reports_what_the_sampler_will_draw(prepared, strategy):
    write_params(prepared / "params.yaml", {"balance.strategy": strategy, "train.seed": 1})
    run_stages(prepared, "balance")
    labels = np.load(prepared / "data/raw/labels.npy")
    y = labels[np.load(prepared / "data/split/train.npy")]
    weights = np.load(prepared / "data/balance/sample_weights.npy")
    metrics = json.loads((prepared / "metrics/balance.json").read_text())
    assert metrics["count"] == {"straight": (y == 0).sum(), "diagonal": (y == 1).sum()}
    assert metrics["diagonals_before"] == pytest.approx(y.mean(), abs=1e-6)
    balanced = 0.5 if strategy == "inverse_frequency" else y.mean()
    assert metrics["diagonals_after"] == pytest.approx(balanced, abs=1e-6)
    assert len(set(weights)) == (2 if strategy == "inverse_frequency" else 1)
    drawn = pd.read_csv(prepared / "plots/balance/batches.csv").filter(
        like="balanced_" if strategy == "inverse_frequency" else "equal_"
    )
    assert drawn.sum().sum() == len(y)
    share = drawn.filter(like="_diagonal").sum().sum() / len(y)
    assert metrics["diagonals_in_first_epoch"] == pytest.approx(share, abs=1e-6)


def test_small_matrices_are_computed_on_one_thread(prepared, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    run_stages(prepared, "train_logistic")
    assert asked == [1]  # threads would wait longer for each other than they compute


def test_evaluation_averages_over_mirror_images_where_it_is_told_to(prepared, monkeypatch):
    write_params(prepared / "params.yaml", {"evaluate.tta": "hflip"})
    run_stages(prepared, *(stage for stage in LECTURE if stage.startswith("train")), "evaluate")
    patterns = load_file(prepared / "data/split/patterns.safetensors")
    x = torch.from_numpy(patterns["x"][patterns["population"] > 0])
    table = pd.read_csv(prepared / "plots/evaluate/patterns.csv")
    monkeypatch.chdir(prepared)
    models = {name: read_model(name, 25) for name in ("logistic", "deepish", "relu")}
    for name, model in models.items():
        expected = np.sort(probabilities(model, x, "hflip"))
        np.testing.assert_allclose(np.sort(table[name]), expected, rtol=1e-5)
    apart = abs(collapsed(models["deepish"]) - collapsed(models["logistic"])).max()
    metrics = json.loads((prepared / "metrics/evaluate/models.json").read_text())
    assert metrics["deepish"]["largest_difference_to_logistic"] == pytest.approx(apart, rel=1e-5)


@pytest.mark.parametrize(("group_by", "hflip"), [("pattern", 0.0), ("mirror_group", 0.5)])
def test_the_split_counts_what_training_shows_as_drawn_and_mirrored(prepared, group_by, hflip):
    changes = {"split.group_by": group_by, "transforms.hflip": hflip}
    write_params(prepared / "params.yaml", changes)
    run_stages(prepared, "split")
    images = np.load(prepared / "data/raw/images.npy")
    train, val = (images[np.load(prepared / f"data/split/{name}.npy")] for name in ("train", "val"))
    shown = {image.tobytes() for image in train}
    seen = [image.tobytes() in shown for image in val]
    if hflip:
        shown |= {image.tobytes() for image in horizontal_flip(torch.from_numpy(train)).numpy()}
    metrics = json.loads((prepared / "metrics/split.json").read_text())
    assert metrics["val"]["seen_in_train"] == pytest.approx(np.mean(seen), abs=1e-6)
    seen = [image.tobytes() in shown for image in val]
    assert metrics["val"]["seen_in_train_augmented"] == pytest.approx(np.mean(seen), abs=1e-6)
    assert metrics["train"]["augmented"]["patterns"] == len(shown)

    table = pd.read_csv(prepared / "plots/split/patterns.csv")
    seen_groups = set(table.mirror_group[table.train > 0])
    assert table.val[table.mirror_group.isin(seen_groups)].sum() == sum(seen)
