"""Tell whether the models changed since another revision: `python -m checks.gate [REV]`.

One run proves little, so the seed study of the working tree, study/plots/seeds/seeds.csv, is held
against that of REV, seed by seed: by Wilcoxon's signed-rank test, or where the seeds are others by
Mann and Whitney's test. Each model is the same, worse, better, or changed, where its metrics
disagree. The run of params.yaml is shown below, before and after, and not judged.

The exit status is 0 where nothing changed, 1 where a model is worse, 3 where models are better or
changed and none is worse, and 2 where they cannot be compared, for whatever reason. A model that
only the working tree has is new and not judged; one that only REV has is missing, and the status 2.
"""

import argparse
import io
import subprocess
import sys
import traceback
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from dvc.exceptions import DvcException
from dvc.repo import Repo
from pygit2 import GitError
from scipy.stats import mannwhitneyu, wilcoxon
from scmrepo.exceptions import SCMError
from tabulate import tabulate

from checks.reproduction import CannotTellError
from checks.study import LINE, stale
from diagonal import command
from diagonal.errors import InputError, prefixed

STUDY, RUN = "study/plots/seeds/seeds.csv", "metrics/evaluate/"
# The loss moves with every weight, the accuracy is what the lecture asks for. The study's other
# columns follow from the same answers with fewer values; to test them too would blunt these.
METRICS = {  # column -> 1 where more is better, -1 where less is
    "validation_loss": -1,
    "validation_accuracy": 1,
    "population_loss": -1,
    "population_accuracy": 1,
}
DIFFERENCE_DECIMALS = 5  # of a difference between numbers of 6: what is equal in them is a tie
# How often a harmless change may raise an alarm, all tests together (Bonferroni): at twenty changes
# a day, once in a year or two. benchmarks/gate.py counts them, and what is seen in spite of it.
FALSE_ALARMS = 1e-4
FEWEST = 32  # seeds: where fewer all agree, p may still be above the threshold


class Row(NamedTuple):
    """A model's metric on both sides, as means over the seeds; None where a side lacks it."""

    model: str
    metric: str = ""
    base: float | None = None
    now: float | None = None
    better: int | None = None  # these three: number of seeds, where they are paired
    equal: int | None = None
    worse: int | None = None
    p: float | None = None
    verdict: str = ""


def read_study(content: bytes) -> pd.DataFrame:
    """Read a seed study: model, seed and METRICS, a row for each training.

    Those of the population are left out where it is not known: of images that are a user's own.

    Raises:
        InputError: it lacks columns, rows or seeds, has some twice, or holds no finite numbers.
    """
    types = {"model": str, "seed": np.int64, **dict.fromkeys(METRICS, float)}
    try:
        table = pd.read_csv(io.BytesIO(content), usecols=list(types), dtype=types)
    except (ValueError, OverflowError) as err:
        raise InputError(f"expected a readable seed study, found: {_one_line(err)}") from err
    unknown = [name for name in METRICS if "population" in name and table[name].isna().all()]
    table = table.drop(columns=unknown)
    numbers = table.drop(columns="model")
    if table["model"].isna().any() or not np.isfinite(numbers).all(axis=None):
        raise InputError("expected a model and finite numbers in each row, found others")
    if table.duplicated(["model", "seed"]).any():
        raise InputError("expected each seed of a model once, found some twice")
    n_seeds = table.groupby("model").size().min() if len(table) else 0
    if n_seeds < FEWEST:
        raise InputError(f"expected {FEWEST} seeds or more of each model, found {n_seeds}")
    return table


def committed(rev: str) -> bytes:
    """Read the file of the seed study from git: at a revision, or of an experiment by its name.

    Raises:
        InputError: there is no git, no such revision, or no such file in it.
    """
    experiments = _git("for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{rev}")
    commits = (rev, *experiments.stdout.decode().split())
    # ./ is this folder, wherever in the repository
    tried = [_git("show", f"{each}:./{STUDY}") for each in commits]
    shown = next((each for each in tried if not each.returncode), tried[0])
    if shown.returncode:
        reason = _one_line(shown.stderr.decode(errors="replace"))
        raise InputError(f"expected a file in git, found: {reason}")
    return shown.stdout


def current() -> bytes:
    """Read the file of the seed study in the working tree.

    Raises:
        InputError: it is not there, or DVC would write another.
    """
    if stale(Path.cwd(), "seeds"):
        raise InputError(LINE)
    return Path(STUDY).read_bytes()


def read_runs(rev: str) -> tuple[dict, dict]:
    """Read what DVC has of params.yaml's run, of the working tree and of a revision.

    Returns:
        For each of both: file -> name of the metric -> its value; DVC leaves out what is null.

    Raises:
        InputError: DVC cannot read one of both.
    """
    try:
        with Repo() as repo:
            shown = repo.metrics.show(revs=[rev], hide_workspace=False, on_error="raise")
    except (DvcException, SCMError, GitError, OSError, ValueError) as err:
        raise InputError(f"expected metrics that DVC can read, found: {_one_line(err)}") from err
    now = shown.pop("workspace")
    (base,) = shown.values()
    return tuple(
        {file: each["data"] for file, each in side["data"].items() if file.startswith(RUN)}
        for side in (now, base)
    )


