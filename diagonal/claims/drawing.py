"""What the figures of several experiments are made of: estimates with intervals, and heat maps."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from diagonal.pipeline.style import GRAY

Estimate = Mapping[str, float]  # mean or proportion, low and high


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

    Several of a name stand side by side where each is shifted, in [-0.4, 0.4].
    """
    places = np.arange(len(estimates))
    middle = [each.get("mean", each.get("proportion")) for each in estimates.values()]
    ends = np.array([[each["low"], each["high"]] for each in estimates.values()])
    axes.hlines(places + shift, *ends.T, color=color, linewidth=1.5)
    look = {"color": color, "marker": marker, "linestyle": "none", "markersize": 5}
    axes.plot(middle, places + shift, **look, label=label)
    axes.set_yticks(places, list(estimates))
    axes.set_ylim(len(estimates) - 0.5, -0.5)
    axes.grid(axis="x", color="#EEEEEE")
    axes.set_axisbelow(True)


def reference(axes: Axes, value: float) -> None:
    """Draw a dashed line at what estimates are compared with."""
    axes.axvline(value, color=GRAY, linewidth=1, linestyle="--", zorder=0)


def heat_map(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence,
    columns: Sequence,
    *,
    form: str = "{:.2f}",
    reverse: bool = False,
    **limits,
):
    """Draw numbers (rows, columns) as shades of gray with the numbers in them; NaN stays white.

    Numbers fit into the cells of up to ten columns. The larger the darker, unless `reverse`.
    Limits are vmin and vmax. Returns what a colour bar needs.
    """
    values = np.round(values, 6)  # ties must not hang on last bits
    image = axes.imshow(values, cmap="Greys_r" if reverse else "Greys", aspect="auto", **limits)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = "white" if (image.norm(value) > 0.5) != reverse else "black"
            text = form.format(value)
            size = min(9, 72 / len(columns)) * (1 if len(text) < 5 else 0.8)
            look = {"color": color, "ha": "center", "va": "center", "size": size}
            axes.text(column, row, text, **look)
    axes.set_xticks(range(len(columns)), list(columns))
    axes.set_yticks(range(len(rows)), list(rows))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return image
