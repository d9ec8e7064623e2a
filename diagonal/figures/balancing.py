"""What class weights do to the mini-batches."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from diagonal.figures.style import CLASSES, titled

SHOWN = 150  # mini-batches at most


def classes_per_batch(epochs: Mapping[str, np.ndarray]) -> Figure:
    """Draw how many images of each class the mini-batches of an epoch hold.

    Args:
        epochs: title -> counts of straight lines and diagonals, int (batches, 2).
    """
    figure = titled(4.6, "Classes in each mini-batch of an epoch, without and with weights")
    grid = figure.subplots(len(epochs), 1, sharex=True, sharey=True)
    for axes, (title, counts) in zip(grid, epochs.items(), strict=True):
        shown = counts[:SHOWN]
        batches = np.arange(1, len(shown) + 1)
        for counted, base, (name, color, _) in zip(shown.T, (0, shown[:, 0]), CLASSES, strict=True):
            axes.bar(batches, counted, bottom=base, color=color, label=name, width=0.85)
        half = counts.sum(axis=1).max() / 2
        axes.axhline(half, color="white", linestyle="--", linewidth=1.5)
        axes.set_title(f"{title}: {counts[:, 1].sum()} of {counts.sum()} drawn are diagonal")
        axes.set(ylabel="images")
    first = f", the first {SHOWN} of {len(counts):,}" if len(counts) > SHOWN else ""
    grid[-1].set_xlabel(f"mini-batch (dashed: half of it){first}")
    grid[-1].set_xlim(0.4, len(shown) + 0.6)
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside right center")
    return figure
