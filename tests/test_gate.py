"""The gate sees what changed, passes on what did not, and tells what it cannot compare."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo
from scipy.stats import mannwhitneyu, wilcoxon

from checks import gate
from checks.study import LINE, stale
from diagonal.errors import InputError

ROOT = Path(__file__).parents[1]
RUN = "metrics/evaluate/population/relu.json"
BASE_RUN = {"accuracy": 1.0, "loss": 0.15, "precision": 0.9}
N = 40  # seeds


def git(*arguments: str) -> str:
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def study(*models: str, first: int = 0) -> pd.DataFrame:
    """Make a study: losses at random, accuracies of 60 and of 27 images; as it is written."""
    rng = np.random.default_rng(first)
    tables = []
    for model in models or ("logistic", "relu"):
        table = pd.DataFrame({"model": model, "seed": range(first, first + N)})
        for where, images in (("validation", 60), ("population", 27)):
            table[f"{where}_loss"] = rng.uniform(0.2, 0.6, N)
            table[f"{where}_accuracy"] = rng.integers(10, images - 10, N) / images
        tables.append(table.assign(roc_auc_is_1=0))
    return pd.concat(tables).round(6)


def changed(table: pd.DataFrame, model: str, **changes) -> pd.DataFrame:
    """Add to a model's columns."""
    table = table.copy()
    for column, change in changes.items():
        table.loc[table["model"] == model, column] += change
    return table.round(6)


