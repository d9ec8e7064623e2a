"""What a model's many trainings say, each with other seeds, beside its one run.

The seeds are those of initial weights, draws and flips. All trainings share the images and their
split, so that every interval here is conditional on `generate.seed` and `split.seed`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagonal.evaluation.metrics import cross_entropy
from diagonal.pipeline.data import Patterns
from diagonal.training.intervals import comparison, proportion, spread


def outcomes(probability: np.ndarray, patterns: Patterns, threshold: float) -> pd.DataFrame:
    """Evaluate trainings by what each says of each pattern, float64 (trainings, n).

    Returns:
        A row for each training, rounded to 6 decimals: validation_loss, validation_accuracy,
        population_loss, population_accuracy; separates: 1 where some threshold parts the classes
        of the population; died: 1 where the answer is the same to all of it; ties: 1 where a line
        of it is at the threshold, and is called straight by a rule alone. Where the population is
        not known, its two columns are missing, and the last three are of validation.
    """
    columns = {}
    for name, counts in patterns.judged_on().items():
        columns[f"{name}_loss"] = cross_entropy(patterns.labels, probability, counts)
        right = (probability > threshold) == patterns.labels
        columns[f"{name}_accuracy"] = np.average(right, axis=1, weights=counts)
    judged = counts > 0
    known, diagonal = probability[:, judged], patterns.labels[judged] == 1
    highest_straight = known[:, ~diagonal].max(axis=1)
    columns["separates"] = (highest_straight < known[:, diagonal].min(axis=1)).astype(int)
    columns["died"] = (np.ptp(known, axis=1) == 0).astype(int)
    columns["ties"] = (known == threshold).any(axis=1).astype(int)
    return pd.DataFrame(columns).round(6)


def judged_on(table: pd.DataFrame) -> str:
    """Name what a table of `outcomes` judges models on: population, or validation."""
    return "population" if "population_loss" in table else "validation"


def summary(table: pd.DataFrame, this_loss: float) -> dict:
    """Sum up a model's `outcomes`, with dead_units, beside the loss of another run.

    The loss is that on what the table judges models on, and so are all but the first numbers here.

    Returns:
        For validation and, where it is known, population: loss and accuracy, and dead_units:
        `intervals.spread`. As `intervals.proportion`, of the trainings: separates; ties; perfect:
        every line is called right; perfect_strict: so it is with a tie counted as wrong; died.
        lower_loss: the share with a lower loss than this one.
    """
    where = judged_on(table)
    perfect, ties = table[f"{where}_accuracy"] == 1, table["ties"] == 1
    return {
        **{
            name: {key: spread(table[f"{name}_{key}"]) for key in ("loss", "accuracy")}
            for name in dict.fromkeys(("validation", where))
        },
        "separates": proportion(table["separates"] == 1),
        "ties": proportion(ties),
        "perfect": proportion(perfect),
        "perfect_strict": proportion(perfect & ~ties),
        "died": proportion(table["died"] == 1),
        "dead_units": spread(table["dead_units"]),
        "lower_loss": (table[f"{where}_loss"] < this_loss).mean(),
    }


def comparisons(tables: Mapping[str, pd.DataFrame], name: str) -> dict[str, dict]:
    """Hold a model against those before it, seed by seed, by loss and accuracy."""
    names, ours = list(tables), tables[name]
    better = (("loss", 1), ("accuracy", -1))  # what is better the smaller, times 1
    return {
        other: {
            key: comparison(sign * ours[column], sign * tables[other][column])
            for key, sign in better
            for column in [f"{judged_on(ours)}_{key}"]
        }
        for other in names[: names.index(name)]
    }
