import json
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch
from conftest import run_stages, write_params
from torchvision.transforms.v2.functional import horizontal_flip

from diagonal.figures import lines as figures
from diagonal.lines.images import every_line
from diagonal.training.history import shown_epochs
from diagonal.training.models import network, rounded_weights


def stage(run, name):
    return run("python", "-m", f"stages.{name}")


def assert_one_line(result, *parts):
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.fixture(scope="module")
def data_copy(small_copy, run_in):
    """A small copy of the project, with the stages before the trainings run."""
    for name in ("generate", "split", "balance"):
        assert stage(partial(run_in, small_copy), name).returncode == 0
    return small_copy


@pytest.fixture
def prepared(data_copy, tmp_path):
    """A copy of it to change."""
    return shutil.copytree(data_copy, tmp_path / "prepared")


@pytest.fixture
def run_prepared(prepared, run_in):
    """Run a command in it."""
    return partial(run_in, prepared)


def test_relus_history_runs_from_its_first_weights_to_the_stored_ones(prepared, run_prepared):
    write_params(prepared / "params.yaml", {"train_relu.n_epochs": 47})
    assert stage(run_prepared, "train_relu").returncode == 0
    history = safetensors.numpy.load_file(prepared / "models/relu_history.safetensors")
    stored = safetensors.numpy.load_file(prepared / "models/relu.safetensors")
    assert history["epoch"].tolist() == shown_epochs(47)
    first = rounded_weights(network([25, 5, 3, 1], "relu", seed=17, dtype=torch.float64))
    for name, weights in stored.items():
        np.testing.assert_array_equal(history[name][0], first[name])
        np.testing.assert_array_equal(history[name][-1], weights)
        assert len(history[name]) == len(history["epoch"])


def test_bad_params_stop_a_stage_in_one_line_and_before_it_writes(project, run):
    write_params(project / "params.yaml", {"generate.img_size": "five"})
    result = stage(run, "generate")
    assert_one_line(result, "params.yaml: generate.img_size: ", "integer, found 'five'")
    assert not (project / "data/raw/images.npy").exists()


def test_a_stage_before_its_inputs_says_what_to_run(project, run):
    for name in ("split", "balance", "train_logistic", "evaluate", "feature_space"):
        assert_one_line(stage(run, name), "data/", "found none; run `dvc repro`")
        assert [path.name for path in (project / "data").iterdir()] == ["README.md"]
        assert not (project / "models").exists()


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
def test_a_truncated_input_is_named(prepared, run_prepared, path, name):
    file = prepared / path
    file.write_bytes(file.read_bytes()[:-5])
    assert_one_line(stage(run_prepared, name), path, "expected a readable")
    assert not (prepared / "models/relu.safetensors").exists()


def test_weights_of_another_data_set_are_refused(prepared, run_prepared):
    np.save(prepared / "data/balance/sample_weights.npy", np.ones(7))
    assert_one_line(
        stage(run_prepared, "train_relu"), "sample_weights.npy: expected 48 weights, found 7"
    )


def test_a_missing_device_is_an_error_that_names_those_there_are(prepared, run_prepared):
    write_params(prepared / "params.yaml", {"device": "cuda:99"})
    assert_one_line(
        stage(run_prepared, "train_relu"), "params.yaml: device: expected one of", "cpu"
    )


def test_a_split_without_a_class_is_refused_before_it_writes(small, run):
    write_params(small / "params.yaml", {"split.ratios": [80, 0.01]})
    assert stage(run, "generate").returncode == 0
    assert_one_line(stage(run, "split"), "params.yaml: split: expected both classes in validation")
    assert not (small / "data/split").exists()


@pytest.mark.parametrize("strategy", ["inverse_frequency", "none"])
def test_balance_reports_what_the_sampler_will_draw(prepared, run_prepared, strategy):
    write_params(prepared / "params.yaml", {"balance.strategy": strategy})
    assert stage(run_prepared, "balance").returncode == 0
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


def test_the_split_is_a_partition_whose_patterns_are_counted(prepared):
    images = np.load(prepared / "data/raw/images.npy")
    train, val = (np.load(prepared / f"data/split/{name}.npy") for name in ("train", "val"))
    assert (len(train), len(val)) == (48, 12)
    assert sorted([*train, *val]) == list(range(60))
    patterns = safetensors.numpy.load_file(prepared / "data/split/patterns.safetensors")
    for name, index in (("train", train), ("val", val)):
        same = (images[index][:, None] == patterns["images"][None]).all((2, 3, 4))
        np.testing.assert_array_equal(same.sum(0), patterns[name])


@pytest.mark.parametrize(("n_images", "example"), [(60, 7), (6, 5)])
def test_the_slides_example_is_prepared_or_the_last_of_fewer_images(
    small, monkeypatch, n_images, example
):
    changes = {"generate.n_images": n_images, "split.ratios": [1, 1]}
    write_params(small / "params.yaml", changes)
    drawn, preparation = [], figures.preparation
    monkeypatch.setattr(figures, "preparation", lambda x: drawn.append(x) or preparation(x))
    run_stages(small, "generate", "split")
    (steps,) = drawn
    images = np.load(small / "data/raw/images.npy")
    np.testing.assert_array_equal(steps["as drawn"], images[example, 0])


def test_small_matrices_are_computed_on_one_thread(small, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    run_stages(small, "generate", "split", "balance", "train_logistic")
    assert asked == [1]  # threads would wait longer for each other than they compute


def test_a_training_says_nothing_where_nobody_watches(run_prepared):
    result = stage(run_prepared, "train_logistic")
    assert result.stdout == result.stderr == ""


def test_the_check_of_params_finds_what_only_computing_tells(project, run):
    assert run("python", "-m", "checks.params").returncode == 0
    write_params(project / "params.yaml", {"split.ratios": [80, 0.01]})
    result = run("python", "-m", "checks.params")
    assert_one_line(result, "params.yaml: split: expected both classes in validation")


def test_the_check_of_params_looks_at_those_of_the_study_too(project, run):
    write_params(project / "study/params.yaml", {"seeds.n": 1})
    result = run("python", "-m", "checks.params")
    assert_one_line(result, "study/params.yaml: seeds.n: ", "found 1")


GROUPINGS = [("pattern", 0.0), ("pattern", 0.5), ("mirror_group", 0.5)]


@pytest.mark.parametrize(("group_by", "hflip"), GROUPINGS)
def test_the_split_counts_what_training_shows_as_drawn_and_mirrored(
    prepared, run_prepared, group_by, hflip
):
    changes = {"split.group_by": group_by, "transforms.hflip": hflip}
    write_params(prepared / "params.yaml", changes)
    assert stage(run_prepared, "split").returncode == 0
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
