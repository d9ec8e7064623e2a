"""What layers do to numbers: activation functions, and where images lie layer by layer."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from diagonal.figures.style import CLASSES, GRAY, WIDTH


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
