"""What linear layers, units, layers and biases do to boundaries: a figure for each experiment."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from diagonal.claims.drawing import forest, heat_map
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.style import GRAY, titled, whole_ticks


def one_matrix(table: pd.DataFrame, metrics: Mapping) -> Figure:
    """Draw how far deepish and logistic regression are apart, by epoch: `one_matrix.gaps`."""
    (first, before), (last, after) = metrics["gaps"].items()
    ends = [each["deepish"]["mean"] for each in (before, after)]
    figure = titled(
        4.4,
        f"Deepish is {ends[0]:.2f} from logistic regression after {first} epochs, {ends[1]:.2f} "
        f"after {last};\ntwo logistic regressions with other seeds are "
        f"{after['other_seed']['mean']:.2f} apart",
    )
    axes = figure.subplots()
    lines = {
        "other_seed": ("two logistic regressions, other seeds", MODELS["logistic"].color, "-"),
        "deepish": ("deepish and logistic, same batches", MODELS["deepish"].color, "-"),
        "all_images": ("the same, all images in each step", "black", "--"),
    }
    for name, (label, color, style) in lines.items():
        by_seed = table.pivot_table(index="epoch", columns="seed", values=name)
        axes.plot(by_seed, color=color, linewidth=0.6, alpha=0.35, linestyle=style)
        axes.plot(by_seed.mean(axis=1), color=color, linewidth=2.2, label=label, linestyle=style)
    axes.set(xlabel="epoch", ylabel="largest difference of probability")
    if table["epoch"].max() > 10:
        axes.set_xscale("log")
    else:
        whole_ticks(axes, "x")
    axes.set(xlim=(1, table["epoch"].max()), ylim=(0, None))
    axes.xaxis.set_major_formatter("{x:g}")
    n_seeds = table["seed"].nunique()
    axes.set_title(f"thick: mean of {n_seeds} seeds, thin: each of them", loc="left", color=GRAY)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def parabolas(table: pd.DataFrame, metrics: Mapping) -> Figure:
    """Draw how often each network separates the parabolas: `parabolas.summary`."""
    grid, networks, differences = (metrics[key] for key in ("grid", "networks", "differences"))
    share = np.array([[each["proportion"] for each in row.values()] for row in grid.values()])
    words = [
        _more_or_less(differences, f"{change}_{where}")
        for change, places in (
            ("wide_minus_narrow", ("shallow", "deep")),
            ("deep_minus_shallow", ("narrow", "wide")),
        )
        for where in places
    ]
    units = list(next(iter(grid.values())))
    layers, widths = sorted(map(int, grid)), sorted(map(int, units))
    layers_ends = [f"{depth} layer{'s' * (depth > 1)}" for depth in (layers[0], layers[-1])]
    units_ends = [f"{width} units" for width in (widths[0], widths[-1])]
    activation = table.loc[table["network"] == "grid", "activation"].iloc[0]
    figure = titled(
        4.0,
        f"With {activation}, more units separate the parabolas {_both(*words[:2], layers_ends)},\n"
        f"more layers {_both(*words[2:], units_ends)}",
    )
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    n_seeds = table.loc[table["drawn"] == 0, "seed"].nunique()
    heat_map(left, share, list(grid), units, vmin=0, vmax=1)
    left.set(xlabel="units in each hidden layer", ylabel="hidden layers")
    left.set_title(f"{activation}: share of {n_seeds} seeds")

    chapter = table[table["network"] != "grid"].groupby("network", sort=False).first()
    names = {
        f"{name} ({hidden})": networks[name]
        for name, hidden in zip(chapter.index, chapter["hidden"], strict=True)
    }
    forest(right, names)
    for place, each in enumerate(names.values()):
        drawn = "✓" if each["drawn_seed_separates"] else "✗"
        right.text(1.1, place, drawn, ha="center", va="center", clip_on=False)
    right.text(1.1, -0.75, "drawn\nseed", ha="center", va="center", size=9, clip_on=False)
    right.set(xlim=(-0.02, 1.02), xlabel="share of seeds")
    right.set_title("the chapter's networks")
    return figure


def _more_or_less(differences: Mapping, name: str) -> str:
    low, high = differences[name]["low"], differences[name]["high"]
    return "more often" if low > 0 else "less often" if high < 0 else "about as often"


def _both(first: str, second: str, where: Sequence[str]) -> str:
    if first == second:
        return first
    return f"{first} with {where[0]} and {second} with {where[1]}"


def bias(table: pd.DataFrame, metrics: Mapping) -> Figure:
    """Draw what each model does with and without biases: `bias.summary` and `bias.planes`."""
    models, planes = metrics["models"], metrics["planes"]
    epochs = sorted(table["epoch"].unique().tolist())
    n_seeds = table["seed"].nunique()
    none = planes["drawable"]["without_bias"]["margin"] is None
    ends = {
        (name, bias): each[str(epochs[-1])]["perfect"]["proportion"]
        for name, biases in models.items()
        for bias, each in biases.items()
    }
    shares = ", ".join(f"{name} {ends[name, 'with_bias']:.0%}" for name in models)
    start = "No plane through the origin parts" if none else "A plane through the origin parts"
    figure = titled(
        4.2, f"{start} the lines.\nWith biases, perfect after {epochs[-1]} epochs: {shares}"
    )
    separates, perfect, exact = figure.subplots(1, 3, width_ratios=[1, 1, 0.8])
    rows = {
        f"{name}{', bias' if bias == 'with_bias' else ''}": each
        for name, biases in models.items()
        for bias, each in biases.items()
    }
    looks = ((GRAY, "o", -0.15), ("black", "s", 0.15))
    for axes, key in ((separates, "separates"), (perfect, "perfect")):
        for epoch, (color, marker, shift) in zip(epochs, looks, strict=True):
            estimates = {row: each[str(epoch)][key] for row, each in rows.items()}
            look = {"color": color, "marker": marker, "shift": shift}
            forest(axes, estimates, **look, label=f"{epoch} epochs")
        axes.set(xlim=(-0.03, 1.03), xlabel=f"share of {n_seeds} seeds")
    separates.set_title("some threshold parts them")
    perfect.set_title("all right at 0.5")
    perfect.set_yticklabels([])
    handles, names = perfect.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=2)

    margins = [
        [planes[lines][bias]["margin"] or np.nan for lines in planes]
        for bias in ("without_bias", "with_bias")
    ]
    columns = [f"{each['lines']} lines" for each in planes.values()]
    heat_map(exact, np.array(margins), ["without", "bias"], columns, vmin=0, vmax=1)
    for place in np.argwhere(np.isnan(margins)):
        exact.text(*place[::-1], "none", ha="center", va="center", size=9)
    exact.set_title("largest margin")
    return figure
