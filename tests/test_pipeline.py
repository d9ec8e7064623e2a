"""The lecture's pipeline as a whole, through real DVC, in a copy of the project, made small."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import LECTURE, write_params

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(reproduced, tmp_path):
    """A small copy of the project, after its first `dvc repro`."""
    return shutil.copytree(reproduced, tmp_path / "project", symlinks=True)


def stages_run(output):
    return {
        line.removeprefix("Running stage '").removesuffix("':")
        for line in output.splitlines()
        if line.startswith("Running stage '")
    }


TRAIN = {"train_logistic", "train_deepish", "train_relu"}
READERS = {  # key -> another value, and the stages that are stale with it
    "train_relu.lr": (0.2, {"train_relu"}),
    "transforms.hflip": (0.25, {"split", *TRAIN}),
    "train.batch_size": (8, {"balance", *TRAIN}),
    "device": ("auto", TRAIN),
    "generate.seed": (14, {"generate"}),
}


def test_all_stages_run_once_and_a_change_reruns_what_depends_on_it(project, run):
    first = (project / ".git/first.log").read_text()
    assert stages_run(first) == set(LECTURE)
    second = run("dvc", "repro")
    assert stages_run(second.stdout) == set()
    assert "up to date" in second.stdout

    before = (project / "params.yaml").read_text()
    for key, (value, readers) in READERS.items():
        write_params(project / "params.yaml", {key: value})
        status = json.loads(run("dvc", "status", "dvc.yaml", "--json").stdout)
        assert {name.removeprefix("dvc.yaml:") for name in status} == readers, key
        (project / "params.yaml").write_text(before)
    write_params(project / "params.yaml", {"evaluate.threshold": 0.6})
    assert stages_run(run("dvc", "repro").stdout) == {"evaluate", "feature_space"}
    write_params(project / "params.yaml", {"generate.seed": 14})
    assert stages_run(run("dvc", "repro").stdout) == set(LECTURE)

    shown = run("dvc", "metrics", "show")
    assert "roc_auc" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 160
    plots = run("dvc", "plots", "show")
    assert plots.returncode == 0, plots.stderr
    assert "Loss by epoch" in (project / "dvc_plots/index.html").read_text()


def test_the_committed_results_are_the_lectures():
    losses = {
        "logistic": (0.515938, 0.543607, 25),
        "deepish": (0.517853, 0.550928, 143),
        "relu": (0.262673, 0.194797, 143),
    }
    models = json.loads((ROOT / "metrics/evaluate/models.json").read_text())
    for name, expected in losses.items():
        model = models[name]
        assert (model["loss"], model["val_loss"], model["parameters"]) == expected
    assert f"{models['deepish']['largest_difference_to_logistic']:.4f}" == "0.1265"
    balance = json.loads((ROOT / "metrics/balance.json").read_text())
    assert balance["diagonals_in_first_epoch"] == 123 / 240
    accuracy = {"logistic": 0.65, "deepish": 0.65, "relu": 1.0}
    for name, expected in accuracy.items():
        metrics = json.loads((ROOT / f"metrics/evaluate/validation/{name}.json").read_text())
        assert metrics["accuracy"] == expected
