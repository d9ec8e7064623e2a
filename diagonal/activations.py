"""The five activation functions of the lecture and their gradients, in NumPy.

Each takes pre-activations z of any shape and returns (value, gradient) of that shape, float64.
At z = 0, where the rectifiers have none, the gradient is PyTorch's: that of the negative side.
"""

import numpy as np


def sigmoid(z):
    """Squash into (0, 1): 1 / (1 + exp(-z)); the gradient s (1 - s) peaks at 0.25."""
    value = 1 / (1 + np.exp(-np.asarray(z, float)))
    return value, value * (1 - value)


def tanh(z):
    """Squash into (-1, 1) around 0; the gradient, 1 minus the value squared, peaks at 1."""
    value = np.tanh(np.asarray(z, float))
    return value, 1 - value**2


def relu(z):
    """Keep what is positive: max(0, z); the gradient is 0 or 1."""
    return leaky_relu(z, 0.0)


def leaky_relu(z, slope: float = 0.01):
    """Let a little of what is negative through: max(0, z) + slope min(0, z)."""
    z = np.asarray(z, float)
    return np.where(z > 0, z, slope * z), np.where(z > 0, 1.0, slope)


def prelu(z, slope: float = 0.25):
    """Leak by a slope that is learned: here at its start value."""
    return leaky_relu(z, slope)
