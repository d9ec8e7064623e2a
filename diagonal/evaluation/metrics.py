"""What probabilities are worth: scikit-learn's scores and curves; images weigh as they occur."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from sklearn import metrics

from diagonal.training.models import PROBABILITY_DECIMALS

BINS = 10  # of equal width, of probabilities that are compared with what came true


def binary_metrics(
    labels: np.ndarray, probability: np.ndarray, threshold: float, counts: np.ndarray
) -> dict:
    """Compute the usual metrics of a binary classifier.

    Args:
        labels: 0 or 1, (n,), both present.
        probability: of label 1, float64 (n,).
        threshold: label 1 is predicted above it, label 0 at it and below.
        counts: how often each image occurs, int64 (n,).

    Returns:
        accuracy, loss (mean binary cross-entropy in nats), precision (None if label 1 is never
        predicted), recall, f1, roc_auc, undecided (the share of images exactly at the threshold),
        and the counts tn, fp, fn, tp.
    """
    rounded = probability.round(PROBABILITY_DECIMALS)  # for decisions; the loss is of all digits
    predicted = rounded > threshold
    weighted = {"sample_weight": counts}
    matrix = confusion_matrix(labels, predicted, counts)
    precision = metrics.precision_score(labels, predicted, zero_division=np.nan, **weighted)
    return {
        "accuracy": metrics.accuracy_score(labels, predicted, **weighted),
        "loss": float(cross_entropy(labels, probability, counts)),
        "precision": None if np.isnan(precision) else precision,
        "recall": metrics.recall_score(labels, predicted, **weighted),
        "f1": metrics.f1_score(labels, predicted, **weighted),
        "roc_auc": metrics.roc_auc_score(labels, rounded, **weighted),
        "undecided": np.average(rounded == threshold, weights=counts),
        **dict(zip(("tn", "fp", "fn", "tp"), matrix.ravel().tolist(), strict=True)),
    }


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Count images by class, in rows, and predicted class, in columns: int64 (2, 2)."""
    return metrics.confusion_matrix(labels, predicted, labels=[0, 1], sample_weight=counts)


def cross_entropy(labels: np.ndarray, probability: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Compute the mean binary cross-entropy in nats: (...) for probabilities (..., n).

    It is PyTorch's, whose terms are at most 100; scikit-learn's stop at 36.
    """
    predicted = torch.from_numpy(probability)
    expected = torch.from_numpy(labels).double().expand_as(predicted)
    losses = torch.nn.functional.binary_cross_entropy(predicted, expected, reduction="none")
    return np.average(losses.numpy(), axis=-1, weights=counts)


def curves(labels: np.ndarray, probability, counts: np.ndarray) -> dict[str, pd.DataFrame]:
    """Compute a model's curves; arguments as in `binary_metrics`.

    Returns:
        roc: fpr and tpr. precision_recall: recall, from 0 on, and precision. calibration: for each
        bin that is not empty the mean probability, the fraction of positives and the number of
        images. (scikit-learn's calibration_curve takes no weights.)
    """
    fpr, tpr, _ = metrics.roc_curve(labels, probability, sample_weight=counts)
    precision, recall, _ = metrics.precision_recall_curve(labels, probability, sample_weight=counts)
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    columns = {"probability": probability, "fraction_of_positives": labels, "images": 1}
    sums = pd.DataFrame(columns).mul(counts, axis=0).groupby(bins).sum()
    means = sums.div(sums["images"], axis=0)
    return {
        "roc": pd.DataFrame({"fpr": fpr, "tpr": tpr}),
        "precision_recall": pd.DataFrame({"recall": recall[::-1], "precision": precision[::-1]}),
        "calibration": means.assign(images=sums["images"])[sums["images"] > 0],
    }


def by_model(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of models into one, with the model in its first column."""
    return pd.concat(tables, names=["model"]).reset_index(level="model")
