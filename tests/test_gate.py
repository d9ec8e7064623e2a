"""The gate fails on a regression, passes on noise, tells what is unreadable from what is worse."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo

from checks import gate

ROOT = Path(__file__).parent.parent
STUDY = "metrics/seeds/population/relu.json"
RUN = "metrics/evaluate/population/relu.json"
BASE = {"accuracy": 1.0, "loss": 0.15, "separates": 0.57}


def git(*arguments: str) -> None:
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *author, *arguments], check=True, capture_output=True)


def write(values, file=STUDY) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(values if isinstance(values, str) else json.dumps(values))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Make a repository with one file of metrics; give what runs the gate there."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Repo.init().close()
    Path("dvc.yaml").write_text(f"metrics:\n- {STUDY}\n")
    write(BASE)
    git("add", ".")
    git("commit", "--quiet", "--message", "base")

    def gate_at(*arguments):
        monkeypatch.setattr(sys, "argv", ["gate", *(arguments or ["HEAD"])])
        with pytest.raises(SystemExit) as left:
            gate.main()
        return left.value.code, "".join(capsys.readouterr())

    return gate_at


def test_what_is_the_same_passes(run):
    assert run() == (0, "3 metrics against HEAD: 3 same.\n")


def test_a_regression_is_named_with_its_size_and_tolerance(run):
    write(BASE | {"loss": 0.25})
    status, table = run()
    assert status == 1
    row = next(line for line in table.splitlines() if line.startswith(f"{STUDY}:loss"))
    assert row.split() == [f"{STUDY}:loss", "0.15", "0.25", "0.1", "0.039", "worse"]


def test_accuracy_is_better_when_it_is_higher_and_loss_when_it_is_lower(run):
    write({"accuracy": 0.9, "loss": 0.15, "separates": 0.57})
    assert run()[0] == 1
    write({"accuracy": 1.0, "loss": 0.01, "separates": 0.99})
    status, table = run()
    assert status == 0
    assert "2 better, 1 same" in table


def test_noise_within_the_tolerance_passes(run):
    write(BASE | {"loss": 0.15 + 0.039, "separates": 0.5})
    status, table = run()
    assert status == 0
    assert "2 within tolerance" in table


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ('{"accuracy": 1.0, "lo', "unreadable"),
        ("[1, 2]", "unreadable"),
        ('{"accuracy": NaN, "loss": 0.15, "separates": 0.57}', "not finite"),
        ('{"accuracy": 1.0, "loss": -Infinity, "separates": 0.57}', "not finite"),
        ('{"accuracy": 1.0, "loss": "small", "separates": 0.57}', "not finite"),
        ('{"accuracy": 1.0, "separates": 0.57}', "missing"),
        ('{"accuracy": 1.0, "loss": null, "separates": 0.57}', "missing"),
        ('{"accuracy": 0.0, "loss": null, "separates": 0.57}', "missing"),  # and worse
        (json.dumps(BASE | {"silent": 0.3}), "no tolerance"),
    ],
)
def test_what_cannot_be_compared_is_no_regression(run, values, verdict):
    write(values)
    status, table = run()
    assert status == 2
    assert verdict in table


@pytest.mark.parametrize("values", ['{"accuracy": 1.0, "lo', '{"accuracy": NaN, "loss": 0.15}'])
def test_the_other_revision_cannot_be_compared_with_either(run, values):
    write(values)
    git("commit", "--quiet", "--all", "--message", "broken")
    write(BASE)
    assert run()[0] == 2


def test_a_file_that_is_gone_is_unreadable(run):
    Path(STUDY).unlink()
    status, table = run()
    assert status == 2
    assert "unreadable" in table


def test_a_file_that_the_revision_does_not_have_is_new_and_not_judged(run):
    Path("dvc.yaml").write_text(f"metrics:\n- {STUDY}\n- {RUN}\n")
    write({"accuracy": 0.1}, RUN)
    status, table = run()
    assert status == 0
    assert "1 new, 3 same" in table


def test_a_metric_that_only_the_revision_has_is_missing(run):
    Path("dvc.yaml").write_text("metrics: []\n")
    status, table = run()
    assert status == 2
    assert "3 missing" in table


def test_a_revision_that_is_not_there_or_not_readable_is_said_so(run):
    status, message = run("nonsense")
    assert status == 2
    assert "nonsense" in message
    Path("dvc.yaml").write_text("metrics: {no: [\n")
    git("commit", "--quiet", "--all", "--message", "broken")
    Path("dvc.yaml").write_text(f"metrics:\n- {STUDY}\n")
    assert run("HEAD")[0] == 2


def test_without_a_revision_it_is_the_merge_base_or_else_the_commit_before(run):
    write(BASE | {"loss": 0.16})
    git("commit", "--quiet", "--all", "--message", "second")
    assert "against HEAD~1: 1 within" in run("--format", "text")[1]
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert "against HEAD~1: 1 within" in run("--format", "text")[1]
    git("update-ref", "refs/remotes/origin/main", "HEAD~1")
    write(BASE | {"loss": 0.17})
    git("commit", "--quiet", "--all", "--message", "third")
    base = gate._git("rev-parse", "HEAD~2")
    assert f"against {base[:12]}: 1 within" in run("--format", "text")[1]


def test_the_table_is_markdown_when_asked(run):
    write(BASE | {"loss": 0.40})
    status, table = run("HEAD", "--format", "md")
    assert status == 1
    header, rule, *rows = table.splitlines()[2:]
    assert header.count("|") == rule.count("|") == rows[0].count("|") == 7
    assert set(rule) == {"|", "-"}


def test_the_committed_metrics_each_have_a_tolerance(monkeypatch):
    monkeypatch.chdir(ROOT)
    with Repo() as repo:
        (shown,) = repo.metrics.show().values()
    now = gate._flat(shown)
    rows = gate.compare(now, now, gate.read_rules())
    assert len(rows) == len(now) > 50
    assert gate.exit_status(rows) == 0


@pytest.mark.parametrize("name", ["logistic", "deepish", "relu"])
@pytest.mark.parametrize("where", ["validation", "population"])
def test_tolerances_are_the_seed_studys_spread(name, where):
    """As checks/tolerances.yaml says; the wider one of two models may be larger by a fifth."""
    table = pd.read_csv(ROOT / "plots/seeds/seeds.csv").query("model == @name")
    rng, rules = np.random.default_rng(1), gate.read_rules()
    for key in ("loss", "accuracy"):
        values = table[f"{where}_{key}"].to_numpy()
        one_run = np.quantile(np.subtract.outer(values, values), 0.99)
        resampled = np.mean(rng.choice(values, (2, 2_000, len(values))), axis=-1)
        study = np.quantile(resampled[0] - resampled[1], 0.99)
        _, tolerance = gate.rule_for(rules, f"metrics/evaluate/{where}/{name}.json", key)
        assert 0.99 * one_run <= tolerance <= 1.35 * one_run
        _, tolerance = gate.rule_for(rules, f"metrics/seeds/{where}/{name}.json", key)
        assert 0.8 * study <= tolerance <= 1.35 * study
