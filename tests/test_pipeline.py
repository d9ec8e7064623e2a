"""The pipeline as a whole, through real DVC, in a copy of the project with small numbers."""

import json
import shutil
from pathlib import Path

import pytest

from checks.wiring import below, declared

ROOT = Path(__file__).parents[1]
INDEPENDENT = {"parabolas", "claims_training", "claims_data", "claims_boundaries"}


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


def readers(stages, key):
    """Find the stages that declare a parameter, by itself or within its section."""
    return {name for name, stage in stages.items() if below(key, stage["params"], ".")}


def downstream(stages, start):
    """Add the stages that use what these stages write, and so on."""
    reached = set(start)
    while True:
        outputs = {output for name in reached for output in stages[name]["outputs"]}
        more = {
            name
            for name, stage in stages.items()
            for path in stage["inputs"]
            if any(below(path, [output]) or below(output, [path]) for output in outputs)
        } - reached
        if not more:
            return reached
        reached |= more


def test_all_stages_run_once_and_a_change_reruns_what_depends_on_it(project, run):
    stages = declared(project)
    first = (project / ".git/first.log").read_text()
    assert stages_run(first) == set(stages) - {"parabolas"}  # all of it is in git, and fits
    outputs = {output for stage in stages.values() for output in stage["outputs"]}
    assert [output for output in outputs if not (project / output).exists()] == []

    second = run("dvc", "repro")
    assert stages_run(second.stdout) == set()
    assert "up to date" in second.stdout

    path = project / "params.yaml"
    text = path.read_text()
    for key, old, new in [
        ("train_relu.lr", "lr: 0.1", "lr: 0.2"),
        ("transforms.hflip", "hflip: 0.5", "hflip: 0.25"),
        ("transforms.mean", "mean: 0.5", "mean: 0.25"),
        ("device", "device: cpu", "device: auto"),
        ("evaluate.threshold", "threshold: 0.5", "threshold: 0.6"),
    ]:
        own, claims = text.split("\nclaims:")  # which have an lr and a flip of their own
        before, _, after = own.rpartition(old)
        path.write_text(f"{before}{new}{after}\nclaims:{claims}")
        status = json.loads(run("dvc", "status", "--json").stdout)
        assert readers(stages, key)
        assert set(status) == readers(stages, key), key
    path.write_text(text.replace("threshold: 0.5", "threshold: 0.6"))
    third = run("dvc", "repro")
    assert stages_run(third.stdout) == readers(stages, "evaluate.threshold")

    shown = run("dvc", "metrics", "show")
    assert "roc_auc" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 160
    plots = run("dvc", "plots", "show")
    assert plots.returncode == 0, plots.stderr
    assert "Loss by epoch" in (project / "dvc_plots/index.html").read_text()


def test_changing_data_reruns_all_that_descends_from_it():
    stages = declared(ROOT)
    assert downstream(stages, {"generate"}) == set(stages) - INDEPENDENT
    assert downstream(stages, {"train_relu"}) == {
        "train_relu",
        "evaluate",
        "seeds",
        "feature_space",
    }


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
