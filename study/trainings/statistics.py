"""What many trainings say: numbers with 95 % intervals, statements with tests, parts of a variance.

Intervals describe, tests decide. Members are independent: each has data and seeds of its own.
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
ALPHA = 0.05  # of all tests together, by Holm's method
BAND = (0.4, 0.6)  # shares of members that are too close to a half for a verdict


def mean(values, confidence: float = CONFIDENCE) -> dict[str, float]:
    """Compute the mean of values (n,), n at least 2, and Student's t interval, low and high."""
    values = np.asarray(values, float)
    low = high = values.mean()
    if np.ptp(values):
        low, high = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def median(values, confidence: float = CONFIDENCE) -> dict[str, float | None]:
    """Compute the median of values (n,) and its interval, by the binomial distribution of ranks.

    Ends of the interval that n is too small for are None, and all three without any values; so are
    infinite numbers, which stand for what was not reached.
    """
    values = np.asarray(values, float)
    if not len(values):
        return {"median": None, "low": None, "high": None}
    low, high = stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    numbers = {"median": np.median(values), "low": low, "high": high}
    return {name: float(x) if np.isfinite(x) else None for name, x in numbers.items()}


def proportion(holds, confidence: float = CONFIDENCE) -> dict[str, float]:
    """Compute how often something holds, bool (n,), n at least 1.

    Returns:
        proportion, in [0, 1], and the ends low and high of Clopper and Pearson's exact confidence
        interval (Biometrika 26, 1934).
    """
    result = stats.binomtest(int(np.sum(holds)), len(holds))
    low, high = result.proportion_ci(confidence, method="exact")
    return {"proportion": result.statistic, "low": float(low), "high": float(high)}


def distribution(values) -> dict:
    """Summarize values (n,): mean and median with 95 % intervals, and the quantiles p5 and p95."""
    p5, p95 = np.quantile(np.asarray(values, float), [0.05, 0.95])
    return {"mean": mean(values), "median": median(values), "p5": float(p5), "p95": float(p95)}


def statement(is_true: np.ndarray, counts: np.ndarray | None = None) -> dict[str, float]:
    """Count the members of whom a statement is true, and test whether it is true of a half.

    Args:
        is_true: bool (members,).
        counts: bool (members,), the members that have what it is about; None for all.

    Returns:
        n, the members that count; proportion, low and high as `proportion`; p of the exact binomial
        test of one half, two-sided. Without any member the proportion is 0.5, and p 1.
    """
    chosen = np.asarray(is_true)[slice(None) if counts is None else counts]
    if not len(chosen):
        return {"n": 0, "proportion": 0.5, "low": 0.0, "high": 1.0, "p": 1.0}
    p = stats.binomtest(int(chosen.sum()), len(chosen)).pvalue
    return {"n": len(chosen), **proportion(chosen), "p": float(p)}


def lower(ours, theirs, margin: float = 0.0) -> dict:
    """State that our number is lower by more than a margin, member by member: (members,) each.

    Returns:
        As `statement`, of all members; opposite, the share of whom our number is higher by more
        than the margin; and difference, the `median` of ours minus theirs.
    """
    apart = np.round(np.asarray(ours, float) - np.asarray(theirs, float), 6)
    opposite = float((apart > margin).mean())
    return {**statement(apart < -margin), "opposite": opposite, "difference": median(apart)}


def higher(ours, theirs) -> dict:
    """State that our number is the higher one: see `lower`, difference is ours minus theirs."""
    return {**lower(theirs, ours), "difference": median(np.round(np.subtract(ours, theirs), 6))}


def adjusted(p: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values for all tests at once by Holm's method (Scand. J. Statist. 6, 1979)."""
    result, largest = {}, 0.0
    for rank, name in enumerate(sorted(p, key=p.__getitem__)):
        largest = max(largest, min((len(p) - rank) * p[name], 1.0))
        result[name] = largest
    return {name: result[name] for name in p}


def verdict(found: Mapping[str, float], adjusted_p: float) -> str:
    """Judge a claim by its `statement`: it holds if that is true of clearly more than a half.

    Clearly means that the interval is beyond BAND and the adjusted p below ALPHA.
    """
    if adjusted_p < ALPHA and found["low"] > BAND[1]:
        return "holds"
    if adjusted_p < ALPHA and found["high"] < BAND[0]:
        return "does not hold"
    return "cannot be told"


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
    total = sum(part["variance"] for part in result.values())
    for part in result.values():
        part["share"] = part["variance"] / total if total else 0.0
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
    (first, other, rest), (n, k) = mean_squares, shape
    variance = max((first - rest) / k, 0.0)
    if not rest:  # nothing hangs on the pair: no F
        return {"variance": variance, "low": 0.0, "high": 1.0}
    ratio = variance / (max((other - rest) / n, 0.0) + rest)  # share / (1 - share)
    a, b = k * ratio / n, 1 + k * ratio * (n - 1) / n
    spread = (a * other) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    freedom = (a * other + b * rest) ** 2 / spread
    tail, within = (1 - confidence) / 2, k * other + (k * n - k - n) * rest
    upper = stats.f.isf(tail, n - 1, freedom)
    lower = stats.f.isf(tail, freedom, n - 1)
    low = n * (first - upper * rest) / (upper * within + n * first)
    high = n * (lower * first - rest) / (within + n * lower * first)
    return {"variance": variance, "low": max(low, 0.0), "high": max(high, 0.0)}
