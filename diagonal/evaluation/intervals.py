"""What many runs say: how far a number spreads, and how often something holds."""

import numpy as np
from scipy.stats import binomtest

CONFIDENCE = 0.95  # of the intervals


def percentiles(values: np.ndarray) -> dict[str, float]:
    """Compute the median and the range that holds the middle 90 % of values (n,)."""
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return {"p5": low, "median": median, "p95": high}


def proportion(holds: np.ndarray) -> dict[str, float]:
    """Compute how often something holds, bool (n,), in n independent runs, at least one.

    Returns:
        proportion, in [0, 1], and the ends low and high of Clopper and Pearson's exact confidence
        interval at 95 % (Biometrika 26, 1934).
    """
    result = binomtest(int(np.sum(holds)), len(holds))
    low, high = result.proportion_ci(CONFIDENCE, method="exact")
    return {"proportion": result.statistic, "low": float(low), "high": float(high)}


def win_rate(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Compute how often our number (n,) is below theirs, in runs with the same seeds.

    Returns:
        As `proportion`, and ties, the share of runs with equal numbers: no win for either.
    """
    return {**proportion(ours < theirs), "ties": float(np.mean(ours == theirs))}
