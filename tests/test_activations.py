"""What is drawn of activation functions, held against their formulas and against differences."""

import numpy as np
import pytest

from diagonal.feature_space.activations import activation_functions, value_and_gradient

Z = np.linspace(-6, 6, 241)  # 0 among them
LEAKY, PRELU = 0.02, 0.3
FUNCTIONS = activation_functions(LEAKY, PRELU)
FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "ReLU": lambda z: np.maximum(z, 0),
    "leaky ReLU, slope 0.02": lambda z: np.where(z > 0, z, LEAKY * z),
    "PReLU, slope 0.3 at the start": lambda z: np.where(z > 0, z, PRELU * z),
}


def test_the_five_functions_are_titled_with_their_slopes():
    assert list(FUNCTIONS) == list(FORMULAS)


@pytest.mark.parametrize("title", FORMULAS)
def test_values_and_gradients_are_those_of_the_formula_in_float64(title):
    value, gradient = value_and_gradient(FUNCTIONS[title], Z)
    formula, step = FORMULAS[title], 1e-6
    exact = title not in ("sigmoid", "tanh")
    np.testing.assert_allclose(value, formula(Z), rtol=1e-7 if exact else 1e-13)  # slopes: float32
    smooth = Z != 0
    difference = (formula(Z + step) - formula(Z - step)) / (2 * step)
    np.testing.assert_allclose(gradient[smooth], difference[smooth], rtol=1e-6, atol=1e-9)


def test_gradients_peak_where_the_slides_say():
    peaks = {title: value_and_gradient(each, Z)[1] for title, each in FUNCTIONS.items()}
    sigmoid, tanh, *rectifiers = peaks.values()
    assert sigmoid.max() == sigmoid[Z == 0] == 0.25
    assert tanh.max() == tanh[Z == 0] == 1
    for gradient, slope in zip(rectifiers, (0, LEAKY, PRELU), strict=True):
        assert gradient[Z == 0] == pytest.approx(slope)  # the negative side's
        assert set(np.round(gradient, 7)) == {slope, 1}
