"""A fourth model, added as the README tells a stranger to add it; no other file is edited."""

import json
import re
from pathlib import Path

import pytest
from conftest import write_params

from checks.reproduction import to_run
from checks.wiring import PIPELINES, faults

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "README.md").read_text().partition("## Add a model")[2].partition("\n## ")[0]
FILES = ("params", "models", "charts", "figures", "wiring", "sharing")
FAST = "params or models or charts or figures or code_needs"


def after(path, old, new):
    """Put text after a line that occurs once."""
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, old + new))


@pytest.fixture(scope="module")
def extended(project_copy, run_in):
    """A copy of the project with `tanh`, after `dvc repro` and the study of a few seeds."""
    wiring = project_copy / "dvc.yaml"
    (entry,) = re.findall(r"```yaml\n(  train_tanh:.*?\n)```", RECIPE, re.S)
    (line,) = re.findall(r"add\s+`(\"tanh\".*?)`", RECIPE)
    after(wiring, "      - plots/losses/relu.csv: *in_git\n", f"\n{entry}")
    losses = "        plots/losses/relu.csv: [loss, val_loss]\n"
    after(wiring, losses, losses.replace("relu", "tanh"))
    section = "train_tanh: {lr: 0.1, n_epochs: 50, seed: 17, hidden: [4, 2]}\n"
    params = project_copy / "params.yaml"
    params.write_text(params.read_text() + section)
    models = project_copy / "diagonal/pipeline/models.py"
    after(models, '    "relu": Model("relu"),\n', f"    {line}\n")
    script = (project_copy / "stages/train_deepish.py").read_text()
    (project_copy / "stages/train_tanh.py").write_text(script.replace("deepish", "tanh"))
    keys = "".join(f"      - train_tanh.{key}\n" for key in ("hidden", "lr", "n_epochs"))
    after(project_copy / "study/dvc.yaml", "      - train_relu.n_epochs\n", keys)

    write_params(project_copy / "study/params.yaml", {"seeds.n": 4})
    for target in ("dvc.yaml", "study/dvc.yaml:seeds"):
        done = run_in(project_copy, "dvc", "repro", target)
        assert done.returncode == 0, done.stdout + done.stderr
    return project_copy


def test_the_wiring_stays_clean_and_nothing_is_left_to_run(extended):
    assert [fault for pipeline in PIPELINES for fault in faults(extended, pipeline)] == []
    assert to_run(extended) == []


def test_it_is_evaluated_like_the_others(extended):
    relus = [*(extended / "metrics").glob("*/*/relu.json")]
    relus += (extended / "study/metrics").glob("*/*/relu.json")
    assert len(relus) == 4
    for path in relus:
        ours = json.loads(path.with_name("tanh.json").read_text())
        assert ours.keys() == json.loads(path.read_text()).keys()
    models = json.loads((extended / "metrics/evaluate/models.json").read_text())
    assert models["tanh"]["parameters"] == 25 * 4 + 4 * 2 + 2
    study = json.loads((extended / "study/metrics/seeds/summary.json").read_text())
    assert study["tanh"]["against"].keys() == {"logistic", "deepish", "relu"}
    assert (extended / "plots/feature_space/tanh.png").exists()


def test_it_is_in_the_table_of_metrics_and_in_every_chart(extended, run_in):
    shown = run_in(extended, "dvc", "metrics", "show").stdout
    assert shown.count("/tanh.json") == 4
    plots = json.loads(run_in(extended, "dvc", "plots", "show", "--json").stdout)["data"]
    charts = [entry["content"] for (entry,) in plots.values() if entry["type"] == "vega"]
    assert len(charts) == 6
    for chart in charts:
        assert "tanh" in json.dumps(chart)


def test_the_projects_own_tests_know_no_list_of_models(extended, run_in):
    assert run_in(extended, "git", "add", "--all").returncode == 0
    files = [f"tests/test_{name}.py" for name in FILES]
    done = run_in(extended, "pytest", "-n0", "-q", "-k", FAST, *files)
    assert done.returncode == 0, done.stdout
