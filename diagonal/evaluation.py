"""What a model's probabilities are worth: metrics from probabilities and labels."""

from collections import Counter

import numpy as np

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
    tn, fp, fn, tp = (
        int(counts[(labels == actual) & (predicted == said)].sum())
        for actual in (0, 1)
        for said in (0, 1)
    )
    false_positive_rate, true_positive_rate = roc_curve(labels, probability, counts)
    return {
        "accuracy": (tn + tp) / (tn + fp + fn + tp),
        "loss": float(cross_entropy(labels, probability, counts)),
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "roc_auc": float(np.trapezoid(true_positive_rate, false_positive_rate)),
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
    """Compute false and true positive rates over all thresholds, from (0, 0) to (1, 1).

    Points half-way between their neighbours are left out, as scikit-learn leaves them out.
    """
    positives, negatives = _above(labels, probability, counts)
    kept = np.full(len(positives), True)
    kept[2:-1] = (np.diff(positives[1:], 2) != 0) | (np.diff(negatives[1:], 2) != 0)
    return negatives[kept] / negatives[-1], positives[kept] / positives[-1]


def precision_recall_curve(
    labels: np.ndarray, probability: np.ndarray, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute recall and precision over all thresholds, from recall 0, precision 1 on."""
    positives, negatives = (each[1:] for each in _above(labels, probability, counts))
    recall, precision = positives / positives[-1], positives / (positives + negatives)
    return np.concatenate([[0], recall]), np.concatenate([[1], precision])


def _above(labels, probability, counts) -> tuple[np.ndarray, np.ndarray]:
    """Count positives and negatives at or above each threshold, from none to all of them."""
    counts = np.ones(len(labels), np.int64) if counts is None else counts
    _, place = np.unique(-probability, return_inverse=True)  # 0 is the highest
    n = place.max() + 2
    positives = np.bincount(place + 1, counts * (labels == 1), minlength=n)
    negatives = np.bincount(place + 1, counts * (labels == 0), minlength=n)
    return np.cumsum(positives), np.cumsum(negatives)


def calibration(
    labels: np.ndarray, probability: np.ndarray, counts: np.ndarray, bins: int = 10
) -> dict[str, np.ndarray]:
    """Compare probabilities with what came true, in bins of equal width.

    Args:
        labels: 0 or 1, (n,).
        probability: of label 1, float64 (n,), in [0, 1].
        counts: how often each of the n occurs, int64 (n,).
        bins: a bin's lower end belongs to it.

    Returns:
        For each bin that is not empty: probability (mean), share (of label 1), images.
    """
    place = np.minimum((probability * bins).astype(int), bins - 1)
    images = np.bincount(place, counts, bins).astype(np.int64)
    kept = images > 0
    sums = np.bincount(place, probability * counts, bins), np.bincount(place, labels * counts, bins)
    probability, share = (each[kept] / images[kept] for each in sums)
    return {"probability": probability, "share": share, "images": images[kept]}
