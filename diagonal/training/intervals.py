"""What many runs say: what they give on average, how far they spread, how often something holds.

Each interval is at 95 %, if no other confidence is given, for its own number alone, and for runs
that differ in nothing but their seeds: what all of them share, such as the data, is fixed, and may
vary more.
"""

import numpy as np
from scipy.stats import binomtest, mstats, quantile_test, trim_mean, ttest_1samp

CONFIDENCE = 0.95  # of the intervals
TAIL = 0.25  # of the runs that an interquartile mean leaves out on each side


def spread(values: np.ndarray) -> dict:
    """Compute what runs give on average, and how far they spread: values (n,), n at least 2.

    Returns:
        mean, with Student's t interval; interquartile_mean, of the middle half, with Tukey and
        McLaughlin's by the winsorised variance (Sankhya A 25, 1963); median, with the order
        statistics that the binomial distribution gives, None where n is too small. Each has value,
        low and high, the ends of its interval. p5 and p95: the middle 90 % lie between them.
    """
    values = np.asarray(values, float)
    p5, median, p95 = np.quantile(values, [0.05, 0.5, 0.95])
    trimmed = mstats.trimmed_mean_ci(values, limits=(TAIL, TAIL), alpha=1 - CONFIDENCE)
    return {
        "mean": _estimate(values.mean(), *mean_interval(values)),
        "interquartile_mean": _estimate(trim_mean(values, TAIL), *trimmed),
        "median": _estimate(median, *quantile_test(values).confidence_interval(CONFIDENCE)),
        "p5": float(p5),
        "p95": float(p95),
    }


def mean_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Compute the ends of Student's t interval of the mean of values (n,), n at least 2.

    It is approximate where values are not normal; with hundreds of them it is close.
    """
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    return tuple(ttest_1samp(values, 0).confidence_interval(confidence))


def _estimate(value: float, *ends: float) -> dict[str, float | None]:
    low, high = (None if np.isnan(end) else float(end) for end in ends)
    return {"value": float(value), "low": low, "high": high}


def proportion(holds: np.ndarray, confidence: float = CONFIDENCE) -> dict[str, float]:
    """Compute how often something holds, bool (n,), in n independent runs, at least one.

    Returns:
        proportion, in [0, 1], and the ends low and high of Clopper and Pearson's exact confidence
        interval (Biometrika 26, 1934).
    """
    result = binomtest(int(np.sum(holds)), len(holds))
    low, high = result.proportion_ci(confidence, method="exact")
    return {"proportion": result.statistic, "low": float(low), "high": float(high)}


def comparison(ours: np.ndarray, theirs: np.ndarray) -> dict[str, dict]:
    """Compare our numbers (n,) with theirs, pair by pair, in runs with the same seeds.

    Returns:
        wins, where ours is the lower one, ties and losses, each as `proportion`.
    """
    return {
        "wins": proportion(ours < theirs),
        "ties": proportion(ours == theirs),
        "losses": proportion(ours > theirs),
    }
