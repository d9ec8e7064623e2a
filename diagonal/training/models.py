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

from diagonal.pipeline import data, files
from diagonal.pipeline.errors import InputError, located
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
DECIMALS = 9  # of probabilities: last bits, in which CPUs differ, must not break ties


class Input(Section):
    """What images a model has learnt from; its file says so, and with its weights is all it takes.

    shape: channels, height and width.
    mean, std: of `diagonal.pipeline.transforms.scale_and_normalize`.
    """

    shape: Annotated[tuple[Count, Count, Count], Field(strict=False)]
    mean: float
    std: Annotated[float, Field(gt=0)]


def network(
    sizes: Sequence[int],
    activation: str = "none",
    *,
    bias: bool = False,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Build a network for classification, named layer by layer as on the slides.

    Sizes are units of the input, of each hidden layer, which the activation follows, and of the
    output: one for two classes, or one per class. The seed is that of torch's global stream, which
    this function seeds. Weights in float32 are those of `nn.Linear`, bit for bit.

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

    In float32 this is `nn.Linear`, whose draw has other last bits on other CPUs. In float64 the
    same numbers of the same stream are scaled in float64 instead, the same on every CPU and at
    most one float32 rounding away.
    """
    if dtype == torch.float32:
        return nn.Linear(n_in, n_out, bias=bias)
    with torch.random.fork_rng(devices=[]):  # what it draws here is not used
        layer = nn.Linear(n_in, n_out, bias=bias, dtype=dtype)
    bound = 1 / math.sqrt(n_in)
    with torch.no_grad():
        for each in layer.parameters():
            each.copy_(torch.rand(each.shape).to(dtype) * (2 * bound) - bound)
    return layer


def restored(weights: Mapping[str, np.ndarray], activation: str) -> nn.Sequential:
    """Rebuild a network without biases from its stored weights, to be evaluated in float64.

    Weights are hidden0.weight, ..., output.weight, float32 (units out, units in), and those of the
    activation, a key of ACTIVATIONS, which follows each hidden layer.

    Raises:
        InputError: they are not, do not fit each other, or are not finite.
    """
    n_hidden = sum(name.startswith("hidden") for name in weights)
    names = [*(f"hidden{place}" for place in range(n_hidden)), "output"]
    try:
        shapes = [weights[f"{name}.weight"].shape for name in names]
        sizes = [shapes[0][1], *(n_out for n_out, _ in shapes)]
        model = network(sizes, activation, seed=0, dtype=torch.float64)
        model.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()})
    except (KeyError, IndexError, ValueError, RuntimeError) as err:
        found = ", ".join(f"{name} {each.shape}" for name, each in weights.items())
        raise InputError(f"expected the weights of a network, found {found or 'none'}") from err
    if not all(each.dtype == np.float32 and np.isfinite(each).all() for each in weights.values()):
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


def quantized_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Round the weights to what is stored, on the CPU: see `quantized`."""
    return {name: quantized(weight).cpu() for name, weight in model.state_dict().items()}


def quantized(weight: torch.Tensor) -> torch.Tensor:
    """Round to float32; float64 to multiples of GRID before, which float32 holds exactly below 16.

    The last bits, in which CPUs differ, are gone then; float32 keeps its own.
    """
    if weight.dtype == torch.float64:
        weight = (weight / GRID).round() * GRID  # exact, for GRID is a power of two
    return weight.float()


def read_model(name: str, n_pixels: int) -> nn.Sequential:
    """Read a model of the pipeline, a key of MODELS, to be evaluated in float64.

    Raises:
        InputError: the file is missing or not as expected, or of images with more or fewer pixels.
    """
    path = data.MODEL.format(name)
    weights = files.read_tensors(path)
    with located(path):
        return _for_images(restored(weights, MODELS[name].activation), n_pixels)


def read_with_input(name: str, folder) -> tuple[nn.Sequential, Input]:
    """Read a model of the pipeline from its file alone, wherever that is, and what it takes.

    Raises:
        InputError: as `read_model`, or the file does not say what the model takes.
    """
    path = Path(folder, Path(data.MODEL.format(name)).name)
    weights, said = files.read_tensors(path), files.read_metadata(path, "input")
    with located(path):
        try:
            takes = Input.model_validate_json(said)
        except ValidationError as err:
            raise InputError(f"expected what images the model takes, found {said}") from err
        model = restored(weights, MODELS[name].activation)
        return _for_images(model, math.prod(takes.shape)), takes


def read_history(name: str, n_pixels: int) -> tuple[np.ndarray, list[nn.Sequential]]:
    """Read a model as it was at some epochs: their numbers, int64 (n,), and n models.

    Raises:
        InputError: as `read_model`.
    """
    path, activation = data.MODEL.format(f"{name}_history"), MODELS[name].activation
    weights = files.read_tensors(path)
    with located(path):
        epochs = weights.pop("epoch", np.empty(0))
        if epochs.ndim != 1 or any(each.shape[:1] != epochs.shape for each in weights.values()):
            raise InputError("expected epochs and as many weights of each layer, found others")
        at_epochs = [{key: w[place] for key, w in weights.items()} for place in range(len(epochs))]
        models = [_for_images(restored(each, activation), n_pixels) for each in at_epochs]
        if not models:
            raise InputError("expected weights at some epochs, found none")
    return epochs, models


def _for_images(model: nn.Sequential, n_pixels: int) -> nn.Sequential:
    found = next(layer for layer in model if isinstance(layer, nn.Linear)).in_features
    if found != n_pixels:
        raise InputError(f"expected a network for {n_pixels} pixels, found one for {found}")
    return model


def views(x: torch.Tensor, tta: str) -> list[torch.Tensor]:
    """List what a model is asked instead of images (n, C, S, S): its answer is the mean.

    Test-time augmentation `hflip` adds the mirror images, `none` leaves the images alone.
    """
    return [x, x.flip(-1)] if tta == "hflip" else [x]


@torch.no_grad()
def probabilities(model: nn.Module, x: torch.Tensor, tta: str = "none") -> np.ndarray:
    """Compute the probability that each image is of a diagonal, by a model in float64.

    Images (n, C, S, S) are as networks see them, tta is of `views`; float64 (n,) is rounded to 9
    decimals.
    """
    answers = [model(view.double())[:, 0].numpy() for view in views(x, tta)]
    return np.mean(answers, axis=0).round(DECIMALS)
