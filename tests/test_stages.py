import json

import numpy as np
import pytest
import safetensors.numpy
import torch

from diagonal.training.history import shown_epochs
from diagonal.training.models import relu, stored_weights


def stage(run, name):
    return run("python", "-m", f"stages.{name}")


def assert_one_line(result, *parts):
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.fixture
def prepared(small, run):
    """The same with the stages before the trainings run."""
    for name in ("generate", "split", "balance"):
        assert stage(run, name).returncode == 0
    return small


def test_relus_history_runs_from_its_first_weights_to_the_stored_ones(prepared, run):
    path = prepared / "params.yaml"
    before, section, after = path.read_text().partition("train_relu:")
    path.write_text(before + section + after.replace("n_epochs: 3", "n_epochs: 47", 1))
    assert stage(run, "train_relu").returncode == 0
    history = safetensors.numpy.load_file(prepared / "models/relu_history.safetensors")
    stored = safetensors.numpy.load_file(prepared / "models/relu.safetensors")
    assert history["epoch"].tolist() == shown_epochs(47)
    first = stored_weights(relu(25, [5, 3], seed=17, dtype=torch.float64))
    for name, weights in stored.items():
        np.testing.assert_array_equal(history[name][0], first[name])
        np.testing.assert_array_equal(history[name][-1], weights)
        assert len(history[name]) == len(history["epoch"])


def test_bad_params_stop_a_stage_in_one_line_and_before_it_writes(project, run):
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("img_size: 5", "img_size: five"))
    result = stage(run, "generate")
    assert_one_line(result, "params.yaml: generate.img_size: expected", "found 'five'")
    assert not (project / "data/raw/images.npy").exists()


def test_a_stage_before_its_inputs_says_what_to_run(project, run):
    for name in ("split", "balance", "train_logistic", "evaluate", "feature_space"):
        assert_one_line(stage(run, name), "data/", "found none; run `dvc repro`")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/raw/images.npy", "split"),
        ("data/split/train.safetensors", "balance"),
        ("data/split/val.safetensors", "train_relu"),
        ("data/balance/sample_weights.npy", "train_relu"),
    ],
)
def test_a_truncated_input_is_named(prepared, run, path, name):
    file = prepared / path
    file.write_bytes(file.read_bytes()[:-5])
    assert_one_line(stage(run, name), path, "expected a readable")
    assert not (prepared / "models/relu.safetensors").exists()


def test_weights_of_another_data_set_are_refused(prepared, run):
    np.save(prepared / "data/balance/sample_weights.npy", np.ones(7))
    assert_one_line(stage(run, "train_relu"), "sample_weights.npy: expected 48 weights, found 7")


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, 0])
def test_weights_that_cannot_be_drawn_by_are_refused(prepared, run, value):
    weights = np.full(48, 0.0 if value == 0 else 1.0)
    weights[3] = value
    np.save(prepared / "data/balance/sample_weights.npy", weights)
    line = "sample_weights.npy: expected weights of 0 or more, found other numbers"
    assert_one_line(stage(run, "train_relu"), line)


def test_a_missing_device_is_an_error_that_names_those_there_are(prepared, run):
    path = prepared / "params.yaml"
    path.write_text(path.read_text().replace("device: cpu", "device: cuda:99"))
    assert_one_line(stage(run, "train_relu"), "params.yaml: device: expected one of", "cpu")


def test_a_split_without_a_class_is_refused_before_it_writes(small, run):
    path = small / "params.yaml"
    path.write_text(path.read_text().replace("ratios: [80, 20]", "ratios: [80, 0.01]"))
    assert stage(run, "generate").returncode == 0
    assert_one_line(stage(run, "split"), "params.yaml: split: expected both classes in validation")
    assert not (small / "data/split/train.safetensors").exists()


def test_weights_that_are_no_numbers_are_told(prepared, run):
    path = prepared / "params.yaml"
    path.write_text(path.read_text().replace("lr: 0.1", "lr: 1.0e+308"))
    result = stage(run, "train_relu")
    assert result.returncode == 1
    assert "train_relu.lr: expected weights that stay finite" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert not (prepared / "models/relu.safetensors").exists()


def test_a_folder_that_cannot_be_written_is_named(project, run):
    (project / "data").rename(project / "elsewhere")
    (project / "data").write_text("in the way")
    assert_one_line(stage(run, "generate"), "data")


@pytest.mark.parametrize("strategy", ["inverse_frequency", "none"])
def test_balance_reports_what_the_sampler_will_draw(prepared, run, strategy):
    path = prepared / "params.yaml"
    path.write_text(
        path.read_text().replace("strategy: inverse_frequency", f"strategy: {strategy}")
    )
    assert stage(run, "balance").returncode == 0
    y = safetensors.numpy.load_file(prepared / "data/split/train.safetensors")["y"]
    weights = np.load(prepared / "data/balance/sample_weights.npy")
    metrics = json.loads((prepared / "metrics/balance.json").read_text())
    assert metrics["count"] == {"straight": (y == 0).sum(), "diagonal": (y == 1).sum()}
    assert metrics["diagonals_before"] == pytest.approx(y.mean(), abs=1e-6)
    balanced = 0.5 if strategy == "inverse_frequency" else y.mean()
    assert metrics["diagonals_after"] == pytest.approx(balanced, abs=1e-6)
    assert len(set(weights)) == (2 if strategy == "inverse_frequency" else 1)


def test_the_split_is_scaled_normalised_and_traceable(prepared):
    images = np.load(prepared / "data/raw/images.npy")
    labels = np.load(prepared / "data/raw/labels.npy")
    seen = []
    for name, size in (("train", 48), ("val", 12)):
        split = safetensors.numpy.load_file(prepared / f"data/split/{name}.safetensors")
        assert split["x"].shape == (size, 1, 5, 5)
        assert split["x"].dtype == split["y"].dtype == np.float32
        np.testing.assert_array_equal(split["x"], images[split["index"]] / 127.5 - 1)
        np.testing.assert_array_equal(split["y"][:, 0], labels[split["index"]])
        seen.extend(split["index"])
    assert sorted(seen) == list(range(60))


def test_the_check_of_params_finds_what_only_computing_tells(project, run):
    path = project / "params.yaml"
    assert run("python", "-m", "checks.params").returncode == 0
    path.write_text(path.read_text().replace("ratios: [80, 20]", "ratios: [80, 0.01]"))
    result = run("python", "-m", "checks.params")
    assert_one_line(result, "params.yaml: split: expected both classes in validation")
