"""What a model's probabilities are worth: metrics from probabilities and labels."""

import math
from collections import Counter

import numpy as np
import pandas as pd
from sklearn import metrics as sk

LOWEST = -100.0  # logarithm of a probability, as PyTorch has it


class Tally:
    """How often each probability was given, to images of each class.

    Any number of images may be added, part by part: what is held are the different probabilities,
    of which equal images give equal ones.
    """

    def __init__(self):
        self.counts = {0: Counter(), 1: Counter()}

    def add(self, labels: np.ndarray, probability: np.ndarray) -> None:
        """Add images by their labels, 0 or 1, (n,) and rounded probabilities (n,)."""
        for label, counter in self.counts.items():
            values, counts = np.unique(probability[labels == label], return_counts=True)
            counter.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return labels, probabilities and counts, each (different ones,), sorted."""
        rows = [
            (label, probability, counter[probability])
            for label, counter in self.counts.items()
            for probability in sorted(counter)
        ]
        labels, probability, counts = zip(*rows, strict=True)
        return np.array(labels), np.array(probability), np.array(counts)


def binary_metrics(
    labels: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    counts: np.ndarray | None = None,
) -> dict:
    """Compute what is usually asked of a binary classifier.

    Args:
        labels: 0 or 1, (n,), both present.
        probability: of label 1, float64 (n,).
        threshold: label 1 is predicted above it. Not at it: a network whose ReLUs are all off
            says exactly 0.5, which is no vote for either. The metrics take it for label 0, and
            `undecided` says how much hangs on that.
        counts: how often each of the n occurs, int64 (n,); None for once.

    Returns:
        accuracy, loss (mean binary cross-entropy in nats), precision (None where nothing is
        predicted to be 1), recall, f1, roc_auc, undecided (the share at exactly the threshold),
        and the counts tn, fp, fn, tp.
    """
    counts = np.ones(len(labels), np.int64) if counts is None else counts
    predicted = probability > threshold
    given = {"y_true": labels, "y_pred": predicted, "sample_weight": counts}
    tn, fp, fn, tp = sk.confusion_matrix(**given, labels=[0, 1]).ravel().tolist()
    precision = sk.precision_score(**given, zero_division=np.nan)
    return {
        "accuracy": float(accuracy(labels, probability, threshold, counts)),
        "loss": float(cross_entropy(labels, probability, counts)),
        "precision": None if math.isnan(precision) else precision,
        "recall": sk.recall_score(**given),
        "f1": sk.f1_score(**given),
        "roc_auc": sk.roc_auc_score(labels, probability, sample_weight=counts),
        "undecided": float(np.average(probability == threshold, weights=counts)),
        "tn": tn,
        "fp": fp,
        "fn": fn,
        "tp": tp,
    }


def cross_entropy(labels, probability: np.ndarray, counts=None) -> np.ndarray:
    """Compute the mean binary cross-entropy in nats, (...) for probabilities (..., n).

    A single one is at most 100, as PyTorch has it. Arguments as in `binary_metrics`.
    """
    with np.errstate(divide="ignore"):
        yes, no = np.log(probability), np.log1p(-probability)
    losses = -np.where(labels, np.maximum(yes, LOWEST), np.maximum(no, LOWEST))
    return np.average(losses, axis=-1, weights=counts)


def accuracy(labels, probability: np.ndarray, threshold: float, counts=None) -> np.ndarray:
    """Compute the share of right predictions, (...) for probabilities (..., n) and labels (n,)."""
    return np.average((probability > threshold) == labels, axis=-1, weights=counts)


def roc_curve(
    labels: np.ndarray, probability: np.ndarray, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute false and true positive rates over all thresholds, from (0, 0) to (1, 1)."""
    false_positive_rate, true_positive_rate, _ = sk.roc_curve(
        labels, probability, sample_weight=counts
    )
    return false_positive_rate, true_positive_rate


def precision_recall_curve(
    labels: np.ndarray, probability: np.ndarray, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute recall and precision over all thresholds, from recall 0 to 1."""
    precision, recall, _ = sk.precision_recall_curve(labels, probability, sample_weight=counts)
    return recall[::-1], precision[::-1]


def calibration(
    labels: np.ndarray, probability: np.ndarray, counts: np.ndarray, bins: int = 10
) -> pd.DataFrame:
    """Compare probabilities with what came true, in bins of equal width.

    Args:
        labels: 0 or 1, (n,).
        probability: of label 1, float64 (n,), in [0, 1].
        counts: how often each of the n occurs, int64 (n,).
        bins: a bin's lower end belongs to it.

    Returns:
        A row per bin that is not empty: probability (mean), share (of label 1), images.
    """
    place = np.minimum((probability * bins).astype(int), bins - 1)
    sums = {"probability": probability * counts, "share": labels * counts, "images": counts}
    table = pd.DataFrame(sums).groupby(place).sum()
    return table.assign(
        probability=table["probability"] / table["images"], share=table["share"] / table["images"]
    )
