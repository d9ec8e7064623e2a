"""Weights where their pixels are, and two models' weights against each other."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from diagonal.figures.style import DIVERGING, GRAY, MODELS, titled

COLUMNS = 5
SHOWN = 15  # units of a layer that are drawn at most


def weights_as_pixels(layers: Mapping[str, np.ndarray], img_size: int) -> Figure:
    """Draw weights where their pixels are, all on one diverging scale.

    Args:
        layers: title -> weights (units, S * S); layers stand side by side while they fit.
        img_size: S.
    """
    shown = {title: weights[:SHOWN] for title, weights in layers.items()}
    places, cell = {}, 0
    for title, weights in shown.items():
        left = -cell % COLUMNS  # cells left in this row
        cell += left if len(weights) > left else 0
        places[title] = cell
        cell += len(weights)
    rows = -(-cell // COLUMNS)
    figure = titled(0.7 + 1.85 * rows, "What each unit looks for: weights at their pixels")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    limit = max(abs(weights).max() for weights in layers.values())
    for axes in grid:
        axes.set_axis_off()
    for title, weights in shown.items():
        units = len(layers[title])
        more = f" ({SHOWN} of {units} units)" if units > SHOWN else ""
        grid[places[title]].set_title(title + more, loc="left")
        for axes, unit in zip(grid[places[title] :], weights, strict=False):
            pixels = unit.reshape(img_size, img_size)
            image = axes.imshow(pixels, cmap=DIVERGING, vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=list(grid), label="weight", shrink=0.6)
    return figure


def two_weightings(logistic: np.ndarray, deepish: np.ndarray) -> Figure:
    """Draw logistic's weights against those of deepish's one matrix, each (pixels,)."""
    difference = abs(logistic - deepish).max()
    figure = titled(3.8, f"deepish is one matrix, at most {difference:.3f} from logistic's")
    bars, scatter = figure.subplots(1, 2, width_ratios=[1.7, 1])
    pixels = np.arange(len(logistic))
    series = {"logistic": logistic, "deepish": deepish}
    for shift, (name, weights) in zip((-0.2, 0.2), series.items(), strict=True):
        bars.bar(pixels + shift, weights, width=0.4, color=MODELS[name][0], label=name)
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
