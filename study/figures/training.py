"""Activations, gradients, dead units and normalisation, measured and drawn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from diagonal.figures.style import titled, whole_ticks
from study.figures.drawing import (
    ACTIVATION_LOOKS,
    NETWORK_LOOKS,
    SETTINGS,
    forest,
    legend_below,
    reference,
    shades,
)

NAMES = {"none": "none", "leaky_relu": "leaky ReLU", "prelu": "PReLU", "relu": "ReLU"}
BINS = 40
RATES = ("lecture", "best")


def named(activation: str) -> str:
    """Write an activation as people do."""
    return NAMES.get(activation, activation)


def activation(ends: Mapping[str, Mapping], rates: Mapping[str, Mapping]) -> Figure:
    """Draw how activations end, at the lecture's and at their best rate: `activations.compare`."""
    figure = titled(4.2, "How networks end that differ in their activation alone")
    panels = {"loss": "loss (nats), median", "roc_auc_is_1": "share that separates the classes"}
    for axes, (key, label) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
        for which, shift, (color, marker) in zip(RATES, (-0.15, 0.15), SETTINGS, strict=True):
            estimates = {
                f"{named(name)} ({rates[name]['best']:g})": row[key]
                for name, row in ends[which]["activations"].items()
            }
            legend = f"at the {which} rate" + " (in parentheses)" * (which == "best")
            look = {"color": color, "marker": marker, "shift": shift}
            forest(axes, estimates, **look, label=legend)
        axes.set_xlabel(label)
    figure.axes[0].set_xscale("log")
    legend_below(figure, axes, columns=2, own=True)
    return figure


def convergence(reached: Mapping[str, pd.DataFrame], level: float) -> Figure:
    """Draw the share of seeds below a loss by epoch, as `activations.reached_by_epoch`."""
    figure = titled(3.6, f"Share of seeds below a loss of {level:g} nats, by epoch")
    grid = figure.subplots(1, len(reached), sharey=True)
    for axes, (name, table) in zip(grid, reached.items(), strict=True):
        for place, activation in enumerate(each for each in NETWORK_LOOKS if each in table):
            color, marker = NETWORK_LOOKS[activation]
            look = {"color": color, "marker": marker, "markersize": 5}
            markers = {"markevery": (place, 7)}  # those of curves that coincide alternate
            axes.plot(table["epoch"], table[activation], **look, **markers, label=named(activation))
        axes.set(xlabel="epoch", ylim=(-0.04, 1.04), title=f"at the {name} learning rate")
        whole_ticks(axes, "x")
    grid[0].set_ylabel("share of seeds")
    legend_below(figure, axes, columns=4)
    return figure


def slopes(learned: np.ndarray, start: float = 0.25) -> Figure:
    """Draw which slopes PReLU learned: (members, layers), not finite where a run diverged."""
    learned = learned[np.isfinite(learned).all(axis=1)]
    negative = (learned < 0).mean(axis=0)
    shares = " and ".join(f"{share:.0%}" for share in negative)
    figure = titled(3.2, f"PReLU's learned slope is negative in {shares} of the seeds, by layer")
    low, high = np.quantile(learned, [0.02, 0.98])  # a few runs end far away
    edges = np.round(np.linspace(min(low, start), max(high, start), BINS + 1), 3)
    grid = figure.subplots(1, len(negative), sharey=True, squeeze=False)[0]
    for place, (axes, slopes_of_layer) in enumerate(zip(grid, learned.T, strict=True)):
        axes.hist(slopes_of_layer, edges, color=ACTIVATION_LOOKS["prelu"][0])
        reference(axes, start)
        axes.set(xlabel=f"slope below zero, starts at {start:g}", title=f"after layer {place}")
        whole_ticks(axes, "y")
    grid[0].set_ylabel("seeds")
    return figure


def gradients(table: pd.DataFrame) -> Figure:
    """Draw `gradients.measure`: the first layer's gradient by depth, for three initial weights."""
    kinds = table["weights"].unique()
    figure = titled(3.9, "Norm of the first layer's gradient before training: median of its log10")
    for axes, kind in zip(figure.subplots(1, len(kinds), sharey=True), kinds, strict=True):
        chosen = table[table["weights"] == kind]
        for name, rows in chosen.groupby("activation", sort=False):
            color, marker = ACTIVATION_LOOKS[name]
            look = {"color": color, "marker": marker, "label": named(name), "alpha": 0.8}
            if name == "leaky_relu":  # hardly differs from ReLU
                look |= {"linestyle": "--", "markerfacecolor": "none"}
            axes.plot(rows["hidden_layers"], rows["log10_gradient"], **look)
        axes.set(xlabel="hidden layers", title=f"{TITLES[kind]} weights")
        axes.grid(axis="y", color="#EEEEEE")
        whole_ticks(axes, "x")
    legend_below(figure, axes, columns=5)
    return figure


TITLES = {"pytorch": "PyTorch's", "glorot": "Glorot's", "he": "He's"}


def dead_units(table: pd.DataFrame, metrics: Mapping[str, Mapping]) -> Figure:
    """Draw the share of dead units by epoch, and how many are active again with a leak."""
    figure = titled(3.8, "Dead ReLUs: the first layer's stay dead; a leak wakes some")
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    layers = dict(zip(metrics, shades(len(metrics)), strict=True))
    for layer, shade in layers.items():
        left.plot(table["epoch"], table[layer], color=shade, label=layer.replace("r", "r ", 1))
    left.set(xlabel="epoch", ylabel="share of units that are dead", ylim=(0, None))
    left.set_xscale("symlog", linthresh=10)
    left.set_xlim(0, table["epoch"].max())
    left.xaxis.set_minor_formatter(NullFormatter())
    names = list(next(iter(metrics.values()))["active_again"])
    height = 0.8 / len(layers)
    for place, (layer, shade) in enumerate(layers.items()):
        again = metrics[layer]["active_again"].values()
        shares = [(found["mean"] if isinstance(found, dict) else found) or 0 for found in again]
        where = np.arange(len(names)) + (place - (len(layers) - 1) / 2) * height
        right.barh(where, shares, height=height, color=shade)
    right.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    right.invert_yaxis()
    right.set(xlabel="active again, share of units that died", xlim=(0, 1))
    legend_below(figure, left, columns=len(layers))
    return figure


def batch_norm(table: pd.DataFrame) -> Figure:
    """Draw `normalization.table`: the deviation of what each layer's ReLUs are fed, by epoch."""
    depths = sorted(set(table["hidden_layers"]))
    title = "Standard deviation of what each layer's ReLUs are fed, by epoch,\n"
    title += "without and with batch normalisation"
    figure = titled(1.4 + 2.4 * len(depths), title)
    grid = figure.subplots(len(depths), 2, sharex=True, sharey=True, squeeze=False)
    for row, depth in zip(grid, depths, strict=True):
        for axes, norm in zip(row, (0, 1), strict=True):
            chosen = table[(table["hidden_layers"] == depth) & (table["batch_norm"] == norm)]
            for (layer, rows), shade in zip(chosen.groupby("layer"), shades(depth), strict=True):
                axes.plot(rows["epoch"], rows["deviation"], color=shade, label=f"layer {layer}")
            axes.set_yscale("log")
            axes.grid(axis="y", color="#EEEEEE")
            whole_ticks(axes, "x")
            how = "with" if norm else "without"
            axes.set_title(f"{depth} hidden layers, {how}")
        row[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), ncols=-(-depth // 8), fontsize=9)
        row[0].set_ylabel("standard deviation")
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    return figure
