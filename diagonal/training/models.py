"""The one definition of every network here, and how weights are drawn, rounded and restored.

All are one shape: flatten, linear layers, a sigmoid at the end. What stands between the layers
makes the difference: nothing (deepish, logistic) or an activation (relu).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field, ValidationError
from torch import nn

from diagonal.errors import InputError, prefixed
from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Count, Section

ACTIVATIONS = {
    "none": None,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
}
# What is trained in float64 is stored in multiples of this. So coarse, a rounding tie is rarely as
# near as the last bits reach, in which CPUs differ: by about 1e-15 per epoch.
GRID = 2.0**-20
PROBABILITY_DECIMALS = 9  # of probabilities: last bits, in which CPUs differ, must not break ties


class Input(Section):
    """What images a model has learnt from; its file says so, and with its weights is all it takes.

    shape: channels, height and width.
    mean, std: of `diagonal.pipeline.transforms.scale_and_normalize`.
    classes: the names of label 0 and of label 1; in the file only where they are not the lines'.
    """

    shape: Annotated[tuple[Count, Count, Count], Field(strict=False)]
    mean: float
    std: Annotated[float, Field(gt=0)]
    classes: Annotated[tuple[str, str], Field(strict=False)] = data.LINES


def network(
    sizes: Sequence[int],
    activation: str = "none",
    *,
    bias: bool = False,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Build a network for classification, with the slides' names for its layers.

    Sizes are units of the input, of each hidden layer, which the activation follows, and of the
    output: one for two classes, or one per class. This function seeds torch's global stream.

    Returns:
        flatten, hidden0, activation0, hidden1, ..., output, sigmoid or softmax: inputs (n, ...) to
        probabilities (n, 1) of label 1, or (n, classes).
    """
    torch.manual_seed(seed)
    model, kind = nn.Sequential(), ACTIVATIONS[activation]
    model.add_module("flatten", nn.Flatten())
    for place, (n_in, n_out) in enumerate(pairwise(sizes[:-1])):
        model.add_module(f"hidden{place}", linear(n_in, n_out, bias, dtype))
        if kind:
            model.add_module(f"activation{place}", kind().to(dtype))
    model.add_module("output", linear(sizes[-2], sizes[-1], bias, dtype))
    if sizes[-1] == 1:
        model.add_module("sigmoid", nn.Sigmoid())
    else:
        model.add_module("softmax", nn.Softmax(dim=1))
    return model


def linear(n_in: int, n_out: int, bias: bool, dtype: torch.dtype) -> nn.Linear:
    """Build a linear layer, its weights and biases uniform in +-1 / sqrt(n_in).

    In float32 this is `nn.Linear`, whose last bits differ between CPUs. In float64 the same random
    numbers are scaled in float64, which is the same on every CPU.
    """
    if dtype == torch.float32:
        return nn.Linear(n_in, n_out, bias=bias)
    with torch.random.fork_rng(devices=[]):  # what it draws here is not used
        layer = nn.Linear(n_in, n_out, bias=bias, dtype=dtype)
    bound = 1 / math.sqrt(n_in)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(torch.rand(weight.shape).to(dtype) * (2 * bound) - bound)
    return layer


def restored(weights: Mapping[str, np.ndarray], activation: str) -> nn.Sequential:
    """Rebuild a network without biases from its stored weights, to be evaluated in float64.

    Weights are hidden0.weight, ..., output.weight, float32 (units out, units in), and those of the
    activation, a key of ACTIVATIONS.

    Raises:
        InputError: they do not fit each other, or are not finite.
    """
    n_hidden = sum(name.startswith("hidden") for name in weights)
    names = [*(f"hidden{place}" for place in range(n_hidden)), "output"]
    try:
        shapes = [weights[f"{name}.weight"].shape for name in names]
        sizes = [shapes[0][1], *(n_out for n_out, _ in shapes)]
        model = network(sizes, activation, seed=0, dtype=torch.float64)
        model.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
    except (KeyError, IndexError, ValueError, RuntimeError) as err:
        found = ", ".join(f"{name} {weight.shape}" for name, weight in weights.items())
        raise InputError(f"expected the weights of a network, found {found or 'none'}") from err
    if not all(w.dtype == np.float32 and np.isfinite(w).all() for w in weights.values()):
        raise InputError("expected finite weights in float32, found others")
    return model.eval()


