"""Figures of matplotlib: arrays in, a figure out, nothing computed.

Draw and save inside `style`, which is the same for every figure and everyone: what a user's own
matplotlibrc says does not reach the pipeline's pictures.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart by colour-blind readers.
CLASSES = (("straight", "#0072B2", "s"), ("diagonal", "#D55E00", "o"))
MODELS = {"logistic": "#009E73", "deepish": "#CC79A7", "relu": "#E69F00"}
GRAY = "#666666"
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
}
WIDTH = 8.0  # inches
SHOWN = 16  # units of a layer that are drawn at most


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style, starting from matplotlib's own defaults."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def loss_curves(losses, val_losses=None) -> Figure:
    """Draw loss against epoch, of training and, where there is one, of validation."""
    figure = Figure(figsize=(WIDTH, 4))
    axes = figure.subplots()
    epochs = np.arange(1, len(losses) + 1)
    axes.plot(epochs, losses, label="training", color=CLASSES[0][1])
    if val_losses:
        axes.plot(epochs, val_losses, label="validation", color=CLASSES[1][1], linestyle="--")
    axes.set(xlabel="epoch", ylabel="loss (nats)")
    axes.legend()
    return figure


def weights_as_pixels(layers: Mapping[str, np.ndarray], img_size: int) -> Figure:
    """Draw weights where their pixels are, all on one diverging scale.

    Args:
        layers: title -> weights (units, S * S); a row of pictures or more for each.
        img_size: S.
    """
    columns = min(max(len(weights) for weights in layers.values()), 5)
    rows = [-(-min(len(weights), SHOWN) // columns) for weights in layers.values()]
    figure = Figure(figsize=(WIDTH, 0.3 + 1.75 * sum(rows)))
    grid = figure.subplots(sum(rows), columns, squeeze=False)
    limit = max(abs(weights).max() for weights in layers.values())
    for axes in grid.flat:
        axes.set_axis_off()
    starts = np.cumsum([0, *rows])
    for start, stop, (title, weights) in zip(starts, starts[1:], layers.items(), strict=False):
        more = f", {SHOWN} of {len(weights)} units" if len(weights) > SHOWN else ""
        grid[start, 0].set_title(title + more, loc="left")
        for axes, unit in zip(grid[start:stop].flat, weights[:SHOWN], strict=False):
            pixels = unit.reshape(img_size, img_size)
            image = axes.imshow(pixels, cmap="PuOr", vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=grid, label="weight", shrink=0.5)
    return figure


def two_weightings(logistic: np.ndarray, deepish: np.ndarray) -> Figure:
    """Draw logistic's weights against those of deepish's one matrix, each (pixels,)."""
    figure = Figure(figsize=(WIDTH, 3.6))
    bars, scatter = figure.subplots(1, 2, width_ratios=[1.7, 1])
    pixels = np.arange(len(logistic))
    series = {"logistic": logistic, "deepish": deepish}
    for shift, (name, weights) in zip((-0.2, 0.2), series.items(), strict=True):
        bars.bar(pixels + shift, weights, width=0.4, color=MODELS[name], label=name)
    bars.axhline(0, color=GRAY, linewidth=0.8)
    bars.set(xlabel="pixel, row by row", ylabel="weight", title="Weight of each pixel")
    bars.legend()

    ends = [min(logistic.min(), deepish.min()), max(logistic.max(), deepish.max())]
    scatter.plot(ends, ends, color=GRAY, linewidth=0.8, linestyle="--")
    scatter.scatter(logistic, deepish, color="black", s=18)
    scatter.set(
        xlabel="logistic's weight",
        ylabel="deepish's weight",
        title="Dashed: equal weights",
        aspect="equal",
    )
    return figure


def activation_functions(z: np.ndarray, functions: Mapping[str, tuple]) -> Figure:
    """Draw activation functions with their gradients.

    Args:
        z: pre-activations (n,).
        functions: title -> (value, gradient), each (n,).
    """
    figure = Figure(figsize=(WIDTH, 5.4))
    grid = figure.subplots(2, 3, sharex=True)
    for axes in grid.flat[len(functions) :]:
        axes.set_axis_off()
    for axes, (title, (value, gradient)) in zip(grid.flat, functions.items(), strict=False):
        axes.axhline(0, color=GRAY, linewidth=0.6)
        axes.axvline(0, color=GRAY, linewidth=0.6)
        axes.plot(z, value, color=CLASSES[0][1], label="activation")
        axes.plot(z, gradient, color=CLASSES[1][1], linestyle="--", label="gradient")
        axes.set(title=title, xlabel="z", ylim=(-1.5, 2.5))
        axes.tick_params(labelbottom=True)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right", bbox_to_anchor=(0.95, 0.2))
    return figure


def layer_spaces(layers: Mapping[str, np.ndarray], labels: np.ndarray, title: str) -> Figure:
    """Draw where each layer of a network puts images.

    Args:
        layers: title -> coordinates (n, 1 or 2); with one, the classes get a line each.
        labels: 0 or 1, (n,).
        title: of the figure.
    """
    columns = min(len(layers), 3)
    rows = -(-len(layers) // columns)
    figure = Figure(figsize=(WIDTH, 0.7 + 2.9 * rows))
    figure.suptitle(title)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(layers) :]:
        axes.set_axis_off()
    for axes, (name, points) in zip(grid.flat, layers.items(), strict=False):
        axes.set_title(name)
        for label, (text, color, marker) in enumerate(CLASSES):
            mine = points[labels == label]
            across = np.full(len(mine), label) if mine.shape[1] == 1 else mine[:, 1]
            axes.scatter(
                mine[:, 0], across, s=30, alpha=0.6, color=color, marker=marker, label=text
            )
        if points.shape[1] == 1:
            axes.axvline(0, color=GRAY, linestyle="--", linewidth=0.8)
            axes.set(xlabel="z: diagonal right of 0", ylim=(-0.7, 1.7))
            axes.set_yticks([0, 1], [text for text, *_ in CLASSES])
    handles, texts = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2)
    return figure
