"""The figure of the seed study: how the outcomes of many trainings spread."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from diagonal.figures.style import GRAY, MODELS, titled

BINS = 36
OURS = "with the seeds of params.yaml"
STEP = 1e-6  # to which the numbers are rounded


def distributions(outcomes: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Draw histograms of loss and accuracy over the population, a row per model.

    Args:
        outcomes: model -> population_loss and population_accuracy, each (n,), rounded to 6
            decimals: one number for each seed, and as the last one that of params.yaml's run.
    """
    n_seeds = len(next(iter(outcomes.values()))["population_loss"]) - 1
    title = f"Each model trained with {n_seeds} seeds, evaluated on all that can be drawn"
    figure = titled(1.2 + 1.5 * len(outcomes), title)
    grid = figure.subplots(len(outcomes), 2, sharex="col", squeeze=False)
    columns = {"population_loss": "loss (nats)", "population_accuracy": "accuracy"}
    for column, (key, label) in zip(grid.T, columns.items(), strict=True):
        everything = np.concatenate([each[key] for each in outcomes.values()])
        edges = np.linspace(everything.min() - STEP, everything.max(), BINS + 1)
        edges = np.round(edges, 6) + STEP / 2  # no number lies on an edge
        for axes, (name, each) in zip(column, outcomes.items(), strict=True):
            *values, ours = each[key]
            axes.hist(values, edges, color=MODELS[name][0])
            axes.axvline(np.median(values), color=GRAY, linewidth=3, alpha=0.6, label="median")
            axes.axvline(ours, color="black", linestyle="--", linewidth=1.2, label=OURS)
            axes.set(ylabel="seeds", title=name if key == "population_loss" else "")
        column[-1].set_xlabel(label)
    handles, texts = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2)
    return figure
