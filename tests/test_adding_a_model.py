"""A fourth model, added as the README tells a stranger to add it; no other file is edited."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import only

from checks.reproduction import to_run
from checks.wiring import code_faults, input_faults, param_faults, watched_faults

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "README.md").read_text().partition("## Add a model")[2].partition("\n## ")[0]


def after(path, old, new):
    """Put text after a line that occurs once."""
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, old + new))


@pytest.fixture(scope="module")
def extended(reproduced, run_in, tmp_path_factory):
    """A small project with `tanh`, after `dvc repro`, and the folder with what its stages did.

    What does not know of it is not run again.
    """
    project = shutil.copytree(reproduced, tmp_path_factory.mktemp("add") / "project", symlinks=True)
    only(project, "evaluate", "seeds", "feature_space")
    wiring, folder = project / "dvc.yaml", project / "diagonal/pipeline"
    n_lines = wiring.read_text().count("\n")
    (entry,) = re.findall(r"```yaml\n(  train_tanh:.*?\n)```", RECIPE, re.S)
    (line,) = re.findall(r"```python\n(.*?\n)```", RECIPE, re.S)
    after(wiring, "      - plots/losses/relu.csv: *in_git\n", f"\n{entry}")
    after(wiring, "      - train_relu.n_epochs\n", "      - train_tanh\n")
    losses = "        plots/losses/relu.csv: [loss, val_loss]\n"
    after(wiring, losses, losses.replace("relu", "tanh"))
    assert wiring.read_text().count("\n") <= n_lines + 12
    after(folder / "models.py", '    "relu": Model("relu", "#E69F00", "v"),\n', line)
    after(folder / "params.py", "train_relu: TrainDeepModel\n", "    train_tanh: TrainDeepModel\n")
    script = (project / "stages/train_deepish.py").read_text()
    (project / "stages/train_tanh.py").write_text(script.replace("deepish", "tanh"))
    section = "train_tanh: {lr: 0.1, n_epochs: 3, seed: 17, hidden: [4, 2]}\n"
    params = project / "params.yaml"
    params.write_text(params.read_text() + section)

    log = tmp_path_factory.mktemp("log")
    watch = {"PYTHONPATH": str(project / "checks/watch"), "WATCH_LOG": str(log)}
    result = run_in(project, "dvc", "repro", **watch)
    assert result.returncode == 0, result.stdout + result.stderr
    return project, log


def test_the_wiring_stays_clean_and_nothing_is_left_to_run(extended):
    project, log = extended
    assert code_faults(project) + input_faults(project) + param_faults(project) == []
    assert watched_faults(project, log) == []
    assert to_run(project) == []


def test_it_is_evaluated_like_the_others(extended):
    project, _ = extended
    relus = list((project / "metrics").glob("*/*/relu.json"))
    assert len(relus) == 4
    for path in relus:
        ours = json.loads(path.with_name("tanh.json").read_text())
        assert ours.keys() == json.loads(path.read_text()).keys()
    models = json.loads((project / "metrics/evaluate/models.json").read_text())
    assert models["tanh"]["parameters"] == 25 * 4 + 4 * 2 + 2
    study = json.loads((project / "metrics/seeds/summary.json").read_text())
    assert study["tanh"]["against"].keys() == {"logistic", "deepish", "relu"}
    assert (project / "plots/feature_space/tanh.png").exists()


def test_it_is_in_the_table_of_metrics_and_in_every_chart(extended, run_in):
    project, _ = extended
    shown = run_in(project, "dvc", "metrics", "show").stdout
    assert shown.count("/tanh.json") == 4
    assert max(map(len, shown.splitlines())) <= 160
    plots = json.loads(run_in(project, "dvc", "plots", "show", "--json").stdout)["data"]
    charts = [entry["content"] for (entry,) in plots.values() if entry["type"] == "vega"]
    assert len(charts) == 6
    for chart in charts:
        assert "tanh" in json.dumps(chart)
