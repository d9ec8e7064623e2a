"""The one definition of every network here, and how weights are drawn, rounded and restored.

All are one shape: flatten, linear layers, a sigmoid at the end. What stands between the layers
makes the difference: nothing (deepish, logistic) or an activation (relu).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS

ACTIVATIONS = {"none": None, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
# What is trained in float64 is stored in multiples of GRID. So coarse, a rounding tie is rarely
# as near as the last bits, in which CPUs differ, reach: they differ by about DRIFT per epoch.
GRID = 2.0**-20
DRIFT = 1e-15
DECIMALS = 9  # of probabilities: last bits, in which CPUs differ, must not break ties


def network(
    sizes: Sequence[int],
    activation: str = "none",
    *,
    bias: bool = False,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Build a network for binary classification, named layer by layer as on the slides.

    Args:
        sizes: units of the input, of each hidden layer and of the output.
        activation: what follows each hidden layer, a key of ACTIVATIONS.
        bias: whether linear layers have one; the lecture's have none.
        seed: of torch's global stream, which this function seeds before it draws the weights.
        dtype: of the weights; float32 are those of `nn.Linear`, bit for bit.

    Returns:
        flatten, hidden0, activation0, hidden1, ..., output, sigmoid: inputs (n, ...) to
        probabilities (n, 1).
    """
    torch.manual_seed(seed)
    model, kind = nn.Sequential(), ACTIVATIONS[activation]
    model.add_module("flatten", nn.Flatten())
    for place, (n_in, n_out) in enumerate(pairwise(sizes[:-1])):
        model.add_module(f"hidden{place}", linear(n_in, n_out, bias, dtype))
        if kind:
            model.add_module(f"activation{place}", kind())
    model.add_module("output", linear(sizes[-2], sizes[-1], bias, dtype))
    model.add_module("sigmoid", nn.Sigmoid())
    return model


def linear(n_in: int, n_out: int, bias: bool, dtype: torch.dtype) -> nn.Linear:
    """Build a linear layer, its weights and biases uniform in +-1 / sqrt(n_in).

    In float32 this is `nn.Linear`, whose draw has other last bits on other CPUs. In float64 the
    same numbers of the same stream are scaled in float64 instead, the same on every CPU and at
    most one float32 rounding away.
    """
    if dtype == torch.float32:
        return nn.Linear(n_in, n_out, bias=bias)
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out, bias=bias, dtype=dtype)  # draws nothing
    bound = 1 / math.sqrt(n_in)
    with torch.no_grad():
        for each in layer.parameters():
            each.copy_(torch.rand(each.shape).to(dtype) * (2 * bound) - bound)
    return layer


def restored(weights: Mapping[str, np.ndarray], activation: str) -> nn.Sequential:
    """Rebuild a network from its stored weights, to be evaluated in float64.

    Args:
        weights: hidden0.weight, ..., output.weight, each (units out, units in), as stored.
        activation: what follows each hidden layer, a key of ACTIVATIONS.
    """
    names = [*(f"hidden{place}" for place in range(len(weights) - 1)), "output"]
    shapes = [weights[f"{name}.weight"].shape for name in names]
    sizes = [shapes[0][1], *(n_out for n_out, _ in shapes)]
    model = network(sizes, activation, seed=0, dtype=torch.float64)
    model.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()})
    return model.eval()


def collapsed(model: nn.Sequential) -> np.ndarray:
    """Multiply the linear layers of a network without activations into the one that they are.

    Returns:
        output @ ... @ hidden1 @ hidden0, float64 (1, pixels).
    """
    linear_layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    matrix, *before = (layer.weight.detach().numpy() for layer in reversed(linear_layers))
    for weight in before:
        matrix = matrix @ weight
    return matrix


def quantized_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Round the weights to what is stored, on the CPU: see `quantized`."""
    return {name: quantized(weight).cpu() for name, weight in model.state_dict().items()}


def quantized(weight: torch.Tensor) -> torch.Tensor:
    """Round to float32; float64 to multiples of GRID before, which float32 holds exactly below 16.

    The last bits, in which CPUs differ, are gone then; float32 keeps its own.
    """
    return (round_to_grid(weight) if weight.dtype == torch.float64 else weight).float()


def round_to_grid(weight: torch.Tensor) -> torch.Tensor:
    """Round float64 to multiples of GRID, ties to even: exact, for GRID is a power of two."""
    return (weight / GRID).round() * GRID


def drifts_to_a_tie(model: nn.Module, initial: dict[str, torch.Tensor], n_epochs: int) -> float:
    """Tell how safe the stored bytes are: how near training has come to a rounding tie.

    Args:
        model: trained in float64.
        initial: its `state_dict` before. Weights that still are what they were, those of dead
            units, are the same on every CPU and do not count.
        n_epochs: how long it was trained.

    Returns:
        The smallest distance of a weight to the middle between two multiples of GRID, in units
        of DRIFT * n_epochs; infinite where no weight has moved. Below about 1, another machine
        may store another number.
    """
    moved = torch.cat(
        [weight[weight != initial[name]] for name, weight in model.state_dict().items()]
    )
    if not len(moved):
        return math.inf
    distance = GRID / 2 - (moved - round_to_grid(moved)).abs().max().item()
    return distance / (DRIFT * n_epochs)


def read_model(name: str) -> nn.Sequential:
    """Read a model of the pipeline, a key of MODELS, to be evaluated in float64.

    Raises:
        InputError: its file is missing or no .safetensors file.
    """
    return restored(files.read_tensors(data.model_path(name)), MODELS[name].activation)


@torch.no_grad()
def probabilities(model: nn.Module, x: torch.Tensor) -> np.ndarray:
    """Compute the probability that each line is diagonal.

    Args:
        model: in float64.
        x: images (n, C, S, S), as networks see them.

    Returns:
        float64 (n,), rounded to 9 decimals: equal images get equal probabilities.
    """
    return np.round(model(x.double())[:, 0].numpy(), DECIMALS)
