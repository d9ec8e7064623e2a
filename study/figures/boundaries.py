"""What linear layers, units, layers and biases do to boundaries: a figure for each experiment."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from diagonal.figures.style import GRAY, LOOKS, titled
from study.figures.drawing import SETTINGS, forest, heat_map, legend_below


def one_matrix(table: pd.DataFrame, metrics: Mapping) -> Figure:
    """Draw how far deepish and logistic regression are apart, by epoch: `one_matrix.gaps`."""
    deepish = metrics["gaps"]["deepish"]["median"]
    figure = titled(
        4.4,
        f"After {metrics['epochs']} epochs, the probabilities of deepish and logistic regression\n"
        f"differ by up to {deepish:.2f} in the median",
    )
    axes = figure.subplots()
    lines = {
        "other_batches": ("two logistic regressions, other batches", LOOKS["logistic"][0], "-"),
        "deepish": ("deepish and logistic regression, same batches", LOOKS["deepish"][0], "-"),
        "other_weights": (
            "two logistic regressions, same batches, other weights", LOOKS["logistic"][0], "--",
        ),
    }  # fmt: skip
    for name, (label, color, style) in lines.items():
        low, middle, high = (
            table.groupby("epoch")[name].quantile([0.25, 0.5, 0.75]).unstack().T.to_numpy()
        )
        epochs = table["epoch"].unique()
        axes.fill_between(epochs, low, high, color=color, alpha=0.25, linewidth=0)
        axes.plot(epochs, middle, style, color=color, linewidth=2.2, label=label)
    axes.set(xlabel="epoch", ylabel="largest difference of probability")
    axes.set(xlim=(1, table["epoch"].max()), ylim=(0, None))
    axes.set_title("line: median, band: middle half of the members", loc="left", color=GRAY)
    legend_below(figure, axes, columns=1)
    return figure


def parabolas(table: pd.DataFrame, metrics: Mapping) -> Figure:
    """Draw how often each network separates the parabolas: `parabolas.summary`."""
    networks = metrics["networks"]
    share = pd.DataFrame(metrics["grid"]).map(lambda estimate: estimate["proportion"]).T
    activation = table.loc[table["network"] == "grid", "activation"].iloc[0]
    figure = titled(4.0, "How often networks separate the parabolas")
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    n_seeds = table.loc[table["drawn"] == 0, "seed"].nunique()
    heat_map(left, share.to_numpy(), share.index, share.columns)
    left.set(xlabel="units in each hidden layer", ylabel="hidden layers")
    left.set_title(f"{activation}: share of {n_seeds} seeds")

    chapter = table[table["network"] != "grid"].groupby("network", sort=False).first()
    names = {
        f"{name} ({hidden})": networks[name]
        for name, hidden in zip(chapter.index, chapter["hidden"], strict=True)
    }
    forest(right, names)
    look = {"ha": "center", "va": "center", "clip_on": False}
    for place, numbers in enumerate(names.values()):
        right.text(1.1, place, "✓" if numbers["drawn_seed_is_perfect"] else "✗", **look)
    right.text(1.1, -0.75, "drawn\nseed", size=9, **look)
    right.set(xlim=(-0.02, 1.02), xlabel="share of seeds")
    right.set_title("the chapter's networks")
    return figure


def bias(result: Mapping) -> Figure:
    """Draw what each network does with and without biases: `bias.compare` and `bias.planes`."""
    networks, planes = result["networks"], result["planes"]
    epochs = list(next(iter(networks.values()))["with_bias"])
    figure = titled(5.0, "Perfect at 0.5, with and without biases")
    grid = figure.subplots(1, 3, width_ratios=[1, 1, 0.7])
    arms = ("without_bias", "with_bias")
    for axes, epoch in zip(grid, epochs, strict=False):
        for which, shift, (color, marker) in zip(arms, (-0.15, 0.15), SETTINGS, strict=True):
            rows = {name: found[which][epoch]["perfect"] for name, found in networks.items()}
            look = {"color": color, "marker": marker, "shift": shift}
            forest(axes, rows, **look, label=which.replace("_", " "))
        axes.set(xlim=(-0.03, 1.03), xlabel="share of members", title=f"after {epoch} epochs")
    grid[1].set_yticklabels([])
    legend_below(figure, grid[0], columns=3, own=True)
    margins = [[planes[lines][which]["margin"] or np.nan for lines in planes] for which in arms]
    columns = [f"{found['lines']} lines" for found in planes.values()]
    heat_map(grid[2], np.array(margins), ["without", "bias"], columns)
    for row, column in np.argwhere(np.isnan(margins)):
        grid[2].text(column, row, "none", ha="center", va="center", size=9)
    grid[2].set_title("largest margin")
    return figure
