"""What experiments on the data say: samplers, flips, inputs, classes and seeds, drawn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diagonal.claims.drawing import forest, heat_map, reference
from diagonal.claims.variation import DESIGNS
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.style import SKY, titled

LOOKS = {"tanh": (SKY, "o"), **{name: each[1:] for name, each in MODELS.items()}}
SHADES = ("#333333", "#999999", "#DDDDDD")  # of the first kind of seeds, the second, and the rest


def balancing(result: Mapping) -> Figure:
    """Draw recall, loss and bias of each model by sampler: `balancing.balancing`."""
    apart = result["balanced_less_equal"]
    straight, diagonals = (_changes(apart, f"recall_{kind}") for kind in ("straight", "diagonal"))
    title = f"Balanced batches change the recall of straight lines by {straight},\n"
    figure = titled(4.8, f"{title}that of diagonals by {diagonals}")
    panels = {
        "recall_straight": "Recall of straight lines",
        "recall_diagonal": "Recall of diagonals",
        "loss": "Loss (nats)",
        "bias": "Mean probability less share of diagonals",
    }
    grid = figure.subplots(2, 2, sharey=True)
    _by_model(figure, dict(zip(panels, grid.flat, strict=True)), result["means"])
    for axes, text in zip(grid.flat, panels.values(), strict=True):
        axes.set_title(text)
    reference(grid.flat[3], 0)
    grid.flat[3].locator_params("x", nbins=5)
    return figure


def augmentation(result: Mapping, splits: pd.DataFrame) -> Figure:
    """Draw what is right about validation lines: `augmentation.augmentation`."""
    apart = result["splits_flips_on_less_off"]
    figure = titled(
        4.6,
        f"Flips add {apart['pattern']['mean']:+.2f} where mirror images of held-back lines are "
        f"shown,\n{apart['orbit']['mean']:+.2f} where they are held back, too (relu, "
        f"{len(splits)} splits)",
    )
    left, right = figure.subplots(1, 2, sharex=True)
    _by_model(figure, {"accuracy": left}, result["means"])
    left.set_title("One split, by what it keeps together")
    color, marker = LOOKS["relu"]
    for place, name in enumerate(result["splits"]):
        values = np.sort(splits[name])
        heights = place + np.linspace(-0.3, 0.3, len(values))
        right.plot(values, heights, ".", color=color, alpha=0.7)
    forest(right, result["splits"], color="black", marker=marker)
    right.set_title(f"relu over {len(splits)} splits, mean in black")
    for axes in (left, right):
        axes.set_xlabel("accuracy on validation images")
    return figure


def test_time_augmentation(result: Mapping) -> Figure:
    """Draw what the mean over a line and its mirror image changes: `test_time_augmentation`."""
    apart = result["mirrored_less_alone"]
    on, off = (
        _changes({model: each[flips] for model, each in apart.items()}, "loss", 3)
        for flips in ("on", "off")
    )
    title = f"Asked about a line's mirror image, too, the loss changes by\n{on}"
    figure = titled(3.8, f"{title};\ntrained without flips, by {off}")
    grid = figure.subplots(1, 2, sharey=True)
    for axes, key in zip(grid, ("loss", "accuracy"), strict=True):
        for shift, flips, color in ((-0.12, "on", "black"), (0.12, "off", SKY)):
            rows = {model: each[flips][key] for model, each in apart.items()}
            forest(axes, rows, shift=shift, color=color, label=f"trained with flips {flips}")
        reference(axes, 0)
        axes.locator_params("x", nbins=5)
        axes.set_xlabel(f"change of the {key}" + " (nats)" * (key == "loss"))
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2)
    return figure


def centring(result: Mapping) -> Figure:
    """Draw loss and accuracy by what pixels are normalised to: `centring.centring`."""
    title = f"The loss changes by {_changes(result['lecture_less_unit'], 'loss')}\n"
    shifted = (result["pixels"]["mean"] - 0.5) / 0.5
    title += f"with pixels in [-1, 1] instead of [0, 1]; their mean is {shifted:.2f} then, not 0"
    figure = titled(3.8, title)
    left, right = figure.subplots(1, 2, sharey=True)
    _by_model(figure, {"loss": left, "accuracy": right}, result["means"])
    left.set(title="Loss (nats)", ylabel="pixels")
    right.set(title="Accuracy")
    return figure


def three_classes(result: Mapping) -> Figure:
    """Draw the confusion of classes for each way to flip: `three_classes.three_classes`."""
    accuracy = {arm: each["accuracy"]["mean"] for arm, each in result["means"].items()}
    naive, swapped = (accuracy[arm] - accuracy["off"] for arm in ("naive", "swapped"))
    title = f"Flips change accuracy by {naive:+.2f}, with labels swapped by {swapped:+.2f}"
    figure = titled(3.4, title)
    titles = {
        "off": "No flips",
        "naive": "Flips, labels left as they are",
        "swapped": "Flips, labels swapped",
    }
    grid = figure.subplots(1, 3, sharey=True)
    for axes, (arm, text) in zip(grid, titles.items(), strict=True):
        shares = pd.DataFrame(result["confusion"][arm]).T
        image = heat_map(axes, shares.to_numpy(), shares.index, shares.columns, vmin=0, vmax=1)
        axes.set_title(f"{text}\naccuracy {accuracy[arm]:.3f}", fontsize=10)
        axes.set_xlabel("predicted")
    grid[0].set_ylabel("actual")
    figure.colorbar(image, ax=list(grid), label="share of the class")
    return figure


def variation(result: Mapping) -> Figure:
    """Draw the shares of variance in each design: `variation.variation`."""
    parts = result["components"]
    linear, relu = (
        parts[design][model]["loss"][kind]["share"]
        for design, model, kind in (
            ("training", "logistic", "sampling"),
            ("training", "relu", "initialisation"),
        )
    )
    figure = titled(
        5.0,
        f"With one data set, sampling makes {linear:.1%} of the variance of logistic's loss,\n"
        f"initialisation {relu:.1%} of relu's",
    )
    for axes, measure in zip(figure.subplots(1, 2, sharey=True), ("loss", "accuracy"), strict=True):
        names = []
        for design, kinds in DESIGNS.items():
            for model, measures in parts[design].items():
                place, left = len(names), 0.0
                names.append(f"{kinds[0]} x {kinds[1]}\n{model}")
                for kind, shade in zip((*kinds, "rest"), SHADES, strict=True):
                    share = measures[measure][kind]["share"]
                    axes.barh(place, share, left=left, color=shade, height=0.6)
                    if share >= 0.08:
                        color = "white" if shade == SHADES[0] else "black"
                        look = {"color": color, "ha": "center", "va": "center", "size": 9}
                        axes.text(left + share / 2, place, f"{share:.0%}", **look)
                    left += share
                own = measures[measure][kinds[0]]
                axes.hlines(place + 0.4, own["low"], own["high"], color="black", linewidth=1)
        axes.set_yticks(range(len(names)), names)
        axes.set(ylim=(len(names) - 0.4, -0.6), xlim=(0, 1), title=measure)
        axes.set_xlabel("share of the variance")
    texts = ["first seed", "second seed", "the pair", "interval of the first seed's share"]
    handles = [*axes.containers[: len(SHADES)], Line2D([], [], color="black", linewidth=1)]
    figure.legend(handles, texts, loc="outside lower center", ncols=len(texts))
    return figure


def _changes(apart: Mapping, key: str, decimals: int = 2) -> str:
    """Put the mean differences of models into words."""
    return ", ".join(
        f"{each[key]['mean']:+.{decimals}f} ({model})" for model, each in apart.items()
    )


def _by_model(figure: Figure, panels: Mapping, means: Mapping) -> None:
    """Draw the means of measures, each on its axes, by arm, the models side by side."""
    shifts = np.linspace(-0.22, 0.22, len(means))
    for key, axes in panels.items():
        for shift, (model, arms) in zip(shifts, means.items(), strict=True):
            color, marker = LOOKS[model]
            rows = {arm: each[key] for arm, each in arms.items()}
            forest(axes, rows, color=color, marker=marker, shift=shift, label=model)
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(means))
