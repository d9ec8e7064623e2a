"""What a model's probabilities are worth: metrics from probabilities and labels."""

import math

import numpy as np
import pandas as pd
import torch
from sklearn import metrics as sk
from torch import nn
from torch.nn import functional

DECIMALS = 9  # of probabilities: last bits, in which CPUs differ, must not break ties
CHUNK = 2**24  # pixels that are held in float64 at a time


@torch.no_grad()
def probabilities(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """Compute the probability that each line is diagonal.

    Args:
        model: in float64, images to probabilities (n, 1).
        x: images, float32 (n, 1, S, S), scaled and normalised.

    Returns:
        float64 (n,), rounded to 9 decimals: equal images get equal probabilities.
    """
    chunks = torch.from_numpy(x).split(max(CHUNK // x[0].size, 1))
    return np.round(torch.cat([model(part.double())[:, 0] for part in chunks]).numpy(), DECIMALS)


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
    target = torch.from_numpy(np.broadcast_to(labels, probability.shape).astype(np.float64))
    predicted = torch.from_numpy(probability)
    losses = functional.binary_cross_entropy(predicted, target, reduction="none")
    return np.average(losses.numpy(), axis=-1, weights=counts)


def accuracy(labels, probability: np.ndarray, threshold: float, counts=None) -> np.ndarray:
    """Compute the share of right predictions, (...) for probabilities (..., n) and labels (n,)."""
    return np.average((probability > threshold) == labels, axis=-1, weights=counts)


def roc_curve(labels: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute false and true positive rates over all thresholds, from (0, 0) to (1, 1)."""
    false_positive_rate, true_positive_rate, _ = sk.roc_curve(labels, probability)
    return false_positive_rate, true_positive_rate


def precision_recall_curve(
    labels: np.ndarray, probability: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute recall and precision over all thresholds, from recall 0 to 1."""
    precision, recall, _ = sk.precision_recall_curve(labels, probability)
    return recall[::-1], precision[::-1]


def calibration(labels: np.ndarray, probability: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Compare probabilities with what came true, in bins of equal width.

    Args:
        labels: 0 or 1, (n,).
        probability: of label 1, float64 (n,), in [0, 1].
        bins: a bin's lower end belongs to it.

    Returns:
        A row per bin that is not empty: probability (mean), share (of label 1), images.
    """
    place = np.minimum((probability * bins).astype(int), bins - 1)
    table = pd.DataFrame({"probability": probability, "share": labels.astype(float)})
    means = table.groupby(place).mean()
    return means.assign(images=np.bincount(place)[means.index])
