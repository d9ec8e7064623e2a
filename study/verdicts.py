"""Judge each claim of the lecture by the experiments, and put all numbers into study/README.md."""

import re
from pathlib import Path

from diagonal import command
from diagonal.pipeline import files
from study.claims import CLAIMS
from study.params import load_study_params
from study.trainings.statistics import adjusted, verdict

METRICS = "study/metrics/claims/{}.json"
NUMBER = re.compile(r"\{(\w+/\w+):([^{}]+):([^:{}]+)\}")  # {file:key:format}


def main() -> None:
    found = table()
    files.write_table("study/plots/verdicts.csv", found)
    page = filled(Path("study/page.md").read_text("utf-8"), found)
    with files.replacing("study/README.md") as file:
        file.write(page.encode())


def table() -> dict[str, list]:
    """Read the outcomes of the claims and judge them, as columns of a table."""
    found = [value(claim.file, claim.key) for claim in CLAIMS]
    p = adjusted({str(place): outcome["p"] for place, outcome in enumerate(found)})
    return {
        "experiment": [claim.number for claim in CLAIMS],
        "statement": [claim.statement for claim in CLAIMS],
        "n": [outcome["n"] for outcome in found],
        **{key: [outcome[key] for outcome in found] for key in ("proportion", "low", "high", "p")},
        "opposite": [outcome.get("opposite") for outcome in found],
        "adjusted_p": list(p.values()),
        "verdict": [verdict(*pair) for pair in zip(found, p.values(), strict=True)],
    }


def filled(page: str, verdicts: dict[str, list]) -> str:
    """Put the verdicts, the sizes and the numbers of study/metrics into the page's Markdown."""
    claims = load_study_params().claims
    rows = ["| # | the slides say | statement | true of | opposite | verdict |", "|---" * 6 + "|"]
    said = ""
    columns = ("n", "proportion", "low", "high", "opposite", "verdict")
    for place, claim in enumerate(CLAIMS):
        n, share, low, high, opposite, judged = (verdicts[key][place] for key in columns)
        true = f"{share:.1%} ({low:.1%} to {high:.1%}) of {n}"
        turned = "" if opposite is None else f"{opposite:.1%}"
        words = f"*{claim.slide}*: {f'“{claim.words}”' if claim.words else '(our question)'}"
        shown = "(as above)" if words == said else words
        cells = (f"{claim.number}", shown, f"{claim.statement}.", true, turned, f"**{judged}**")
        rows.append(f"| {' | '.join(cells)} |")
        said = words
    for name, text in (
        ("verdicts", "\n".join(rows)),
        ("n", f"{claims.n}"),
        ("first", f"{claims.first}"),
        ("few", f"{min(claims.n, claims.bias.n)}"),
        ("rates", ", ".join(f"{rate:g}" for rate in claims.lrs)),
    ):
        page = page.replace(f"{{{name}}}", text)
    return NUMBER.sub(lambda found: f"{value(found[1], found[2]):{found[3]}}", page)


def value(file: str, key: str):
    """Look up a number or a statement in the metrics by its key with dots.

    Names of settings may have dots themselves.
    """
    metrics = files.read_metrics(METRICS.format(file))
    while key:
        name = max((name for name in metrics if f"{key}.".startswith(f"{name}.")), key=len)
        metrics, key = metrics[name], key.removeprefix(name).removeprefix(".")
    return metrics


if __name__ == "__main__":
    command.run(main)
