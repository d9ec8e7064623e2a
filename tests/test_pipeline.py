"""The lecture's pipeline as a whole, through real DVC, in a copy of the project, made small."""

import shutil

import pytest
from conftest import LECTURE, write_params


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


def test_all_stages_run_once_and_a_change_reruns_what_depends_on_it(project, run):
    first = (project / ".git/first.log").read_text()
    assert stages_run(first) == set(LECTURE)
    second = run("dvc", "repro")
    assert stages_run(second.stdout) == set()
    assert "up to date" in second.stdout

    write_params(project / "params.yaml", {"train_relu.lr": 0.2})
    assert stages_run(run("dvc", "repro").stdout) == {"train_relu", "evaluate", "feature_space"}

    shown = run("dvc", "metrics", "show")
    assert "roc_auc" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 160
    plots = run("dvc", "plots", "show")
    assert plots.returncode == 0, plots.stderr
    assert "Loss by epoch" in (project / "dvc_plots/index.html").read_text()
