"""What many trainings say about a claim: outcomes, means, paired differences and proportions."""

import numpy as np
import pandas as pd
from scipy import stats

from diagonal.claims.batches import Inputs
from diagonal.evaluation.metrics import cross_entropy
from diagonal.training.models import DECIMALS

COMPARISONS = 100  # at most, in all experiments together
# Bonferroni's correction: all intervals hold at once with a probability of at least 95 %.
CONFIDENCE = 1 - 0.05 / COMPARISONS


def outcomes(probability, inputs: Inputs, threshold: float = 0.5) -> pd.DataFrame:
    """Evaluate trainings on the population by what each says of each input, (trainings, n).

    Returns:
        A row for each training, rounded to 6 decimals: loss in nats, accuracy; perfect, ties and
        separates: 1 where all lines are right, where a line is at the threshold, and where some
        threshold parts the classes.
    """
    drawable = inputs.population > 0
    counts, labels = inputs.population[drawable], inputs.labels[drawable]
    known = np.asarray(probability).round(DECIMALS)[:, drawable]
    right = (known > threshold) == labels
    parted = known[:, labels == 0].max(axis=1) < known[:, labels == 1].min(axis=1)
    columns = {
        "loss": cross_entropy(labels, known, counts),
        "accuracy": np.average(right, axis=1, weights=counts),
        "perfect": right.all(axis=1).astype(int),
        "ties": (known == threshold).any(axis=1).astype(int),
        "separates": parted.astype(int),
    }
    return pd.DataFrame(columns).round(6)


def mean(values) -> dict[str, float]:
    """Compute the mean of values (n,) and its interval, Student's t.

    The interval is approximate where values are not normal; with hundreds of them it is close.
    """
    values = np.asarray(values, float)
    if np.ptp(values) == 0:
        return dict.fromkeys(("mean", "low", "high"), float(values[0]))
    interval = stats.ttest_1samp(values, 0).confidence_interval(CONFIDENCE)
    return {"mean": values.mean(), "low": interval.low, "high": interval.high}


def proportion(holds) -> dict[str, float]:
    """Compute how often something holds, bool (n,), with Clopper and Pearson's exact interval."""
    holds = np.asarray(holds, bool)
    result = stats.binomtest(int(holds.sum()), len(holds))
    low, high = result.proportion_ci(CONFIDENCE, method="exact")
    return {"proportion": result.statistic, "low": float(low), "high": float(high)}


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