def write(content, file=gate.STUDY) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pd.DataFrame):
        content = content.to_csv(index=False)
    Path(file).write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Commit a project with a study, which no stage writes, and a run; give what runs the gate."""
    monkeypatch.setattr(gate, "stale", lambda *_: [])
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Repo.init().close()
    write(f"metrics:\n- {Path(RUN).parent}\n", "dvc.yaml")
    write(study())
    write(BASE_RUN, RUN)
    git("add", ".")
    git("commit", "--quiet", "--message", "base")

    def gate_at(*arguments):
        monkeypatch.setattr(sys, "argv", ["gate", *(arguments or ["HEAD"])])
        return gate.main(), "".join(capsys.readouterr())

    return gate_at


def assert_incomparable(outcome, *parts):
    status, message = outcome
    assert status == 2
    assert len(message.splitlines()) == 1
    for part in ("gate: ", *parts):
        assert part in message


def test_what_is_the_same_passes(run):
    assert run() == (0, "The seed study against HEAD: logistic same, relu same.\n")
    write(study().sample(frac=1, random_state=0))  # paired by seed, not by row
    assert run() == (0, "The seed study against HEAD: logistic same, relu same.\n")


NOISE = np.random.default_rng(3).normal(0, 0.1, N)


@pytest.mark.parametrize(
    ("logistic", "relu", "verdict", "status"),
    [
        ({}, {"population_loss": 0.01}, "logistic same, relu worse", 1),
        ({}, {"validation_accuracy": 0.1}, "logistic same, relu better", 3),
        ({}, {"validation_loss": 1, "population_accuracy": 1}, "logistic same, relu changed", 3),
        ({"validation_loss": 0.01}, {"population_loss": -0.01}, "logistic worse, relu better", 1),
        ({"roc_auc_is_1": 1}, {"population_loss": NOISE}, "logistic same, relu same", 0),
        ({}, {"population_loss": 2e-6}, "logistic same, relu same", 0),
    ],
)  # fmt: skip
def test_what_changed_is_named_and_told_by_the_status(run, logistic, relu, verdict, status):
    write(changed(changed(study(), "logistic", **logistic), "relu", **relu))
    found, text = run()
    assert text.splitlines()[0] == f"The seed study against HEAD: {verdict}."
    assert found == status


def values(table, metric, model="relu"):
    return table.query("model == @model").sort_values("seed")[metric].to_numpy()


def row_of(now, base, metric):
    return next(row for row in gate.compare(now, base) if row[:2] == ("relu", metric))


def test_the_same_seeds_are_paired_and_p_is_scipys():
    metric, base, noise = "validation_loss", study(), np.random.default_rng(5).normal(0.01, 0.03, N)
    now = changed(base, "relu", **{metric: noise})
    row = row_of(now.sample(frac=1, random_state=0), base, metric)
    assert row.p == pytest.approx(wilcoxon(values(now, metric), values(base, metric)).pvalue)
    assert row.base == pytest.approx(values(base, metric).mean())
    assert row.now == pytest.approx(values(now, metric).mean())
    better, worse = (noise < -5e-6).sum(), (noise > 5e-6).sum()
    assert (row.better, row.equal, row.worse) == (better, N - better - worse, worse)


def test_other_seeds_are_not_paired_and_p_is_scipys(run):
    base, now = study(), study(first=1)
    row = row_of(now, base, "validation_accuracy")
    pair = (values(table, "validation_accuracy") for table in (now, base))
    assert row.p == pytest.approx(mannwhitneyu(*pair).pvalue)
    assert (row.better, row.equal, row.worse) == (None, None, None)
    write(now)
    status, text = run()
    assert status == 0
    assert "\n\nThe seeds are not the same, so they are not paired and less is seen.\n" in text
    assert text.count(" same\n") == 8


def test_equal_differences_tie_although_their_decimals_are_rounded():
    """Of 60 images, one more is 0.016667 or 0.016666; SciPy is asked in images."""
    before, more = np.random.default_rng(2).integers((10, -2), (40, 4), (N, 2)).T
    base, now = (
        study("relu").assign(validation_accuracy=(right / 60).round(6))
        for right in (before, before + more)
    )
    differences = now["validation_accuracy"] - base["validation_accuracy"]
    assert differences.round(7).nunique() > len(set(more))
    (row,) = [row for row in gate.compare(now, base) if row.metric == "validation_accuracy"]
    assert (row.better, row.equal, row.worse) == tuple(
        each.sum() for each in (more > 0, more == 0, more < 0)
    )
    assert row.p == pytest.approx(wilcoxon(more).pvalue)


def test_the_threshold_is_shared_out_among_all_tests():
    ranks = np.arange(1, N + 1)
    change = np.where((ranks < 13) | (ranks == 34), -ranks, ranks) / 1000
    assert 1e-4 / 8 < wilcoxon(change).pvalue < 1e-4 / 4
    for models, verdict in ((["relu"], "worse"), (["logistic", "relu"], "same")):
        base = study(*models)
        rows = gate.compare(changed(base, "relu", population_loss=change), base)
        assert gate.verdicts(rows)["relu"] == verdict


BROKEN = {
    "cut off": ("relu,39", "relu,", "found"),
    "another column": ("population_loss", "loss", "population_loss"),
    "NaN": ("relu,7,", "relu,7,nan,0,0,0,0\nrelu,99,", "finite numbers"),
    "a seed twice": ("relu,7,", "relu,8,", "twice"),
}


@pytest.mark.parametrize(("old", "new", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_study_that_cannot_be_read_is_refused(old, new, reason):
    text = study().to_csv(index=False)
    assert old in text
    with pytest.raises(InputError, match=f"expected .*{reason}"):
        gate.read_study(text.replace(old, new).encode())


def test_a_study_of_fewer_than_32_seeds_is_refused():
    table = study().groupby("model").head(31)
    with pytest.raises(InputError, match="expected 32 seeds or more of each model, found 31"):
        gate.read_study(table.to_csv(index=False).encode())


def test_either_side_that_cannot_be_read_is_told_in_a_line(run):
    write("")
    assert_incomparable(run(), f"gate: {gate.STUDY}: expected")
    git("commit", "--quiet", "--all", "--message", "broken")
    write(study())
    assert_incomparable(run(), f"gate: HEAD: {gate.STUDY}: expected")
    assert_incomparable(run("nonsense"), "gate: nonsense: ", "invalid object name 'nonsense'")
    git("reset", "--quiet", "--hard", "HEAD~1")
    write('{"loss": 0.', RUN)
    assert_incomparable(run(), "gate: HEAD: expected metrics that DVC can read", RUN)


@pytest.mark.slow
def test_a_stale_study_is_not_compared(run, monkeypatch):
    """By DVC, which finds that the stage has not run, or that its file was changed since."""
    monkeypatch.setattr(gate, "stale", stale)
    stage = "{wdir: .., cmd: x, outs: [study/plots/seeds: {cache: false}]}"
    write(f"stages:\n  seeds: {stage}\n", "study/dvc.yaml")
    assert_incomparable(run(), f"gate: {gate.STUDY}: {LINE}")
    subprocess.run(["dvc", "commit", "--force", "study/dvc.yaml"], check=True, capture_output=True)
    assert run() == (0, "The seed study against HEAD: logistic same, relu same.\n")
    write(changed(study(), "relu", population_loss=0.01))
    assert_incomparable(run(), LINE)


def test_a_fault_of_the_gate_is_no_comparison(run, monkeypatch):
    monkeypatch.setattr(gate, "compare", lambda *_: 1 / 0)
    status, text = run()
    assert status == 2
    assert text.endswith("ZeroDivisionError: division by zero\n")


def test_a_new_model_is_shown_and_a_missing_one_cannot_be_compared(run):
    write(study("logistic", "relu", "tanh"))
    status, text = run()
    assert status == 0
    assert "logistic same, relu same, tanh new." in text
    write(changed(study("relu"), "relu", population_loss=0.3))
    status, text = run()
    assert status == 2
    assert "logistic missing, relu worse." in text
    assert ["logistic", "missing"] in [line.split() for line in text.splitlines()]


def test_the_run_is_shown_and_not_judged_and_null_is_a_value(run):
    write({"accuracy": 1.0, "loss": 7.5, "precision": None, "f1": None}, RUN)
    other = RUN.replace("relu", "tanh")
    write({"loss": 0.5}, other)
    status, text = run()
    assert status == 0
    assert "not judged" in text
    assert [line.split() for line in text.splitlines()[-3:]] == [
        [RUN, "loss", "0.15", "7.5"],
        [other, "loss", "none", "0.5"],
        [RUN, "precision", "0.9", "null"],
    ]


def test_the_base_is_the_merge_base_or_else_the_commit_before_or_an_experiment(run):
    base = git("rev-parse", "HEAD")
    for loss in (0.01, -0.01):
        write(changed(study(), "relu", population_loss=loss))
        git("commit", "--quiet", "--all", "--message", "another")
    assert "against HEAD~1: logistic same, relu better" in run("--format", "text")[1]
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert "against HEAD~1: logistic same, relu better" in run("--format", "text")[1]
    git("update-ref", "refs/remotes/origin/main", base)
    write(study())
    assert f"against {base[:12]}: logistic same, relu same" in run("--format", "text")[1]
    git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/trial", base)  # as dvc exp run does
    assert "against trial: logistic same, relu same" in run("trial")[1]


def test_the_tables_are_markdown_when_asked(run):
    write(changed(study(), "relu", population_loss=0.1))
    write(BASE_RUN | {"loss": 0.4}, RUN)
    tables = [part for part in run("HEAD", "--format", "md")[1].split("\n\n") if part[0] == "|"]
    for table, n_columns in zip(tables, (9, 4), strict=True):
        assert {line.count("|") for line in table.splitlines()} == {n_columns + 1}


def test_the_committed_study_can_be_judged():
    committed = gate.read_study((ROOT / gate.STUDY).read_bytes())
    rows = gate.compare(committed, committed)
    assert len(rows) == 4 * committed["model"].nunique() >= 12
    assert set(gate.verdicts(rows).values()) == {"same"}