def collapsed(model: nn.Sequential) -> np.ndarray:
    """Multiply a network's linear layers: output @ ... @ hidden1 @ hidden0, float64 (1, pixels).

    Without activations between them, they are this one layer.
    """
    linear_layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    matrix, *before = (layer.weight.detach().numpy() for layer in reversed(linear_layers))
    for weight in before:
        matrix = matrix @ weight
    return matrix


def rounded_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Round the weights as they are stored, on the CPU: see `rounded_to_grid`."""
    return {name: rounded_to_grid(weight).cpu() for name, weight in model.state_dict().items()}


def rounded_to_grid(weight: torch.Tensor) -> torch.Tensor:
    """Round float64 to multiples of GRID, which float32 holds exactly below 16, and to float32.

    That removes the last bits, in which CPUs differ; float32 is returned as it is.
    """
    return on_grid(weight).float() if weight.dtype == torch.float64 else weight.float()


def on_grid(weight: torch.Tensor) -> torch.Tensor:
    """Round float64 to multiples of GRID, in float64."""
    return (weight / GRID).round() * GRID  # exact, for GRID is a power of two


def read_model(name: str, n_pixels: int) -> nn.Sequential:
    """Read a model, a key of MODELS, to be evaluated in float64: see `read_with_input`."""
    return read_with_input(name, n_pixels)[0]


def read_with_input(name: str, n_pixels=None, folder="models") -> tuple[nn.Sequential, Input]:
    """Read a model, a key of MODELS, to be evaluated in float64, and what images it takes.

    Raises:
        InputError: the file is missing or not as expected, or of images with other than n_pixels.
    """
    path = Path(folder, Path(data.MODEL.format(name)).name)
    weights, text = files.read_tensors(path), files.read_metadata(path, "input")
    with prefixed(path):
        try:
            takes = Input.model_validate_json(text)
        except ValidationError as err:
            raise InputError(f"expected what images the model takes, found {text}") from err
        model = restored(weights, MODELS[name].activation)
        return _for_images(model, n_pixels or math.prod(takes.shape)), takes


def read_history(name: str, n_pixels: int) -> tuple[np.ndarray, list[nn.Sequential]]:
    """Read a model as it was at some epochs: their numbers, int64 (n,), and n models.

    Raises:
        InputError: as `read_model`.
    """
    path, activation = data.MODEL.format(f"{name}_history"), MODELS[name].activation
    weights = files.read_tensors(path)
    with prefixed(path):
        epochs = weights.pop("epoch", np.empty(0))
        states = [{key: w[i] for key, w in weights.items()} for i in range(len(epochs))]
        return epochs, [_for_images(restored(state, activation), n_pixels) for state in states]


def _for_images(model: nn.Sequential, n_pixels: int) -> nn.Sequential:
    found = next(layer for layer in model if isinstance(layer, nn.Linear)).in_features
    if found != n_pixels:
        raise InputError(f"expected a network for {n_pixels} pixels, found one for {found}")
    return model


def views(x: torch.Tensor, tta: str) -> list[torch.Tensor]:
    """List the versions of images (n, C, S, S) over which probabilities are averaged.

    Test-time augmentation `hflip` adds the mirror images, `none` adds nothing.
    """
    return [x, x.flip(-1)] if tta == "hflip" else [x]


def dead_units(values: np.ndarray, axis: int) -> np.ndarray:
    """Tell which ReLU units are 0 for all images, by values before or after the ReLU: bool."""
    return (values <= 0).all(axis=axis)


@torch.no_grad()
def probabilities(model: nn.Module, x, tta="none", decimals=PROBABILITY_DECIMALS) -> np.ndarray:
    """Compute the probability that each image (n, C, S, S) is a diagonal, by a model in float64.

    See `views` for tta. Returns float64 (n,), rounded to so many decimals.
    """
    answers = [model(view.double())[:, 0].numpy() for view in views(x, tta)]
    return np.mean(answers, axis=0).round(decimals)
