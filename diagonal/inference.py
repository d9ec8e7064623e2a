"""What stored networks make of images: their layers as functions of arrays, in float64.

Reading a model needs no PyTorch: a layer is a matrix product, a ReLU or a sigmoid. The tests hold
them against the modules that were trained.
"""

from collections.abc import Callable, Mapping

import numpy as np

from diagonal import activations

Layer = Callable[[np.ndarray], np.ndarray]  # values (n, ...) to values (n, units)
Weights = Mapping[str, np.ndarray]  # hidden0.weight, ..., output.weight, each (units out, units in)
RECTIFIED = {
    "logistic": False,
    "deepish": False,
    "relu": True,
}  # whether ReLUs follow hidden layers
DECIMALS = 9  # of probabilities: last bits, in which CPUs differ, must not break ties


def layers(weights: Weights, rectified: bool) -> dict[str, Layer]:
    """Rebuild a network from its stored weights.

    Args:
        weights: as they are stored; any number of hidden layers.
        rectified: whether a ReLU follows each hidden layer.

    Returns:
        flatten, hidden0, activation0, hidden1, ..., output, sigmoid, in this order: each applied
        to what the one before made of images (n, 1, S, S).
    """
    result: dict[str, Layer] = {"flatten": _flatten}
    for place in range(len(weights) - 1):
        result[f"hidden{place}"] = _linear(weights[f"hidden{place}.weight"])
        if rectified:
            result[f"activation{place}"] = _relu
    return result | {"output": _linear(weights["output.weight"]), "sigmoid": _sigmoid}


def probabilities(network: Mapping[str, Layer], x: np.ndarray) -> np.ndarray:
    """Compute the probability that each line is diagonal.

    Args:
        network: from `layers`, or the last of its layers.
        x: what the first layer is applied to: images (n, 1, S, S), scaled and normalised.

    Returns:
        float64 (n,), rounded to 9 decimals: equal images get equal probabilities.
    """
    for layer in network.values():
        x = layer(x)
    return np.round(x[:, 0], DECIMALS)


def collapsed(weights: Weights) -> np.ndarray:
    """Multiply the linear layers of a network without activations into the one that they are.

    Returns:
        output @ ... @ hidden1 @ hidden0, float64 (1, pixels).
    """
    matrix = weights["output.weight"].astype(np.float64)
    for place in reversed(range(len(weights) - 1)):
        matrix = matrix @ weights[f"hidden{place}.weight"].astype(np.float64)
    return matrix


def _flatten(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)


def _linear(weight: np.ndarray) -> Layer:
    matrix = weight.astype(np.float64).T
    return lambda x: x @ matrix


def _relu(z: np.ndarray) -> np.ndarray:
    return activations.relu(z)[0]


def _sigmoid(z: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # far below 0, exp overflows to infinity and the value is 0
        return activations.sigmoid(z)[0]