def compare(now: pd.DataFrame, base: pd.DataFrame) -> list[Row]:
    """Compare two studies, as `read_study` gives them, by each metric that both have of a model."""
    studies = [dict(list(each.groupby("model", sort=False))) for each in (now, base)]
    models = list(dict.fromkeys([*studies[1], *studies[0]]))
    shared = [name for name in models if all(name in each for each in studies)]
    metrics = [name for name in METRICS if name in now and name in base]
    threshold = FALSE_ALARMS / max(len(shared) * len(metrics), 1)
    rows = []
    for name in models:
        if name in shared:
            sides = [each[name].set_index("seed") for each in studies]
            rows += [_row(name, metric, *sides, threshold) for metric in metrics]
        else:
            rows.append(Row(name, verdict="new" if name in studies[0] else "missing"))
    return rows


def _row(model: str, metric: str, now: pd.DataFrame, base: pd.DataFrame, threshold: float) -> Row:
    ours, theirs = (METRICS[metric] * each[metric] for each in (now, base))
    counts = (None, None, None)
    if set(now.index) == set(base.index):
        gain = (ours - theirs).round(DIFFERENCE_DECIMALS)
        counts = tuple(int(each.sum()) for each in (gain > 0, gain == 0, gain < 0))
        test = partial(wilcoxon, gain)
    else:
        test = partial(mannwhitneyu, ours, theirs)
    p = 1.0 if counts[1] == len(now) else float(test().pvalue)  # SciPy has none if all are equal
    verdict = "same"
    if p < threshold:
        verdict = "better" if test(alternative="greater").pvalue < p else "worse"
    return Row(model, metric, base[metric].mean(), now[metric].mean(), *counts, p, verdict)


def verdicts(rows: list[Row]) -> dict[str, str]:
    """Sum up what the rows say of each model: changed, where its metrics disagree."""
    said: dict[str, set[str]] = {row.model: set() for row in rows}
    for row in rows:
        said[row.model] |= {row.verdict} - {"same"}
    return {
        model: "changed" if len(each) > 1 else min(each, default="same")
        for model, each in said.items()
    }


def exit_status(said: Iterable[str]) -> int:
    """Tell 0, nothing changed, from 1, something is worse, 2, missing, and 3, else changed."""
    for status, kinds in ((2, {"missing"}), (1, {"worse"}), (3, {"better", "changed"})):
        if kinds.intersection(said):
            return status
    return 0


def report(rows: list[Row], runs: tuple[dict, dict], rev: str, style: str) -> str:
    """Put the verdicts in a line, above tables of what differs at all: the study, then the run."""
    said = ", ".join(f"{model} {verdict}" for model, verdict in verdicts(rows).items())
    parts = [f"The seed study against {rev}: {said}."]
    if any(row.p is not None and row.equal is None for row in rows):
        parts.append("The seeds are not the same, so they are not paired and less is seen.")
    shown = [row for row in rows if row.p is None or row.equal is None or row.better or row.worse]
    if shown:
        seeds = ("better in", "equal in", "worse in")
        headers = ["model", "mean of", f"at {rev}", "now", *seeds, "p", "verdict"]
        formats = ("", "", ".6g", ".6g", "", "", "", ".1e", "")
        parts.append(tabulate(shown, headers, tablefmt=style, floatfmt=formats))
    if changes := _changes(*runs):
        parts.append("The run of params.yaml, one seed, not judged:")
        headers = ["file", "metric", f"at {rev}", "now"]
        parts.append(tabulate(changes, headers, tablefmt=style, floatfmt=".6g"))
    return "\n\n".join(parts)


def _changes(now: dict, base: dict) -> list[tuple]:
    """List what differs between two sides of `read_runs`: file, metric, before and after."""
    names = dict.fromkeys(
        (file, metric) for side in (now, base) for file in side for metric in side[file]
    )
    before, after = (
        [side[file].get(metric, "null") if file in side else "none" for file, metric in names]
        for side in (base, now)
    )
    rows = zip(names, before, after, strict=True)
    return [(*name, old, new) for name, old, new in rows if old != new]


def default_base() -> str:
    """Choose what to compare with: the merge base with origin/main, or the commit before."""
    merge_base, head = (
        _git(*words).stdout.decode().strip()
        for words in (("merge-base", "HEAD", "origin/main"), ("rev-parse", "HEAD"))
    )
    return merge_base[:12] if merge_base and merge_base != head else "HEAD~1"


def _git(*words: str) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(["git", *words], capture_output=True, check=False)
    except OSError as err:
        raise InputError("expected git, found none") from err


def _one_line(message) -> str:
    return " ".join(str(message).split())


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold the seed study against another revision's.")
    parser.add_argument("rev", nargs="?", help="default: merge base with origin/main, or HEAD~1")
    parser.add_argument("--format", choices=("text", "md"), default="text")
    arguments = parser.parse_args()
    try:
        rev = arguments.rev or default_base()
        with prefixed(f"{rev}: {STUDY}"):
            base = read_study(committed(rev))
        with prefixed(STUDY):
            now = read_study(current())
        with prefixed(rev):
            runs = read_runs(rev)
        rows = compare(now, base)
        print(report(rows, runs, rev, {"text": "simple", "md": "github"}[arguments.format]))
        return exit_status(verdicts(rows).values())
    except (InputError, CannotTellError) as err:
        print(f"gate: {err}", file=sys.stderr)
    except Exception:  # Python's own status 1 would say that a model is worse
        traceback.print_exc()
    return 2


if __name__ == "__main__":
    command.run(main)
