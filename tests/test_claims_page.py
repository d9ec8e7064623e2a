"""What docs/claims.md says is what the experiments measured."""

import json
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = " ".join((ROOT / "docs/claims.md").read_text().split())


def found(path: str):
    """Look a number up: stage/experiment:key.key, in metrics/claims."""
    file, keys = path.split(":")
    metrics = json.loads((ROOT / f"metrics/claims/{file}.json").read_text())
    return reduce(lambda each, key: each[key], keys.split("."), metrics)


def interval(path: str, form: str) -> str:
    """Write an estimate as the page does: 0.53 (0.52 to 0.54), or as a percentage."""
    each = found(path)
    middle = next(each[key] for key in ("mean", "proportion", "median") if key in each)
    scale, unit = (100, " %") if form == "%" else (1, "")
    form = ".0f" if form == "%" else form
    middle, low, high = (
        f"{scale * number:{form}}" for number in (middle, each["low"], each["high"])
    )
    return f"{middle}{unit} ({low} to {high}{unit})".replace("-", "\N{MINUS SIGN}")


TRAINING = "training/activation:lecture.activations"
BEST = "training/activation:best.activations"
ESTIMATES = [
    (f"{TRAINING}.none.loss", ".2f"),
    (f"{TRAINING}.relu.loss", ".2f"),
    (f"{TRAINING}.prelu.loss", ".2f"),
    (f"{TRAINING}.sigmoid.loss", ".2f"),
    (f"{TRAINING}.tanh.loss", ".2f"),
    (f"{BEST}.sigmoid.loss", ".3f"),
    (f"{BEST}.tanh.loss", ".3f"),
    ("training/convergence:lecture.activations.tanh.reached", "%"),
    ("training/convergence:lecture.activations.relu.reached", "%"),
    ("training/convergence:lecture.activations.sigmoid.reached", "%"),
    ("training/gradients:at_start.sigmoid", ".1f"),
    ("training/gradients:at_start.tanh", ".1f"),
    ("training/gradients:at_start.relu", ".1f"),
    ("training/dead_units:layer0.died_by_50", "%"),
    ("training/dead_units:layer1.died_by_50", "%"),
    ("training/dead_units:layer1.revived", "%"),
    ("training/dead_units:layer0.active_again.leak_0.01", "%"),
    ("training/dead_units:layer1.active_again.leak_0.01", "%"),
    ("training/dead_units:layer1.active_again.no_leak", "%"),
    ("training/prelu:slopes.layer0.negative", "%"),
    ("training/prelu:loss_difference", ".2f"),
]


@pytest.mark.parametrize(("path", "form"), ESTIMATES)
def test_the_pages_estimates_are_the_metrics(path, form):
    assert interval(path, form) in PAGE
