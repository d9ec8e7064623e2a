"""Hold the metrics against those of another revision: `python -m checks.gate [REV]`.

Both sides come from DVC, as `dvc metrics show` would have them, so that a clone without data is
enough. A metric may be worse by the tolerance that checks/tolerances.yaml gives it. The exit
status is 0 where all are, 1 where one is worse than that, and 2 where they cannot be compared:
on one side a metric is missing, unreadable or no finite number, or it has no tolerance.

A metric that only the working tree has is new: it is shown and not judged. One that only REV
has is missing, unless no tolerance speaks of it any more.
"""

import argparse
import math
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from dvc.exceptions import DvcException
from dvc.repo import Repo
from pydantic import Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from scmrepo.exceptions import SCMError
from tabulate import tabulate

TOLERANCES = Path(__file__).with_name("tolerances.yaml")
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rule = tuple[Literal["higher", "lower", "neither"], NonNegative]
Rules = dict[str, dict[str, Rule]]
INCOMPARABLE = ("missing", "unreadable", "not finite", "no tolerance")


class Row(NamedTuple):
    """A metric on both sides: what is shown of it."""

    metric: str
    base: object
    now: object
    worse_by: float | None
    tolerance: float | None
    verdict: str


def read_rules(path: Path = TOLERANCES) -> Rules:
    """Read the tolerances: pattern of files -> name of the metric -> (better, tolerance)."""
    document = YAML(typ="safe", pure=True).load(path)
    return TypeAdapter(Rules).validate_python(document)


def rule_for(rules: Rules, file: str, name: str) -> Rule | None:
    """Find the last rule that speaks of this metric."""
    matching = [own[name] for glob, own in rules.items() if fnmatchcase(file, glob) and name in own]
    return matching[-1] if matching else None


def read_metrics(rev: str) -> tuple[dict, dict]:
    """Read the metrics of the working tree and of a revision.

    Returns:
        For each of both: (file, name of the metric) -> its value; an unreadable file stands under
        (file, None) with what is wrong with it.

    Raises:
        DvcException, SCMError: the revision or its dvc.yaml cannot be read.
    """
    with Repo() as repo:
        shown = repo.metrics.show(revs=[rev], hide_workspace=False)
    base = shown[next(key for key in shown if key != "workspace")]
    return _flat(shown["workspace"]), _flat(base)


def _flat(side: dict) -> dict:
    if "error" in side:
        raise side["error"]
    flat: dict = {}
    for file, result in side["data"].items():
        if "error" in result or not isinstance(result["data"], dict) or not result["data"]:
            flat[file, None] = result.get("error", "no numbers")
        else:
            flat |= {(file, name): value for name, value in result["data"].items()}
    return flat


def compare(now: dict, base: dict, rules: Rules) -> list[Row]:
    """Compare two sides as `read_metrics` gives them, metric by metric."""
    unreadable = dict.fromkeys(file for file, name in [*now, *base] if name is None)
    rows = [
        Row(file, _reason(base, file), _reason(now, file), None, None, "unreadable")
        for file in unreadable
    ]
    for file, name in dict.fromkeys([*now, *base]):
        rule = rule_for(rules, file, name)
        if file not in unreadable and (rule or (file, name) in now):
            rows.append(_row(f"{file}:{name}", base.get((file, name)), now.get((file, name)), rule))
    return rows


def _reason(side: dict, file: str) -> str:
    reason = side.get((file, None), "")
    return type(reason).__name__ if isinstance(reason, Exception) else reason


def _row(metric: str, base, now, rule: Rule | None) -> Row:
    better, tolerance = rule or ("neither", None)
    if not all(_is_finite(value) for value in (base, now) if value is not None):
        return Row(metric, base, now, None, tolerance, "not finite")
    if now is None:
        return Row(metric, base, now, None, tolerance, "missing")
    if rule is None:
        return Row(metric, base, now, None, None, "no tolerance")
    if base is None:
        return Row(metric, base, now, None, tolerance, "new")
    if better == "neither":
        return Row(metric, base, now, None, None, "same" if base == now else "changed")
    worse_by = round(base - now if better == "higher" else now - base, 9)
    if worse_by > tolerance:
        verdict = "worse"
    elif worse_by < 0:
        verdict = "better"
    else:
        verdict = "within tolerance" if worse_by else "same"
    return Row(metric, base, now, worse_by, tolerance, verdict)


def _is_finite(value) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def exit_status(rows: list[Row]) -> int:
    """Tell 0, nothing is worse, from 1, something is, and 2, something cannot be compared."""
    verdicts = {row.verdict for row in rows}
    if not rows or verdicts.intersection(INCOMPARABLE):
        return 2
    return int("worse" in verdicts)


def report(rows: list[Row], rev: str, style: str) -> str:
    """Put what is not the same into a table, worst first, with a line of counts above it."""
    counts = Counter(row.verdict for row in rows)
    order = (*INCOMPARABLE, "worse", "better", "within tolerance", "changed", "new")
    summary = ", ".join(f"{counts[each]} {each}" for each in (*order, "same") if counts[each])
    shown = sorted(
        (row for row in rows if row.verdict != "same"), key=lambda row: order.index(row.verdict)
    )
    title = f"{len(rows)} metrics against {rev}: {summary or 'none found'}."
    if not shown:
        return title
    headers = ["metric", "at " + rev, "now", "worse by", "tolerance", "verdict"]
    return f"{title}\n\n{tabulate(shown, headers, tablefmt=style, floatfmt='.6g')}"


def default_base() -> str:
    """Choose what to compare with: the merge base with origin/main, or the commit before."""
    merge_base, head = _git("merge-base", "HEAD", "origin/main"), _git("rev-parse", "HEAD")
    return merge_base[:12] if merge_base and merge_base != head else "HEAD~1"


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=False
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold the metrics against another revision's.")
    parser.add_argument("rev", nargs="?", help="default: merge base with origin/main, or HEAD~1")
    parser.add_argument("--format", choices=("text", "md"), default="text")
    arguments = parser.parse_args()
    rev = arguments.rev or default_base()
    try:
        rules, (now, base) = read_rules(), read_metrics(rev)
    except (DvcException, SCMError, OSError, ValueError, ValidationError) as err:
        print(f"gate: {rev}: expected readable metrics, found: {err}", file=sys.stderr)
        sys.exit(2)
    rows = compare(now, base, rules)
    print(report(rows, rev, {"text": "simple", "md": "github"}[arguments.format]))
    sys.exit(exit_status(rows))


if __name__ == "__main__":
    main()
