"""What the figures of several experiments are made of: estimates with intervals, and heat maps."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diagonal.figures.style import GRAY, LOOKS

# Colour and marker of a network by its activation; relu's are those of the lecture's model. The
# others are neither a class's nor a model's.
ACTIVATION_LOOKS = {
    "none": (GRAY, "x"),
    "sigmoid": ("#7F5539", "s"),
    "tanh": ("#332288", "^"),
    "relu": LOOKS["relu"],
    "leaky_relu": ("#882255", "<"),
    "prelu": ("#999933", "P"),
}
NETWORK_LOOKS = {**ACTIVATION_LOOKS, **LOOKS}
SETTINGS = (("black", "o"), (GRAY, "s"))  # two settings that are compared

Estimate = Mapping[str, float]  # median or proportion, low and high, and the lecture's own

COLUMNS = ("median", "proportion", "low", "high")


def forest(
    axes: Axes,
    estimates: Mapping[str, Estimate],
    *,
    color: str = "black",
    marker: str = "o",
    shift: float = 0.0,
    label: str | None = None,
) -> None:
    """Draw estimates as points with their intervals, one below the other, each by its name.

    The lecture's own, where there is one, is an open marker. Several of a name stand side by side
    where each is shifted, in [-0.4, 0.4].
    """
    places = np.arange(len(estimates)) + shift
    rows = pd.DataFrame(estimates.values()).reindex(columns=[*COLUMNS, "lecture"]).astype(float)
    middle = rows["median"].fillna(rows["proportion"])
    axes.hlines(places, rows["low"], rows["high"], color=color, linewidth=1.5)
    look = {"color": color, "marker": marker, "linestyle": "none", "markersize": 5}
    axes.plot(middle, places, **look, label=label)
    axes.plot(rows["lecture"], places, **{**look, "markerfacecolor": "none", "markersize": 8})
    axes.set_yticks(np.arange(len(estimates)), list(estimates))
    axes.set_ylim(len(estimates) - 0.5, -0.5)
    axes.grid(axis="x", color="#EEEEEE")
    axes.set_axisbelow(True)


def legend_below(figure: Figure, axes: Axes, columns: int, *, own: bool = False) -> None:
    """Explain below all axes what is drawn on these, and the lecture's `own` open markers."""
    handles, names = axes.get_legend_handles_labels()
    if own:
        open_marker = {"marker": "o", "markerfacecolor": "none", "linestyle": "none"}
        handles.append(Line2D([], [], color=GRAY, **open_marker))
        names.append("hollow: the lecture's own images and seeds")
    figure.legend(handles, names, loc="outside lower center", ncols=columns)


def shades(n: int) -> list[str]:
    """Give each of n layers a gray, from light to black; the only layer is black."""
    return [str(round(0.75 * (1 - (place + 1) / n), 3)) for place in range(n)]


def reference(axes: Axes, value: float) -> None:
    """Draw a dashed line at what estimates are compared with."""
    axes.axvline(value, color=GRAY, linewidth=1, linestyle="--", zorder=0)


def heat_map(axes: Axes, values: np.ndarray, rows: Sequence, columns: Sequence):
    """Draw shares (rows, columns), 0 to 1, as shades of gray with their numbers; NaN stays blank.

    Numbers fit into the cells of up to ten columns. Returns what a colour bar needs.
    """
    values = np.round(values, 6)  # ties must not hang on last bits
    image = axes.imshow(values, cmap="Greys", aspect="auto", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = "white" if value > 0.5 else "black"
            look = {"color": color, "ha": "center", "va": "center"}
            axes.text(column, row, f"{value:.2f}", size=min(9, 72 / len(columns)), **look)
    axes.set_xticks(range(len(columns)), list(columns))
    axes.set_yticks(range(len(rows)), list(rows))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return image
