"""What a model's many trainings say, each with other seeds, beside its one run."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagonal.evaluation.intervals import percentiles, proportion, win_rate
from diagonal.evaluation.metrics import cross_entropy
from diagonal.pipeline.data import Patterns

SETS = {"validation": "val", "population": "population"}  # name -> the Patterns' counts


def outcomes(probability: np.ndarray, patterns: Patterns, threshold: float) -> pd.DataFrame:
    """Evaluate trainings by what each says of each pattern, float64 (trainings, n).

    Returns:
        A row for each training, rounded to 6 decimals: validation_loss, validation_accuracy,
        population_loss, population_accuracy; separates: 1 where some threshold parts the classes
        of the population; died: 1 where the answer is the same to all of it.
    """
    columns = {}
    for name, field in SETS.items():
        counts = getattr(patterns, field)
        columns[f"{name}_loss"] = cross_entropy(patterns.labels, probability, counts)
        right = (probability > threshold) == patterns.labels
        columns[f"{name}_accuracy"] = np.average(right, axis=1, weights=counts)
    drawable = patterns.population > 0
    known, diagonal = probability[:, drawable], patterns.labels[drawable] == 1
    highest_straight = known[:, ~diagonal].max(axis=1)
    columns["separates"] = (highest_straight < known[:, diagonal].min(axis=1)).astype(int)
    columns["died"] = (np.ptp(known, axis=1) == 0).astype(int)
    return pd.DataFrame(columns).round(6)


def summary(table: pd.DataFrame, this_loss: float) -> dict:
    """Sum up a model's `outcomes`, with dead_units, beside the population loss of another run."""
    return {
        **{
            name: {key: percentiles(table[f"{name}_{key}"]) for key in ("accuracy", "loss")}
            for name in SETS
        },
        "perfect": proportion(table["population_accuracy"] == 1),
        "separates": proportion(table["separates"] == 1),
        "died": proportion(table["died"] == 1),
        "dead_units": {**percentiles(table["dead_units"]), "mean": table["dead_units"].mean()},
        "lower_loss": (table["population_loss"] < this_loss).mean(),
    }


def win_rates(tables: Mapping[str, pd.DataFrame], name: str) -> dict[str, dict]:
    """Hold a model against those before it, seed by seed, by their numbers on the population."""
    names, ours = list(tables), tables[name]
    better = (("loss", 1), ("accuracy", -1))  # what is better the smaller, times 1
    return {
        other: {
            key: win_rate(sign * ours[column], sign * tables[other][column])
            for key, sign in better
            for column in [f"population_{key}"]
        }
        for other in names[: names.index(name)]
    }
