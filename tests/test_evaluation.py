import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from sklearn.metrics import roc_auc_score
from torch import nn

from diagonal.evaluation import Tally, binary_metrics, precision_recall_curve, roc_curve

LABELS = np.array([0, 0, 0, 1, 1])


def test_metrics_of_a_case_counted_by_hand():
    metrics = binary_metrics(LABELS, np.array([0.1, 0.6, 0.2, 0.7, 0.4]), threshold=0.5)
    counts = {"tn": 2, "fp": 1, "fn": 1, "tp": 1}
    ratios = {"undecided": 0, "accuracy": 3 / 5, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2}
    loss = -np.log([0.9, 0.4, 0.8, 0.7, 0.4]).mean()
    pairs = 5 / 6  # of a diagonal and a straight line, told apart: all but 0.4 against 0.6
    assert metrics == pytest.approx({**counts, **ratios, "loss": loss, "roc_auc": pairs})


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_metrics_and_curves_are_scikit_learns(seed, counted):
    random = np.random.default_rng(seed)
    n = int(random.integers(10, 300))
    labels = np.arange(n) % 3 > 0
    probability = np.round(random.random(n) * 0.6 + labels * 0.3, int(random.integers(1, 5)))
    counts = random.integers(1, 9, n) if counted else None
    ours = binary_metrics(labels.astype(int), probability, 0.5, counts)
    given = {"y_true": labels, "y_pred": probability > 0.5, "sample_weight": counts}
    expected = {
        "accuracy": sk.accuracy_score(**given),
        "precision": sk.precision_score(**given),
        "recall": sk.recall_score(**given),
        "f1": sk.f1_score(**given),
        "roc_auc": sk.roc_auc_score(labels, probability, sample_weight=counts),
    }
    assert {name: ours[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    matrix = sk.confusion_matrix(**given).ravel().tolist()
    assert [ours[name] for name in ("tn", "fp", "fn", "tp")] == matrix
    false, true, _ = sk.roc_curve(labels, probability, sample_weight=counts)
    precision, recall, _ = sk.precision_recall_curve(labels, probability, sample_weight=counts)
    for curve, theirs in (
        (roc_curve, (false, true)),
        (precision_recall_curve, (recall[::-1], precision[::-1])),
    ):
        for one, other in zip(curve(labels, probability, counts), theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_one_half_is_no_vote_for_a_diagonal():
    metrics = binary_metrics(LABELS, np.array([0.5, 0.5, 0.5, 0.6, 0.6]), threshold=0.5)
    assert metrics["accuracy"] == 1


def test_precision_of_nothing_predicted_is_undefined():
    metrics = binary_metrics(LABELS, np.full(5, 0.1), threshold=0.5)
    assert metrics["precision"] is None
    assert metrics["recall"] == metrics["f1"] == 0


def test_the_loss_is_the_one_that_is_trained_saturated_or_not():
    probability = np.array([0.0, 1.0, 0.3, 0.0, 1.0])
    loss = nn.BCELoss()(torch.from_numpy(probability), torch.from_numpy(LABELS).double()).item()
    ours = binary_metrics(LABELS, probability, threshold=0.5)["loss"]
    assert ours == pytest.approx(loss, rel=1e-14)
    assert loss > 30, "PyTorch takes log(0) as -100"


def test_the_roc_curve_encloses_its_area_and_runs_from_corner_to_corner():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 200)
    probability = np.round(random.random(200) * 0.5 + labels * 0.2, 2)
    false, true = roc_curve(labels, probability)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(roc_auc_score(labels, probability))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_tally_of_parts_holds_every_image_once(size):
    random = np.random.default_rng(size)
    labels, probability = random.integers(0, 2, 300), np.round(random.random(300), 1)
    tally = Tally()
    for start in range(0, 300, size):
        tally.add(labels[start : start + size], probability[start : start + size])
    rows = set(zip(labels.tolist(), probability.tolist(), strict=True))
    found, values, counts = tally.arrays()
    assert set(zip(found.tolist(), values.tolist(), strict=True)) == rows
    assert len(found) == len(rows)
    again = sorted(zip(found.repeat(counts), values.repeat(counts), strict=True))
    assert again == sorted(zip(labels, probability, strict=True))


def test_curves_of_a_tally_are_those_of_its_images():
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 500)
    probability = np.round(random.random(500) * 0.5 + labels * 0.2, 2)
    tally = Tally()
    tally.add(labels, probability)
    for curve in (roc_curve, precision_recall_curve):
        for ours, expected in zip(curve(*tally.arrays()), curve(labels, probability), strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-15)
