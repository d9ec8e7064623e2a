"""What the eight stages refuse and what they write."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch
from conftest import LECTURE, run_stages, write_params
from torchvision.transforms.v2.functional import horizontal_flip

from diagonal.errors import InputError
from diagonal.figures import lines as figures
from diagonal.lines.images import every_line
from diagonal.pipeline.params import Params
from diagonal.training.descent import Descent
from diagonal.training.history import shown_epochs
from diagonal.training.models import collapsed, network, probabilities, read_model, rounded_weights

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def data_copy(small_copy):
    """A small copy of the project, with the stages before the trainings run."""
    run_stages(small_copy, "generate", "split", "balance")
    return small_copy


@pytest.fixture
def prepared(data_copy, tmp_path):
    """A copy of its data and parameters, to change and to run stages in."""
    shutil.copy(data_copy / "params.yaml", tmp_path)
    shutil.copytree(data_copy / "data", tmp_path / "data")
    return tmp_path


def test_relus_history_runs_from_its_first_weights_to_the_stored_ones(prepared):
    write_params(prepared / "params.yaml", {"train_relu.n_epochs": 47})
    run_stages(prepared, "train_relu")
    history = safetensors.numpy.load_file(prepared / "models/relu_history.safetensors")
    stored = safetensors.numpy.load_file(prepared / "models/relu.safetensors")
    assert history["epoch"].tolist() == shown_epochs(47)
    first = rounded_weights(network([25, 5, 3, 1], "relu", seed=17, dtype=torch.float64))
    for name, weights in stored.items():
        np.testing.assert_array_equal(history[name][0], first[name])
        np.testing.assert_array_equal(history[name][-1], weights)
        assert len(history[name]) == len(history["epoch"])


# What is refused, in one line and before anything is written


def test_bad_params_stop_a_stage_in_one_line(prepared, run_in):
    write_params(prepared / "params.yaml", {"generate.img_size": "five"})
    before = (prepared / "data/raw/images.npy").read_bytes()
    done = run_in(prepared, sys.executable, "-m", "stages.generate", PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("params.yaml: generate.img_size: ")
    assert line.endswith("integer, found 'five'")
    assert (prepared / "data/raw/images.npy").read_bytes() == before


@pytest.mark.parametrize("name", LECTURE[1:])
def test_a_stage_before_its_inputs_says_what_to_run(tmp_path, name):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    with pytest.raises(InputError, match=r"^data/[^\n]* found none; run `dvc repro`$"):
        run_stages(tmp_path, name)
    assert list(tmp_path.iterdir()) == [tmp_path / "params.yaml"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/raw/images.npy", "split"),
        ("data/raw/labels.npy", "balance"),
        ("data/split/train.npy", "balance"),
        ("data/split/val.npy", "train_relu"),
        ("data/balance/sample_weights.npy", "train_relu"),
        ("data/split/patterns.safetensors", "evaluate"),
    ],
)
def test_a_truncated_input_is_named(prepared, path, name):
    file = prepared / path
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(InputError, match=f"^{path}: expected a readable"):
        run_stages(prepared, name)
    assert not (prepared / "models").exists()


def test_a_missing_device_is_told_by_its_key(prepared):
    write_params(prepared / "params.yaml", {"device": "cuda:99"})
    with pytest.raises(InputError, match=r"^params\.yaml: device: expected one of .*cpu, found"):
        run_stages(prepared, "train_relu")


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


# What is written


@pytest.mark.slow
@pytest.mark.parametrize(("end", "ratios"), [("minimum", [0.004, 0.001]), ("maximum", [1e6, 2e5])])
def test_stages_run_at_the_ends_of_all_ranges_without_a_warning(small, end, ratios):
    schema = Params.model_json_schema()
    sections = {
        name: schema["$defs"][section["$ref"].rpartition("/")[2]]["properties"]
        for name, section in schema["properties"].items()
        if "$ref" in section
    }
    ends = {
        f"{name}.{key}": value[end]
        for name, section in sections.items()
        for key, value in section.items()
        if value.get("type") == "number"
    }
    assert ends["train_relu.lr"] in (1e-6, 10)
    write_params(small / "params.yaml", ends | {"split.ratios": ratios})
    run_stages(small, *LECTURE)  # pytest makes errors of warnings


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


@pytest.mark.parametrize(("n_images", "example"), [(60, 7), (6, 5)])
def test_the_slides_example_is_prepared_or_the_last_of_fewer_images(
    prepared, monkeypatch, n_images, example
):
    for name in ("labels", "images"):
        kept = np.load(prepared / f"data/raw/{name}.npy")[:: 60 // n_images]
        np.save(prepared / f"data/raw/{name}.npy", kept)
    write_params(prepared / "params.yaml", {"split.ratios": [1, 1], "split.seed": 2})
    drawn, preparation = [], figures.preparation
    monkeypatch.setattr(figures, "preparation", lambda x: drawn.append(x) or preparation(x))
    run_stages(prepared, "split")
    (steps,) = drawn
    np.testing.assert_array_equal(steps["as drawn"], kept[example, 0])


def test_small_matrices_are_computed_on_one_thread(prepared, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    run_stages(prepared, "train_logistic")
    assert asked == [1]  # threads would wait longer for each other than they compute


def test_evaluation_averages_over_mirror_images_where_it_is_told_to(prepared, monkeypatch):
    write_params(prepared / "params.yaml", {"evaluate.tta": "hflip"})
    run_stages(prepared, *(stage for stage in LECTURE if stage.startswith("train")), "evaluate")
    patterns = safetensors.numpy.load_file(prepared / "data/split/patterns.safetensors")
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


GROUPINGS = [("image", 0.0), ("pattern", 0.5), ("mirror_group", 0.5)]


@pytest.mark.parametrize(("group_by", "hflip"), GROUPINGS)
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
    drawable = {line.tobytes() for line in every_line(images.shape[-1])}
    assert metrics["train"]["augmented"]["outside_population"] == len(shown - drawable)

    table = pd.read_csv(prepared / "plots/split/patterns.csv")
    seen_groups = set(table.mirror_group[table.train > 0])
    assert table.val[table.mirror_group.isin(seen_groups)].sum() == sum(seen)
