"""What experiments on the data say: samplers, flips, inputs, classes and seeds, drawn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from diagonal.figures.style import titled
from study.figures.drawing import NETWORK_LOOKS, forest, heat_map, legend_below, reference

SHADES = ("#333333", "#999999", "#DDDDDD")  # of the first kind of seeds, the second, and both


def balancing(result: Mapping) -> Figure:
    """Draw recall and losses of each model by sampler: `balancing.balancing`."""
    shares = (result["batches"][name]["diagonals"]["median"] for name in ("equal", "balanced"))
    title = "Batches hold {:.0%} diagonals with equal weights, {:.0%} with balanced ones"
    figure = titled(5.0, title.format(*shares))
    panels = {
        "recall_straight": "Recall of straight lines",
        "recall_diagonal": "Recall of diagonals",
        "loss": "Loss (nats)",
        "class_loss": "Mean of both classes' losses (nats)",
    }
    grid = figure.subplots(2, 2, sharey=True)
    _by_model(figure, dict(zip(panels, grid.flat, strict=True)), result["models"])
    for axes, text in zip(grid.flat, panels.values(), strict=True):
        axes.set_title(text)
    return figure


def augmentation(result: Mapping) -> Figure:
    """Draw the accuracy on validation lines by what a split keeps together: `augmentation`."""
    title = "Accuracy on validation lines, by what is kept on one side of the split: medians\n"
    figure = titled(4.0, f"{title}(dashed: calling all lines diagonal)")
    grid = figure.subplots(1, len(result), sharey=True, sharex=True)
    for axes, (group, found) in zip(grid, result.items(), strict=True):
        _by_model(figure, {"accuracy": axes}, found["models"], legend=axes is grid[-1])
        reference(axes, found["held_back"]["diagonals"]["median"])
        axes.set(title=group.replace("_", " "), xlabel="accuracy")
    grid[0].set_ylabel("flips")
    return figure


def test_time_augmentation(result: Mapping) -> Figure:
    """Draw the change of the loss by averaging with the mirror image: `test_time_augmentation`."""
    figure = titled(3.6, "Averaged with the mirror image's probability: change of the loss")
    grid = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, flips in zip(grid, ("on", "off"), strict=True):
        rows = {
            model: found[f"flips_{flips}"]["lower_loss"]["difference"]
            for model, found in result.items()
        }
        forest(axes, rows)
        reference(axes, 0)
        axes.locator_params("x", nbins=5)
        axes.set(title=f"trained with flips {flips}", xlabel="median difference (nats)")
    return figure


def centring(result: Mapping) -> Figure:
    """Draw the loss by what pixels are normalised to, at two rates: `centring.centring`."""
    shifted = (result["pixels"]["mean"] - 0.5) / 0.5
    figure = titled(
        3.8, f"Median loss by normalisation; in [-1, 1] the mean pixel is {shifted:.2f}, not 0"
    )
    for axes, which in zip(figure.subplots(1, 2, sharey=True), ("lecture", "best"), strict=True):
        rows = {
            model: {name: numbers for name, numbers in found.items() if "loss" in numbers}
            for model, found in result[which].items()
        }
        _by_model(figure, {"loss": axes}, rows, legend=which == "best")
        axes.set(title=f"at the {which} learning rate", xlabel="loss (nats)")
    return figure


def three_classes(result: Mapping) -> Figure:
    """Draw the confusion of classes for each way to flip: `three_classes.three_classes`."""
    title = "Three classes: shares of each class that are predicted to be of each"
    figure = titled(3.4, title)
    titles = {
        "off": "No flips",
        "naive": "Flips, labels left as they are",
        "swapped": "Flips, labels swapped",
    }
    grid = figure.subplots(1, 3, sharey=True)
    for axes, (flips, text) in zip(grid, titles.items(), strict=True):
        shares = pd.DataFrame(result["confusion"][flips]).T
        image = heat_map(axes, shares.to_numpy(), shares.index, shares.columns)
        axes.set_title(text, fontsize=10)
        axes.set_xlabel("predicted")
    grid[0].set_ylabel("actual")
    figure.colorbar(image, ax=list(grid), label="share of the class")
    return figure


def variation(result: Mapping) -> Figure:
    """Draw the shares of variance in each design: `variation.variation`."""
    figure = titled(6.2, "Shares of the variance over pairs of seeds, by what the seeds are for")
    grid = figure.subplots(len(result), 2, sharex=True, sharey=True)
    for row, models in zip(grid, result.values(), strict=True):
        first, second, rest = next(iter(models.values()))["loss"]
        shades = dict(zip((first, second, rest), SHADES, strict=True))
        for axes, measure in zip(row, ("loss", "accuracy"), strict=True):
            for place, measures in enumerate(models.values()):
                _stacked(axes, place, measures[measure], shades)
            axes.set_title(measure, loc="right")
        names = [name.replace("relu - logistic", "relu minus\nlogistic") for name in models]
        row[0].set_yticks(range(len(names)), names)
        row[0].set(ylim=(len(names) - 0.4, -0.6), xlim=(0, 1))
        row[0].set_title(f"{first} and {second}", loc="left", fontweight="bold")
        handles = [Patch(color=shade) for shade in shades.values()]
        options = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "fontsize": 9}
        row[1].legend(handles, [first, second, "both together"], **options)
    for axes in grid[-1]:
        axes.set_xlabel("share of the variance (line: interval\nof the darkest part)")
    return figure


def _stacked(axes: Axes, place: int, parts: Mapping, shades: Mapping[str, str]) -> None:
    """Draw the shares of a variance side by side: `statistics.components`."""
    left = 0.0
    for kind, shade in shades.items():
        share = parts[kind]["share"]
        axes.barh(place, share, left=left, color=shade, height=0.6)
        if share >= 0.08:
            color = "white" if shade == SHADES[0] else "black"
            look = {"color": color, "ha": "center", "va": "center", "size": 9}
            axes.text(left + share / 2, place, f"{share:.0%}", **look)
        left += share
    first = parts[next(iter(shades))]
    axes.hlines(place + 0.4, first["low"], first["high"], color="black", linewidth=1)


def _by_model(figure: Figure, panels: Mapping, models: Mapping, *, legend: bool = True) -> None:
    """Draw numbers of models, each on its axes, by setting, the models side by side."""
    shifts = np.linspace(-0.22, 0.22, len(models))
    for key, axes in panels.items():
        for shift, (model, settings) in zip(shifts, models.items(), strict=True):
            color, marker = NETWORK_LOOKS[model]
            rows = {name: row[key] for name, row in settings.items()}
            forest(axes, rows, color=color, marker=marker, shift=shift, label=model)
    if legend:
        legend_below(figure, axes, columns=len(models) + 1, own=True)
