"""Scores and curves of distinct images with counts, held against those of all images repeated."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics as sk
from torch import nn

from diagonal.evaluation.metrics import binary_metrics, confusion_matrix, curves

LABELS = np.array([0, 0, 0, 1, 1])


@pytest.fixture(params=[1, 4])
def counted(request):
    """Draw labels, probabilities with so many digits, up to 1, and counts, of which many are 0."""
    random, n = np.random.default_rng(request.param), 200
    labels = (np.arange(n) % 3 > 0).astype(np.int64)
    probability = np.round(random.random(n) * 0.6 + labels * 0.3, request.param)
    counts = random.integers(0, 6, n) * (random.random(n) < 0.7)
    probability[1], counts[1] = 1, 2
    return labels, probability, counts


def test_a_count_means_that_an_image_is_repeated(counted):
    labels, probability, counts = counted
    every_label, every_probability = labels.repeat(counts), probability.repeat(counts)
    given = (every_label, every_probability > 0.5)
    tn, fp, fn, tp = sk.confusion_matrix(*given).ravel()
    loss = nn.BCELoss()(torch.tensor(every_probability), torch.tensor(every_label).double())
    expected = {
        "accuracy": sk.accuracy_score(*given),
        "loss": loss.item(),
        "precision": sk.precision_score(*given),
        "recall": sk.recall_score(*given),
        "f1": sk.f1_score(*given),
        "roc_auc": sk.roc_auc_score(every_label, every_probability),
        "undecided": np.mean(every_probability == 0.5),
        **{"tn": tn, "fp": fp, "fn": fn, "tp": tp},
    }
    found = binary_metrics(labels, probability, 0.5, counts)
    assert found == pytest.approx(expected, rel=1e-12)
    assert all(type(found[name]) is int for name in ("tn", "fp", "fn", "tp"))
    matrix = confusion_matrix(labels, probability > 0.5, counts)
    assert matrix.tolist() == [[tn, fp], [fn, tp]]


def test_curves_are_those_of_the_images_repeated(counted):
    labels, probability, counts = counted
    every = labels.repeat(counts), probability.repeat(counts)
    found = curves(*counted)
    fpr, tpr, _ = sk.roc_curve(*every)
    np.testing.assert_allclose(found["roc"], np.stack([fpr, tpr], 1), atol=1e-12)
    precision, recall, _ = sk.precision_recall_curve(*every)
    rising = np.stack([recall, precision], 1)[::-1]
    np.testing.assert_allclose(found["precision_recall"], rising, atol=1e-12)
    assert list(found["precision_recall"].columns) == ["recall", "precision"]
    assert (rising[0] == (0, 1)).all()


def test_calibration_is_a_histogram_of_the_images_repeated(counted):
    labels, probability, counts = counted
    every = probability.repeat(counts)
    whole = np.round(every * 10_000)  # as integers, whose bins have exact ends
    images, sums, positives = (
        np.histogram(whole, 10, (0, 10_000), weights=weights)[0]
        for weights in (None, every, labels.repeat(counts))
    )
    used = images > 0
    expected = {
        "probability": sums[used] / images[used],
        "fraction_of_positives": positives[used] / images[used],
        "images": images[used],
    }
    found = curves(labels, probability, counts)["calibration"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected))


@pytest.mark.parametrize("high", [0.1, 0.9])  # the second on images that do not occur
def test_precision_of_nothing_predicted_is_undefined(high):
    counts = np.array([1, 1, 1, 1, 0])
    metrics = binary_metrics(LABELS, np.array([0.1, 0.1, 0.1, 0.1, high]), 0.5, counts)
    assert metrics["precision"] is None
    assert metrics["recall"] == metrics["f1"] == 0


def test_the_loss_is_the_one_that_is_trained_and_decisions_are_of_nine_digits():
    labels = np.append(LABELS, 1)
    probability = np.array([0.0, 1.0, 0.5 + 1e-12, 1e-12, 0.5 - 1e-12, 0.500000001])
    loss = nn.BCELoss()(torch.from_numpy(probability), torch.from_numpy(labels).double()).item()
    found = binary_metrics(labels, probability, 0.5, np.ones(6, np.int64))
    assert found["loss"] == pytest.approx(loss, rel=1e-14)
    assert loss > 20, "PyTorch takes log(0) as -100"
    assert found["undecided"] == pytest.approx(2 / 6)
