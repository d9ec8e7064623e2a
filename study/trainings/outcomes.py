"""What each of many trainings makes of the images: loss, accuracy, and what hangs on a tie."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from diagonal.pipeline.data import Patterns
from diagonal.training.models import PROBABILITY_DECIMALS
from study.trainings.statistics import distribution, proportion

EDGE = 1e-15  # of a mean probability, before it becomes a logit
DIVERGED = 100.0  # nats by which a training that has diverged is wrong about each input


def outcomes(z, labels: np.ndarray, counts: np.ndarray, threshold: float = 0.5) -> pd.DataFrame:
    """Evaluate trainings by the logit of label 1 that each gives to each input.

    Args:
        z: float64 (trainings, n). A training that has diverged gives NaN, which is taken for wrong
            by DIVERGED.
        labels: 0 or 1, (n,).
        counts: how often each input occurs, (n,) or (trainings, n); at least one of both labels.
        threshold: label 1 is predicted if its probability, rounded to 9 decimals, is above it.

    Returns:
        A row for each training, rounded to 6 decimals: loss in nats, computed from the logits;
        class_loss, the mean of both classes' losses; accuracy; recall_straight, recall_diagonal;
        and 1 or 0 for perfect, all are right; undecided, some probability is at the threshold;
        roc_auc_is_1, some threshold separates the classes.
    """
    z = np.where(np.isnan(z), DIVERGED * (1 - 2 * labels), z)
    counts = np.broadcast_to(counts, z.shape)
    losses = np.logaddexp(0, np.where(labels == 1, -z, z))
    probability = expit(z).round(PROBABILITY_DECIMALS)
    right, occurs = (probability > threshold) == labels, counts > 0

    def average(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return (values * weights).sum(axis=1) / weights.sum(axis=1)

    of_class = [counts * (labels == label) for label in (0, 1)]
    highest_straight = np.where(of_class[0] > 0, probability, -1).max(axis=1)
    lowest_diagonal = np.where(of_class[1] > 0, probability, 2).min(axis=1)
    columns = {
        "loss": average(losses, counts),
        "class_loss": sum(average(losses, weights) for weights in of_class) / 2,
        "accuracy": average(right, counts),
        "recall_straight": average(right, of_class[0]),
        "recall_diagonal": average(right, of_class[1]),
        "perfect": (right | ~occurs).all(axis=1).astype(int),
        "undecided": ((probability == threshold) & occurs).any(axis=1).astype(int),
        "roc_auc_is_1": (highest_straight < lowest_diagonal).astype(int),
    }
    return pd.DataFrame(columns).round(6)


def averaged(z: np.ndarray) -> np.ndarray:
    """Average probabilities over the first axis of logits (versions, ...); return logits (...)."""
    return logit(expit(z).mean(axis=0).clip(EDGE, 1 - EDGE))


def outcomes_by_set(z: np.ndarray, patterns: Patterns, threshold: float) -> pd.DataFrame:
    """Evaluate trainings, by logits as in `outcomes`, on validation and, if known, the population.

    Returns:
        A row for each training: validation_loss, validation_accuracy, population_loss,
        population_accuracy; and, on the population, else on validation, roc_auc_is_1,
        constant_output (1 if the probability is the same for all images) and undecided.
    """
    columns = {}
    for name, counts in patterns.eval_sets().items():
        table = outcomes(z, patterns.labels, counts, threshold)
        columns |= {f"{name}_{key}": table[key] for key in ("loss", "accuracy")}
    known = expit(z).round(PROBABILITY_DECIMALS)[:, counts > 0]  # on the last set
    columns["roc_auc_is_1"] = table["roc_auc_is_1"]
    columns["constant_output"] = (np.ptp(known, axis=1) == 0).astype(int)
    columns["undecided"] = table["undecided"]
    return pd.DataFrame(columns)


def eval_set(table: pd.DataFrame) -> str:
    """Name the images on which `outcomes_by_set` judges models: population, or validation."""
    return "population" if "population_loss" in table else "validation"


def summary(table: pd.DataFrame, this_loss: float) -> dict:
    """Summarize a model's `outcomes_by_set`, with dead_units, beside another run's loss.

    Returns:
        For validation and, if it is known, population: loss and accuracy, and dead_units, see
        `statistics.distribution`. On the population, else on validation, the proportions of
        trainings: roc_auc_is_1; undecided; perfect: all images are right; perfect_strict: so they
        are with undecided ones counted as wrong; constant_output; and lower_loss, the share of
        trainings with a lower loss than this one.
    """
    where = eval_set(table)
    perfect, undecided = table[f"{where}_accuracy"] == 1, table["undecided"] == 1
    shares = {
        "roc_auc_is_1": table["roc_auc_is_1"] == 1,
        "undecided": undecided,
        "perfect": perfect,
        "perfect_strict": perfect & ~undecided,
        "constant_output": table["constant_output"] == 1,
    }
    return {
        **{
            name: {key: distribution(table[f"{name}_{key}"]) for key in ("loss", "accuracy")}
            for name in dict.fromkeys(("validation", where))
        },
        **{name: proportion(holds) for name, holds in shares.items()},
        "dead_units": distribution(table["dead_units"]),
        "lower_loss": (table[f"{where}_loss"] < this_loss).mean(),
    }


def comparisons(tables: Mapping[str, pd.DataFrame], name: str) -> dict[str, dict]:
    """Compare a model with those before it, seed by seed.

    Returns:
        model -> loss, accuracy -> the proportions of seeds: wins, ties and losses.
    """
    names, ours = list(tables), tables[name]
    result: dict = {other: {} for other in names[: names.index(name)]}
    for other, key in product(result, ("loss", "accuracy")):
        column = f"{eval_set(ours)}_{key}"
        gain = (ours[column] - tables[other][column]).round(6) * (-1 if key == "loss" else 1)
        outcome = {"wins": gain > 0, "ties": gain == 0, "losses": gain < 0}
        result[other][key] = {name: proportion(holds) for name, holds in outcome.items()}
    return result
