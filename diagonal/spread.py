"""What many runs say: how far a number spreads, and how often something holds."""

import numpy as np
from scipy.special import betaincinv

CONFIDENCE = 0.95  # of the intervals


def spread(values: np.ndarray) -> dict[str, float]:
    """Compute the median and the range that holds the middle 90 % of values (n,)."""
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return {"p5": low, "median": median, "p95": high}


def share(holds: np.ndarray) -> dict[str, float]:
    """Compute how often something holds in n independent runs, and what is known of how often.

    The interval is Clopper and Pearson's exact one for a probability, at 95 % (Biometrika 26,
    1934); its ends are quantiles of beta distributions.

    Args:
        holds: bool (n,), n at least 1.

    Returns:
        share, in [0, 1], and the interval's ends low and high.
    """
    n, k, tail = len(holds), int(np.sum(holds)), (1 - CONFIDENCE) / 2
    return {
        "share": k / n,
        "low": float(betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0,
        "high": float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0,
    }


def beats(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Compute how often our number is below theirs, run by run; a tie is no win for either.

    Args:
        ours: (n,), of runs with the same seeds as theirs; smaller is better.
        theirs: (n,).

    Returns:
        As `share`, and ties: the share of runs in which the numbers are equal.
    """
    return {**share(ours < theirs), "ties": float(np.mean(ours == theirs))}
