"""The slides' names in one place: `from diagonal.lecture import *`, then any slide's code runs."""

# ruff: noqa: F401  (imports are what it is for)

import copy as _copy
from collections.abc import Callable as _Callable
from collections.abc import Sequence as _Sequence

import numpy as np
import torch
from matplotlib.figure import Figure as _Figure
from torch import nn, optim
from torch.utils.data import (
    DataLoader,
    Dataset,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    random_split,
)
from torchvision.transforms.v2 import (
    Compose,
    Normalize,
    RandomHorizontalFlip,
    Resize,
    ToDtype,
    ToImage,
    ToPILImage,
)

from diagonal.feature_space import representations as _representations
from diagonal.feature_space.activations import value_and_gradient as _value_and_gradient
from diagonal.figures import evaluation as _evaluation
from diagonal.figures import feature_space as _feature_space
from diagonal.figures import lines as _lines
from diagonal.figures import style as _style
from diagonal.lines.channels import color_bands, grayscale
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import split_sizes as _split_sizes
from diagonal.pipeline.data import pictures as _pictures
from diagonal.pipeline.transforms import ToTensor, TransformTensorDataset
from diagonal.training import architecture as _architecture
from diagonal.training.models import ACTIVATIONS as _ACTIVATIONS
from diagonal.training.sampling import make_balanced_sampler


def _shown(draw: _Callable, *arguments) -> _Figure:
    """Draw in the project's style, and hand the figure to pyplot.

    A notebook shows pyplot's figures at the end of a cell.
    """
    import matplotlib.pyplot as plt  # here, for it chooses a backend

    with _style.style():
        figure = draw(*arguments)
    return plt.figure(FigureClass=lambda **_: figure)


class Architecture(_architecture.Architecture):
    """The pipeline's Architecture, and a picture of its losses."""

    def plot_losses(self, log: bool = False) -> _Figure:
        """Draw training and validation losses by epoch; `log` on a logarithmic scale."""
        return _shown(_evaluation.loss_curves, self.losses, self.val_losses, log)


def plot_images(images, targets, n_plot: int = 30) -> _Figure:
    """Draw the first images (N, C, S, S), each with its target of (N,) or (N, 1)."""
    labels = np.asarray(targets).astype(np.int64).flatten()
    return _shown(_lines.samples, _pictures(np.asarray(images)), labels, n_plot)


def image_channels(red, green, blue, rgb, gray, rows: _Sequence[int] = (0, 1, 2)) -> _Figure:
    """Draw the channels of an image, uint8 (S, S) each, their stack (S, S, 3), and it in gray.

    Rows 0 and 1 of the course's figure, numbers and grays, are one here; row 2 has the colours.
    """
    numbered = {"gray": {0, 1}, "color": {2}}
    names = [name for name, numbers in numbered.items() if numbers & set(rows)]
    return _shown(_lines.channels, (red, green, blue), gray, rgb, names)


def plot_activation(func, name: str | None = None) -> _Figure:
    """Draw an activation function and its gradient between -5 and 5.

    It is a function of tensors, a module, or one of the names sigmoid, tanh, relu, leaky_relu and
    prelu.
    """
    function = _ACTIVATIONS[func]() if isinstance(func, str) else func
    name = name or getattr(function, "__name__", type(function).__name__)
    z = np.linspace(-5, 5, 401, dtype=np.float32)
    value, gradient = _value_and_gradient(function, z)
    return _shown(_feature_space.activation_function, z, value, gradient, name)


def plot_feature_space(model: nn.Sequential, x, targets) -> _Figure:
    """Draw where each layer puts images (n, C, S, S), as networks see them, of targets 0 or 1.

    A layer of more than three units is shown by two principal components.
    """
    model, labels = _copy.deepcopy(model).double().eval(), np.asarray(targets).flatten().astype(int)
    seen = _representations.representations(model, torch.as_tensor(x))
    views = {layer: _representations.view(model, layer, seen[layer], 0.5) for layer in seen}
    wrong = (list(seen.values())[-1][:, 0] > 0) != labels
    title = f"Where the layers put {len(labels)} images, {wrong.sum()} of them called wrong"
    return _shown(_feature_space.layer_views, views, labels, wrong, title)


def index_splitter(n: int, splits, seed: int = 13) -> list[Subset]:
    """Split the indices 0 to n-1 at random, by positive numbers relative to each other.

    The seed is that of torch's global stream, which this function seeds. Returns a subset of
    `torch.arange(n)` for each split; its `indices` are a list of int.
    """
    torch.manual_seed(seed)
    return random_split(torch.arange(n), _split_sizes(n, splits))
