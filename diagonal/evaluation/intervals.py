"""What many runs say: how far a number spreads, and how often something holds."""

import numpy as np
from scipy.stats import binomtest

CONFIDENCE = 0.95  # of the intervals


def percentiles(values: np.ndarray) -> dict[str, float]:
    """Compute the median and the range that holds the middle 90 % of values (n,)."""
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return {"p5": low, "median": median, "p95": high}


def proportion(holds: np.ndarray) -> dict[str, float]:
    """Compute how often something holds in n independent runs, and what is known of how often.

    The confidence interval is Clopper and Pearson's exact one, at 95 % (Biometrika 26, 1934).

    Args:
        holds: bool (n,), n at least 1.

    Returns:
        proportion, in [0, 1], and the interval's ends low and high.
    """
    result = binomtest(int(np.sum(holds)), len(holds))
    low, high = result.proportion_ci(CONFIDENCE, method="exact")
    return {"proportion": result.statistic, "low": float(low), "high": float(high)}


def win_rate(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Compute how often our number is below theirs, run by run; a tie is no win for either.

    Args:
        ours: (n,), of runs with the same seeds as theirs; smaller is better.
        theirs: (n,).

    Returns:
        As `proportion`, and ties: the share of runs in which the numbers are equal.
    """
    return {**proportion(ours < theirs), "ties": float(np.mean(ours == theirs))}
