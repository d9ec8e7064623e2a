"""What many trainings say about a claim: outcomes, means, paired differences and proportions."""

from functools import partial

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch.nn import functional

from diagonal.claims.batches import Inputs
from diagonal.training import intervals
from diagonal.training.models import DECIMALS

COMPARISONS = 100  # at most, in all experiments together
# Bonferroni's correction: all intervals hold at once with a probability of at least 95 %.
CONFIDENCE = 1 - 0.05 / COMPARISONS
proportion = partial(intervals.proportion, confidence=CONFIDENCE)


def losses(probability, inputs: Inputs) -> np.ndarray:
    """Compute the loss on the population, in nats, of what trainings say, (trainings, n).

    Returns:
        float64 (trainings,), rounded to 6 decimals.
    """
    known, labels, counts = _on_population(probability, inputs)
    each = functional.binary_cross_entropy(
        torch.from_numpy(known),
        torch.from_numpy(labels).double().expand(known.shape),
        reduction="none",  # a single one is at most 100
    )
    return np.average(each.numpy(), axis=1, weights=counts).round(6)


def _on_population(probability, inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose what is said of the population; who has diverged is certain, and wrong."""
    drawable = inputs.population > 0
    labels, known = inputs.labels[drawable], np.asarray(probability).round(DECIMALS)[:, drawable]
    return np.where(np.isnan(known), 1.0 - labels, known), labels, inputs.population[drawable]


def outcomes(probability, inputs: Inputs, threshold: float = 0.5) -> pd.DataFrame:
    """Evaluate trainings on the population by what each says of each input, (trainings, n).

    A training that has diverged says NaN: it is taken for certain and wrong, which costs 100 nats.

    Returns:
        A row for each training, rounded to 6 decimals: loss in nats, accuracy; perfect, ties and
        separates: 1 where all lines are right, where a line is at the threshold, and where some
        threshold parts the classes.
    """
    known, labels, counts = _on_population(probability, inputs)
    right = (known > threshold) == labels
    parted = known[:, labels == 0].max(axis=1) < known[:, labels == 1].min(axis=1)
    columns = {
        "loss": losses(probability, inputs),
        "accuracy": np.average(right, axis=1, weights=counts),
        "perfect": right.all(axis=1).astype(int),
        "ties": (known == threshold).any(axis=1).astype(int),
        "separates": parted.astype(int),
    }
    return pd.DataFrame(columns).round(6)


def mean(values) -> dict[str, float]:
    """Compute the mean of values (n,) and its interval, see `intervals.mean_interval`."""
    values = np.asarray(values, float)
    low, high = intervals.mean_interval(values, CONFIDENCE)
    found = {"mean": values.mean(), "low": low, "high": high}
    return {name: round(float(each), 9) for name, each in found.items()}  # figures print them


def median(values, at_most: float = np.inf) -> dict[str, float | None]:
    """Compute the median of values (n,) and its interval, by the binomial distribution of ranks.

    What is above `at_most` was not observed to its end: None.
    """
    values = np.asarray(values, float)
    interval = stats.quantile_test(values, p=0.5).confidence_interval(CONFIDENCE)
    found = {"median": np.median(values), "low": interval.low, "high": interval.high}
    return {name: float(each) if each <= at_most else None for name, each in found.items()}


def difference(ours, theirs, larger_wins: bool = False) -> dict[str, float]:
    """Compare numbers of two arms, seed by seed: (n,) each, rounded as `outcomes` are.

    Returns:
        mean, low and high of ours minus theirs; wins, ties and losses, numbers of seeds, where a
        win is the smaller number unless `larger_wins`; p, of Wilcoxon's two-sided signed-rank test.
    """
    apart = np.round(np.asarray(ours, float) - np.asarray(theirs, float), 6)
    below, above = int((apart < 0).sum()), int((apart > 0).sum())
    wins, losses = (above, below) if larger_wins else (below, above)
    p = stats.wilcoxon(apart).pvalue if below + above else 1.0
    return {
        **mean(apart),
        "wins": wins,
        "ties": len(apart) - wins - losses,
        "losses": losses,
        "p": p,
    }


def components(values: np.ndarray, row: str, column: str, confidence: float = CONFIDENCE) -> dict:
    """Part the variance of values (rows, columns), a training for each pair of two kinds of seeds.

    Both kinds are random effects, crossed. Their variances are those for which the mean squares
    are what is expected of them, 0 where that would be negative (Searle, Casella and McCulloch,
    1992, Variance Components, chapter 4). A kind's share is the intraclass correlation ICC(A,1) of
    McGraw and Wong (1996, Forming inferences about some intraclass correlation coefficients), whose
    intervals suppose normal effects.

    Returns:
        each kind, and rest (what hangs on the pair) -> variance; share of the sum of all three;
        for the kinds also low and high of the share.
    """
    mean_squares = _mean_squares(values)
    result = {
        row: _component(mean_squares, values.shape, confidence),
        column: _component(mean_squares[[1, 0, 2]], values.shape[::-1], confidence),
        "rest": {"variance": mean_squares[2]},
    }
    total = sum(each["variance"] for each in result.values())
    for each in result.values():
        each["share"] = each["variance"] / total if total else 0.0
    return result


def _mean_squares(values: np.ndarray) -> np.ndarray:
    """Compute the mean squares of rows, of columns and of the rest, each (rows, columns): (3,)."""
    n_rows, n_columns = values.shape
    by_row, by_column = (values.mean(axis=axis, keepdims=True) for axis in (1, 0))
    rest = ((values - by_row - by_column + values.mean()) ** 2).sum()
    squares = [
        n_columns * by_row.var(ddof=1),
        n_rows * by_column.var(ddof=1),
        rest / ((n_rows - 1) * (n_columns - 1)),
    ]
    return np.round(squares, 18)  # what is left of equal numbers is none


def _component(mean_squares: np.ndarray, shape: tuple[int, int], confidence: float) -> dict:
    """Compute the variance of the first of two kinds of levels, and the interval of its share."""
    (own, other, rest), (n, k) = mean_squares, shape
    variance = max((own - rest) / k, 0.0)
    if not rest:  # nothing hangs on the pair: no F
        return {"variance": variance, "low": 0.0, "high": 1.0}
    ratio = variance / (max((other - rest) / n, 0.0) + rest)  # share / (1 - share)
    a, b = k * ratio / n, 1 + k * ratio * (n - 1) / n
    spread = (a * other) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    freedom = (a * other + b * rest) ** 2 / spread
    tail, within = (1 - confidence) / 2, k * other + (k * n - k - n) * rest
    upper = stats.f.isf(tail, n - 1, freedom)
    lower = stats.f.isf(tail, freedom, n - 1)
    low = n * (own - upper * rest) / (upper * within + n * own)
    high = n * (lower * own - rest) / (within + n * lower * own)
    return {"variance": variance, "low": max(low, 0.0), "high": max(high, 0.0)}
