"""What docs/claims.md says is what the experiments measured."""

import json
import re
from functools import reduce
from pathlib import Path

import pytest

from diagonal.claims.statistics import COMPARISONS

ROOT = Path(__file__).parents[1]
PAGE = " ".join((ROOT / "docs/claims.md").read_text().split())


def found(path: str):
    """Look a number up: stage/experiment:key.key, in metrics/claims; ~ is a dot in a key."""
    file, keys = path.split(":")
    metrics = json.loads((ROOT / f"metrics/claims/{file}.json").read_text())
    names = (key.replace("~", ".") for key in keys.split("."))
    return reduce(lambda each, key: each[key], names, metrics)


def interval(path: str, form: str) -> str:
    """Write an estimate as the page does: 0.53 (0.52 to 0.54), or as a percentage."""
    each = found(path)
    middle = next(each[key] for key in ("mean", "proportion", "median", "share") if key in each)
    scale, unit = (100, " %") if form == "%" else (1, "")
    form = ".0f" if form == "%" else form
    middle, low, high = (
        f"{scale * number:{form}}" for number in (middle, each["low"], each["high"])
    )
    text = f"{middle}{unit} ({low} to {high}{unit})"
    return re.sub(r"-(?=[0-9])", "\N{MINUS SIGN}", text)


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
    ("training/dead_units:layer0.active_again.leak_0~01", "%"),
    ("training/dead_units:layer1.active_again.leak_0~01", "%"),
    ("training/dead_units:layer1.active_again.no_leak", "%"),
    ("training/prelu:slopes.layer0.negative", "%"),
    ("training/prelu:loss_difference", ".2f"),
    ("training/batch_norm:6_hidden_layers.with.epochs", ".0f"),
    ("training/batch_norm:6_hidden_layers.with.reached", "%"),
    ("data/balancing:balanced_less_equal.logistic.recall_straight", ".2f"),
    ("data/balancing:balanced_less_equal.logistic.recall_diagonal", ".2f"),
    ("data/balancing:balanced_less_equal.logistic.loss", ".3f"),
    ("data/balancing:balanced_less_equal.relu.recall_straight", ".2f"),
    ("data/balancing:balanced_less_equal.relu.recall_diagonal", ".2f"),
    ("data/balancing:balanced_less_equal.relu.loss", ".3f"),
    *(
        (f"data/augmentation:splits.{unit}, flips {flips}", "%")
        for unit in ("pattern", "orbit")
        for flips in ("off", "on")
    ),
    *(
        (f"data/test_time_augmentation:mirrored_less_alone.{name}.on.loss", ".3f")
        for name in ("logistic", "deepish", "relu")
    ),
    ("data/test_time_augmentation:mirrored_less_alone.relu.off.loss", ".3f"),
    *(
        (f"data/centring:lecture_less_unit.{name}.loss", ".2f")
        for name in ("logistic", "relu", "tanh")
    ),
    ("data/centring:means.logistic.standardised.loss", ".2f"),
    ("data/centring:means.tanh.standardised.loss", ".2f"),
    *((f"data/three_classes:means.{name}.accuracy", ".2f") for name in ("off", "naive", "swapped")),
    ("data/variation:components.training.logistic.loss.sampling", "%"),
    ("data/variation:components.training.relu.loss.initialisation", "%"),
    ("data/variation:components.data.logistic.loss.data", "%"),
    ("data/variation:components.data.relu.loss.data", "%"),
    ("data/variation:means.data.logistic.loss", ".2f"),
    ("boundaries/one_matrix:gaps.100.deepish", ".2f"),
    ("boundaries/one_matrix:gaps.5000.deepish", ".2f"),
    ("boundaries/one_matrix:gaps.5000.other_seed", ".2f"),
    *(
        (f"boundaries/parabolas:grid.{depth}.{width}", "%")
        for depth in (1, 2)
        for width in (2, 5, 20)
    ),
    *((f"boundaries/parabolas:networks.{name}", "%") for name in ("sigmoid", "tanh", "relu")),
    ("boundaries/bias:models.logistic.without_bias.1000.perfect", "%"),
    ("boundaries/bias:models.logistic.with_bias.1000.perfect", "%"),
    ("boundaries/bias:models.relu.with_bias.1000.perfect", "%"),
]


@pytest.mark.parametrize(("path", "form"), ESTIMATES)
def test_the_pages_estimates_are_the_metrics(path, form):
    assert interval(path, form) in PAGE


def test_each_experiment_has_a_row_a_table_and_a_picture():
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs/claims.md").read_text(), re.M)
    assert {int(row) for row in rows} == set(range(1, 16))
    metrics = sorted((ROOT / "metrics/claims").glob("*/*.json"))
    assert len(metrics) == 15
    for path in metrics:
        plots = ROOT / "plots/claims" / path.parent.name
        assert (plots / f"{path.stem}.csv").is_file()
        assert (plots / "pictures" / f"{path.stem}.png").is_file()


def differences(metrics) -> int:
    """Count the comparisons of two arms, each with its intervals."""
    if not isinstance(metrics, dict):
        return 0
    return ("wins" in metrics) + sum(map(differences, metrics.values()))


def test_there_are_no_more_comparisons_than_are_corrected_for():
    paths = (ROOT / "metrics/claims").glob("*/*.json")
    found = sum(differences(json.loads(path.read_text())) for path in paths)
    assert 50 < found <= COMPARISONS
