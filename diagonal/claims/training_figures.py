"""Activations, gradients, dead units and normalisation, measured and drawn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from diagonal.claims.drawing import forest, heat_map, reference
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.style import GRAY, SKY, spread, titled, whole_ticks

NAMES = {"none": "none", "leaky_relu": "leaky ReLU", "prelu": "PReLU", "relu": "ReLU"}
LOOKS = {  # colour and marker of an activation; relu's are those of the model
    "none": (GRAY, "x"),
    "sigmoid": ("#0072B2", "s"),
    "tanh": ("#D55E00", "^"),
    "relu": (MODELS["relu"].color, MODELS["relu"].marker),
    "leaky_relu": ("#009E73", "v"),
    "prelu": ("#CC79A7", "P"),
}
BINS = 40
DEPTHS = 8  # of networks that are compared at most
COLUMNS = 3  # panels side by side at most


def named(activation: str) -> str:
    """Write an activation as people do."""
    return NAMES.get(activation, activation)


def activation(ends: Mapping[str, Mapping]) -> Figure:
    """Draw how activations end, at the lecture's and at their best learning rate.

    Ends are `activations.compare` by "lecture" and "best".
    """
    found = ends["lecture"]["activations"]
    lowest = min(found, key=lambda each: round(found[each]["loss"]["mean"], 6))
    lr = found[lowest]["lr"]
    figure = titled(3.9, f"At the lecture's learning rate, {lr:g}, {named(lowest)} ends lowest")
    best = {each: row["lr"] for each, row in ends["best"]["activations"].items()}
    panels = {"loss": "loss (nats)", "accuracy": "accuracy", "separates": "share that separates"}
    for axes, (key, label) in zip(figure.subplots(1, 3, sharey=True), panels.items(), strict=True):
        for shift, (name, color) in zip((-0.15, 0.15), COLORS.items(), strict=True):
            rows = ends[name]["activations"]
            estimates = {f"{named(e)} ({best[e]:g})": row[key] for e, row in rows.items()}
            legend = f"at the {name} learning rate" + " (in parentheses)" * (name == "best")
            forest(axes, estimates, color=color, shift=shift, label=legend)
        axes.set_xlabel(label)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


COLORS = {"lecture": "black", "best": SKY}


def convergence(reached: Mapping[str, pd.DataFrame], level: float) -> Figure:
    """Draw the share of seeds below a loss by epoch, as `activations.reached_by_epoch`."""
    figure = titled(3.6, f"Share of seeds below a loss of {level:g} nats, by epoch")
    grid = figure.subplots(1, len(reached), sharey=True)
    for axes, (name, table) in zip(grid, reached.items(), strict=True):
        for each, (color, marker) in LOOKS.items():
            look = {"color": color, "marker": marker, "markevery": 7, "markersize": 5}
            axes.plot(table["epoch"], table[each], **look, label=named(each), clip_on=False)
        axes.set(xlabel="epoch", ylim=(0, 1), title=f"at the {name} learning rate")
        whole_ticks(axes, "x")
    grid[0].set_ylabel("share of seeds")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(LOOKS))
    return figure


def slopes(learned: np.ndarray, start: float = 0.25) -> Figure:
    """Draw which slopes PReLU learned: (members, layers)."""
    negative = (learned < 0).mean(axis=0)
    shares = " and ".join(f"{each:.0%}" for each in negative)
    if len(negative) > COLUMNS:
        shares = f"{negative.min():.0%} to {negative.max():.0%}"
    rows = -(-len(negative) // COLUMNS)
    title = f"PReLU's learned slope is negative in {shares} of the seeds, by layer"
    figure = titled(3.2 * rows, title)
    edges = np.round(np.linspace(learned.min(), learned.max(), BINS + 1), 6)
    columns = min(len(negative), COLUMNS)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in grid.flat[len(negative) :]:
        axes.set_axis_off()
    for place, (axes, slopes_of_layer) in enumerate(zip(grid.flat, learned.T, strict=False)):
        axes.hist(slopes_of_layer, edges, color=LOOKS["prelu"][0])
        reference(axes, start)
        axes.set(xlabel=f"slope below zero, starts at {start:g}", title=f"after layer {place}")
        whole_ticks(axes, "y")
    for axes in grid[:, 0]:
        axes.set_ylabel("seeds")
    return figure


def gradients(table: pd.DataFrame) -> Figure:
    """Draw `gradients.table`: the first layer's gradient over the last one's, by depth."""
    epochs = sorted(set(table["epoch"]))
    depths = np.unique(table["hidden_layers"])
    shown = depths[spread(len(depths), DEPTHS)]
    deepest = table[table["hidden_layers"] == table["hidden_layers"].max()]
    vanishing = deepest[deepest["log10_ratio"] < -1]["activation"].unique()
    where = " and ".join(map(named, vanishing)) or "no activation"
    figure = titled(
        3.9, f"First layer's gradient over the last one's, log10: it vanishes with {where}"
    )
    for axes, epoch in zip(figure.subplots(1, 2, sharey=True), epochs, strict=True):
        chosen = table[(table["epoch"] == epoch) & table["hidden_layers"].isin(shown)]
        values = chosen.round(1).pivot_table(
            index="activation", columns="hidden_layers", values="log10_ratio", sort=False
        )
        limits = {"vmin": -6, "vmax": 0, "form": "{:.1f}", "reverse": True}
        heat_map(
            axes,
            values.to_numpy() + 0.0,
            [named(e) for e in values.index],
            values.columns,
            **limits,
        )
        axes.set_xlabel("hidden layers")
        axes.set_title("before training" if epoch == 0 else f"after {epoch} epochs")
    return figure


def dead_units(table: pd.DataFrame, metrics: Mapping[str, Mapping]) -> Figure:
    """Draw the share of dead units by epoch, and how many are active again with a leak."""
    figure = titled(3.8, "Dead ReLUs: the first layer's stay dead; a leak wakes some")
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    layers, colors = list(metrics), (LOOKS["relu"][0], "#0072B2", "#009E73", "#CC79A7", "black")
    for layer, color in zip(layers, colors, strict=False):
        left.plot(table["epoch"], table[layer], color=color, label=layer.replace("r", "r ", 1))
    left.set(xlabel="epoch", ylabel="share of units that are dead", ylim=(0, None))
    if table["epoch"].max() > 10:
        left.set_xscale("symlog", linthresh=10)
    left.set_xlim(0, table["epoch"].max())
    left.xaxis.set_minor_formatter(NullFormatter())
    left.legend()
    shifts = np.linspace(-0.15, 0.15, len(layers))
    for shift, layer, color in zip(shifts, layers, colors, strict=False):
        found = metrics[layer]["active_again"]
        estimates = {name.replace("_", " "): each for name, each in found.items() if each}
        if estimates:
            forest(right, estimates, color=color, shift=shift)
    right.set(xlabel="active again, share of units that died", xlim=(0, 1))
    return figure


def batch_norm(table: pd.DataFrame) -> Figure:
    """Draw `normalization.table`: what each layer's ReLUs are fed, by epoch."""
    depths = sorted(set(table["hidden_layers"]))
    figure = titled(1.2 + 2.4 * len(depths), "What each layer's ReLUs are fed: mean and deviation")
    grid = figure.subplots(len(depths), 2, sharex=True, squeeze=False)
    for row, depth in zip(grid, depths, strict=True):
        for axes, norm in zip(row, (0, 1), strict=True):
            chosen = table[(table["hidden_layers"] == depth) & (table["batch_norm"] == norm)]
            for layer, each in chosen.groupby("layer"):
                shade = str(0.75 * (1 - (layer + 1) / depth))
                axes.plot(each["epoch"], each["deviation"], color=shade)
                axes.plot(each["epoch"], each["mean"], color=shade, linestyle="--")
            axes.axhline(0, color=GRAY, linewidth=0.6)
            whole_ticks(axes, "x")
            how = "with" if norm else "without"
            axes.set_title(f"{depth} hidden layers, {how} batch normalisation")
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    for axes in grid[:, 0]:
        axes.set_ylabel("deviation (solid),\nmean (dashed)")
    figure.supxlabel("the darker, the later the layer", fontsize=9)
    return figure
