import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from diagonal.balancing import class_weights, expected_share, sample_weights


def test_weights_are_those_on_the_slide():
    labels = np.repeat([0, 1], [80, 160])
    weights = class_weights(labels)
    assert {label: round(weight, 9) for label, weight in weights.items()} == {0: 0.0125, 1: 0.00625}


@pytest.mark.parametrize("counts", [(1, 2), (80, 160), (333, 7), (10, 3, 5)])
def test_weights_are_the_lectures_float32_and_sklearns_balanced_up_to_scale(counts):
    labels = np.repeat(range(len(counts)), counts)
    weights = class_weights(labels)
    assert list(weights.values()) == (1.0 / torch.tensor(counts).float()).tolist()
    balanced = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
    np.testing.assert_allclose(list(weights.values()), balanced * len(counts) / len(labels), 1e-7)


def test_each_sample_gets_the_weight_of_its_class():
    weights = sample_weights(np.array([1, 0, 1]), {0: 2.0, 1: 3.0})
    assert weights.tolist() == [3.0, 2.0, 3.0]
    assert weights.dtype == np.float64


def test_balanced_draws_hold_both_classes_equally_often():
    labels = np.repeat([0, 1], [83, 211])
    weights = sample_weights(labels, class_weights(labels))
    assert expected_share(labels, weights) == pytest.approx(0.5, abs=1e-7)
    assert expected_share(labels, np.ones(294)) == pytest.approx(211 / 294)
    drawn = torch.multinomial(torch.from_numpy(weights), 200_000, replacement=True)
    assert labels[drawn].mean() == pytest.approx(0.5, abs=0.006)  # 5 standard errors
