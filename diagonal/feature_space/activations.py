"""The five activation functions of the lecture: PyTorch's modules, with autograd's gradients."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


def activation_functions(leaky_slope: float, prelu_slope: float) -> dict[str, nn.Module]:
    """Make the activation functions, by title; PReLU's slope is the one it starts with."""
    prelu = nn.PReLU(init=prelu_slope, dtype=torch.float64)
    return {
        "sigmoid": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "ReLU": nn.ReLU(),
        f"leaky ReLU, slope {leaky_slope:g}": nn.LeakyReLU(leaky_slope),
        f"PReLU, slope {prelu_slope:g} at the start": prelu,
    }


def value_and_gradient(function: Callable, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute an activation function and its derivative at pre-activations z: as z, (n,) each.

    The function is any of tensors, element by element. At z = 0, where the rectifiers have no
    derivative, it is that of the negative side.
    """
    z = torch.tensor(z, requires_grad=True)
    value = function(z)
    (gradient,) = torch.autograd.grad(value.sum(), z)
    return value.detach().numpy(), gradient.numpy()
