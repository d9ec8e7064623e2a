"""Outcomes of many trainings are scikit-learn's of each; ties, divergence and own images."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logit
from sklearn import metrics

from diagonal.lines.images import generate_dataset
from diagonal.lines.patterns import survey
from study.experiments import three_classes
from study.trainings.inputs import every_input
from study.trainings.outcomes import averaged, comparisons, outcomes, outcomes_by_set, summary

INPUTS = every_input(5)
LABELS, COUNTS = INPUTS.labels, INPUTS.population
RANDOM = np.random.default_rng(0)


def patterns():
    images, labels = generate_dataset(5, 40, seed=13)
    return survey(images, labels, np.arange(30), np.arange(30, 40), lambda x: x.astype(np.float32))


def mixed(labels):
    """Make probabilities of trainings: some that tell the classes apart, some that know nothing."""
    table = np.round(RANDOM.random((50, len(labels))) / 2 + labels / 2, 2).clip(0.01, 0.99)
    table[1::2] = np.round(RANDOM.random((25, len(labels))), 1).clip(0.01, 0.99)
    return table


def test_outcomes_are_scikit_learns():
    threshold, probabilities = 0.3, mixed(LABELS)
    table = outcomes(logit(probabilities), LABELS, COUNTS, threshold)
    weights = {"sample_weight": COUNTS}
    for probability, (_, row) in zip(probabilities, table.iterrows(), strict=True):
        accuracy = metrics.accuracy_score(LABELS, probability > threshold, **weights)
        assert row["accuracy"] == pytest.approx(accuracy, abs=1e-6)
        assert row["perfect"] == (accuracy == 1)
        assert row["loss"] == pytest.approx(
            metrics.log_loss(LABELS, probability, **weights), abs=1e-6
        )
        area = metrics.roc_auc_score(LABELS, probability, **weights)
        assert row["roc_auc_is_1"] == (area == 1)
        assert row["undecided"] == (probability[COUNTS > 0] == threshold).any()
    assert 0 < table["roc_auc_is_1"].mean() < 1
    assert 0 < table["undecided"].mean() < 1


def test_a_diverged_training_is_wrong_about_everything_and_a_tie_is_no_diagonal():
    probability = np.where(LABELS == 1, 0.9, 0.1)[None].repeat(3, 0)
    probability[1], probability[2] = 0.5, np.nan
    expected = {
        "loss": [-np.log(0.9), np.log(2), 100], "class_loss": [-np.log(0.9), np.log(2), 100],
        "accuracy": [1, 1 / 3, 0], "recall_straight": [1, 1, 0], "recall_diagonal": [1, 0, 0],
        "perfect": [1, 0, 0], "undecided": [0, 1, 0], "roc_auc_is_1": [1, 0, 0],
    }  # fmt: skip
    found = outcomes(logit(probability), LABELS, COUNTS)
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False, atol=1e-6)


def test_a_tie_that_happens_to_be_right_is_perfect_but_not_strictly():
    known = patterns()
    sure = 0.2 + 0.6 * known.labels
    tied = np.where(known.labels == 0, 0.5, 0.8)
    wrong = np.where(known.val > 0, sure, 1 - sure)  # on what is not in validation
    one_tie = np.where(np.arange(len(sure)) == known.labels.argmin(), 0.5, sure)
    table = outcomes_by_set(logit(np.stack([sure, tied, wrong, one_tie])), known, 0.5)
    result = summary(table.assign(dead_units=[0, 1, 2, 3]), this_loss=0.3)
    shares = {key: result[key]["proportion"] for key in ("undecided", "perfect", "roc_auc_is_1")}
    assert shares == {"undecided": 0.5, "perfect": 0.75, "roc_auc_is_1": 0.75}
    assert result["perfect_strict"]["proportion"] == 0.25
    assert result["dead_units"]["mean"]["mean"] == 1.5
    assert result["lower_loss"] == (table["population_loss"] < 0.3).mean() == 0.5


def test_comparisons_are_seed_by_seed_with_every_model_before():
    columns = {"population_loss": [1.0, 2.0, 3.0, 3.0], "population_accuracy": [0.5, 0.5, 1.0, 0.0]}
    ours = pd.DataFrame(columns)
    theirs = ours.assign(population_loss=[2.0, 2.0, 1.0, 4.0])
    tables = {"a": theirs, "b": ours, "c": ours}
    assert comparisons(tables, "a") == {}
    assert list(comparisons(tables, "c")) == ["a", "b"]
    by_loss, by_accuracy = comparisons(tables, "b")["a"].values()
    shares = {key: share["proportion"] for key, share in by_loss.items()}
    assert shares == {"wins": 0.5, "ties": 0.25, "losses": 0.25}
    assert by_accuracy["ties"]["proportion"] == 1


def test_losses_are_of_logits_and_probabilities_are_averaged_before():
    z = np.where(LABELS == 1, -40.0, 40.0)[None]  # certain to 17 digits, and wrong
    found = outcomes(z, LABELS, COUNTS)
    assert found["loss"].item() == found["class_loss"].item() == 40
    pair = np.array([[0.2, 0.9], [0.4, 0.5]])
    np.testing.assert_allclose(averaged(logit(pair)), logit([0.3, 0.7]))


def test_recalls_and_the_class_loss_are_scikit_learns_for_images_of_each_trainings_own():
    probabilities = RANDOM.random((4, len(LABELS))).round(2).clip(0.01, 0.99)
    counts = RANDOM.integers(0, 3, (4, len(LABELS)))
    found = outcomes(logit(probabilities), LABELS, counts)
    for row, (probability, own) in enumerate(zip(probabilities, counts, strict=True)):
        pair = LABELS, probability > 0.5
        for label, name in enumerate(("straight", "diagonal")):
            recall = metrics.recall_score(*pair, pos_label=label, sample_weight=own)
            assert found[f"recall_{name}"][row] == pytest.approx(recall, abs=1e-6)
        balanced = own / np.bincount(LABELS, own)[LABELS]
        loss = metrics.log_loss(LABELS, probability, sample_weight=balanced)
        assert found["class_loss"][row] == pytest.approx(loss, abs=1e-6)


def test_confusion_of_three_classes_is_scikit_learns_and_a_tie_is_straight():
    n = len(INPUTS.targets)
    probabilities = RANDOM.dirichlet(np.ones(3), (4, n)).swapaxes(1, 2)
    table, confusion = three_classes.measures(torch.from_numpy(np.log(probabilities)), INPUTS)
    weights = {"sample_weight": COUNTS}
    for row, probability in enumerate(probabilities):
        pair = INPUTS.targets, probability.argmax(axis=0)
        expected = metrics.confusion_matrix(*pair, normalize="true", labels=[0, 1, 2], **weights)
        np.testing.assert_allclose(confusion[row], expected, atol=1e-12)
        accuracy = metrics.accuracy_score(*pair, **weights)
        assert table["accuracy"][row] == pytest.approx(accuracy, abs=1e-6)
        loss = metrics.log_loss(INPUTS.targets, probability.T, **weights)
        assert table["loss"][row] == pytest.approx(loss, abs=1e-6)
    _, confusion = three_classes.measures(torch.zeros(1, 3, n), INPUTS)
    np.testing.assert_allclose(confusion[0], [[1, 0, 0]] * 3)
