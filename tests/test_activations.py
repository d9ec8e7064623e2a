import numpy as np
import pytest
import torch
from torch.nn import functional

from diagonal import activations

Z = np.linspace(-6, 6, 241)  # 0 among them
TORCH = {
    "sigmoid": (activations.sigmoid, torch.sigmoid),
    "tanh": (activations.tanh, torch.tanh),
    "relu": (activations.relu, functional.relu),
    "leaky_relu": (activations.leaky_relu, functional.leaky_relu),
    "prelu": (activations.prelu, lambda z: functional.prelu(z, torch.tensor(0.25).double())),
}


@pytest.mark.parametrize(("ours", "theirs"), TORCH.values(), ids=TORCH.keys())
def test_values_and_gradients_are_pytorchs(ours, theirs):
    z = torch.tensor(Z, requires_grad=True)
    expected = theirs(z)
    (gradient,) = torch.autograd.grad(expected.sum(), z)
    value, slope = ours(Z)
    np.testing.assert_allclose(value, expected.detach(), atol=1e-15)
    np.testing.assert_allclose(slope, gradient, atol=1e-15)


def test_gradients_peak_where_the_slides_say():
    assert activations.sigmoid(Z)[1].max() == activations.sigmoid(0)[1] == 0.25
    assert activations.tanh(Z)[1].max() == activations.tanh(0)[1] == 1
    assert set(activations.relu(Z)[1]) == {0, 1}
    assert set(activations.leaky_relu(Z)[1]) == {0.01, 1}


@pytest.mark.parametrize("scale", [0.5, 3, 100])
def test_rectifiers_scale_with_their_input(scale):
    for function in (activations.relu, activations.leaky_relu, activations.prelu):
        np.testing.assert_allclose(function(scale * Z)[0], scale * function(Z)[0])
