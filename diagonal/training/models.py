"""The lecture's three networks, and how their weights are drawn, rounded and stored.

All are one shape: flatten, linear layers without bias, a sigmoid at the end. What stands between
the layers makes the difference: nothing (deepish, logistic) or an activation (relu).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

# What follows the hidden layers of each model; its keys are the models, in the lecture's order.
ACTIVATIONS = {"logistic": None, "deepish": None, "relu": nn.ReLU}
# What is trained in float64 is stored in multiples of GRID. So coarse, a rounding tie is rarely
# as near as the last bits, in which CPUs differ, reach: they differ by about DRIFT per epoch.
GRID = 2.0**-20
DRIFT = 1e-15


def logistic(n_pixels: int, *, seed: int, dtype=torch.float32) -> nn.Sequential:
    """Build the logistic regression: one linear layer."""
    return network([n_pixels, 1], seed=seed, dtype=dtype)


def deepish(n_pixels: int, hidden: Sequence[int], *, seed: int, dtype=torch.float32):
    """Build the deep-ish network: linear layers with nothing in between."""
    return network([n_pixels, *hidden, 1], seed=seed, dtype=dtype)


def relu(n_pixels: int, hidden: Sequence[int], *, seed: int, dtype=torch.float32):
    """Build the deep network: linear layers with a ReLU after each hidden one."""
    return network([n_pixels, *hidden, 1], nn.ReLU, seed=seed, dtype=dtype)


def network(
    sizes: Sequence[int], activation: type[nn.Module] | None = None, *, seed: int, dtype
) -> nn.Sequential:
    """Build a network for binary classification, named layer by layer as on the slides.

    Args:
        sizes: units of the input, of each hidden layer and of the output.
        activation: what follows each hidden layer; None for nothing.
        seed: of torch's global stream, which this function seeds before it draws the weights.
        dtype: of the weights; float32 are those of `nn.Linear`, bit for bit.

    Returns:
        flatten, hidden0, activation0, hidden1, ..., output, sigmoid: images (n, 1, S, S) to
        probabilities (n, 1).
    """
    torch.manual_seed(seed)
    model = nn.Sequential()
    model.add_module("flatten", nn.Flatten())
    for place, (n_in, n_out) in enumerate(pairwise(sizes[:-1])):
        model.add_module(f"hidden{place}", linear(n_in, n_out, dtype))
        if activation:
            model.add_module(f"activation{place}", activation())
    model.add_module("output", linear(sizes[-2], sizes[-1], dtype))
    model.add_module("sigmoid", nn.Sigmoid())
    return model


def linear(n_in: int, n_out: int, dtype: torch.dtype) -> nn.Linear:
    """Build a linear layer without bias, its weights uniform in +-1 / sqrt(n_in).

    In float32 this is `nn.Linear`, whose draw has other last bits on other CPUs. In float64 the
    same numbers of the same stream are scaled in float64 instead, the same on every CPU and at
    most one float32 rounding away.
    """
    if dtype == torch.float32:
        return nn.Linear(n_in, n_out, bias=False)
    layer = nn.Linear(n_in, n_out, bias=False, device="meta")  # draws nothing
    bound = 1 / math.sqrt(n_in)
    layer.weight = nn.Parameter(torch.rand(n_out, n_in).to(dtype) * (2 * bound) - bound)
    return layer


def stored_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Round the weights to what is stored, on the CPU: see `stored`."""
    return {name: stored(weight).cpu() for name, weight in model.state_dict().items()}


def stored(weight: torch.Tensor) -> torch.Tensor:
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
