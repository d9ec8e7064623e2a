"""How loss and accuracy vary over the seeds: histograms."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from diagonal.figures.style import GRAY, LOOKS, titled, whole_ticks

BINS = 36
SPAN = 0.01  # of a histogram at least
OURS = "with the seeds of params.yaml"
MEAN = "mean over the seeds, 95 % interval"
SHARES = ("roc_auc_is_1", "perfect", "perfect_strict")  # of the seeds
STEP = 1e-6  # to which the numbers over seeds are rounded


def distributions(
    seeds: Mapping[str, pd.DataFrame],
    summaries: Mapping[str, Mapping],
    runs: Mapping[str, Mapping[str, float]],
    where: str,
) -> Figure:
    """Draw histograms of loss and accuracy over the population or validation, a row per model.

    Seeds are `seeds.outcomes`, summaries `seeds.summary`; runs, with params.yaml's seeds, have loss
    and accuracy.
    """
    n_seeds = len(next(iter(seeds.values())))
    images = {"population": "all that can be drawn", "validation": "the validation images"}[where]
    title = f"Each model trained with {n_seeds} seeds, evaluated on {images}"
    figure = titled(1.4 + 1.5 * len(seeds), title)
    grid = figure.subplots(len(seeds), 2, sharex="col", squeeze=False)
    for column, key in zip(grid.T, ("loss", "accuracy"), strict=True):
        numbers = {name: table[f"{where}_{key}"].to_numpy() for name, table in seeds.items()}
        everything = np.concatenate([*numbers.values(), [run[key] for run in runs.values()]])
        pad = max(SPAN - np.ptp(everything), 0) / 2
        edges = np.linspace(everything.min() - STEP - pad, everything.max() + pad, BINS + 1)
        edges = np.round(edges, 6) + STEP / 2  # no number lies on an edge
        for axes, (name, values) in zip(column, numbers.items(), strict=True):
            axes.hist(values, edges, color=LOOKS[name][0])
            mean = summaries[name][where][key]["mean"]
            low, high = np.round([mean["low"], mean["high"]], 6)
            axes.axvspan(low, high, color=GRAY, alpha=0.45, linewidth=0, label=MEAN)
            axes.axvline(runs[name][key], color="black", linestyle="--", linewidth=1.2, label=OURS)
            axes.set_ylabel("seeds")
            axes.set_xlim(edges[[0, -1]] + 0.05 * np.ptp(edges) * np.array([-1, 1]))
            whole_ticks(axes, "y")
        column[-1].set_xlabel("loss (nats)" if key == "loss" else key)
    for (left, right), (name, study) in zip(grid, summaries.items(), strict=True):
        shares = {key: f"{study[key]['proportion']:.0%}" for key in SHARES}
        left.set_title("{}: {roc_auc_is_1} of the seeds part the classes".format(name, **shares))
        right.set_title("right about all: {perfect}, no tie: {perfect_strict}".format(**shares))
    handles, texts = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2)
    return figure
