"""Losses, scores and weights of models, drawn."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from diagonal.figures.style import CLASSES, GRAY, LOOKS, SIGNED, SKY, spaced, titled, whole_ticks
from diagonal.pipeline.data import LINES, plural

Tables = Mapping[str, pd.DataFrame]  # by model
ROW = 25  # patterns side by side
ROWS = 4  # at most
COLUMNS = 5  # units side by side
SHOWN = 15  # units of a layer that are drawn at most


def loss_curves(losses: Sequence, val_losses: Sequence, log: bool) -> Figure:
    """Draw loss against epoch, of training and, if there is one, of validation."""
    figure = titled(4, "Losses")
    axes = figure.subplots()
    epochs = np.arange(1, len(losses) + 1)
    axes.plot(epochs, losses, label="training", color="black")
    if val_losses:
        axes.plot(epochs, val_losses, label="validation", color=SKY, linestyle="--")
    axes.set(xlabel="epoch", ylabel="loss (nats)", yscale="log" if log else "linear")
    axes.legend()
    return figure


def loss_comparison(losses: Tables) -> Figure:
    """Draw the losses of models against each other: model -> loss and val_loss by epoch.

    Of two models, whose curves may coincide, the difference is drawn as well.
    """
    ends = ", ".join(f"{table['val_loss'].iloc[-1]:.3f} ({name})" for name, table in losses.items())
    both = len(losses) == 2
    figure = titled(4.2 + 1.5 * both, f"Validation loss ends at {ends}")
    rows = {"nrows": 2, "height_ratios": [2, 1]} if both else {}
    grid = figure.subplots(**rows, sharex=True, squeeze=False)
    axes = grid[0, 0]
    for name, table in losses.items():
        epochs, (color, marker) = np.arange(1, len(table) + 1), LOOKS[name]
        look = {"color": color, "linewidth": 1.8, "marker": marker, "markevery": [-1]}
        axes.plot(epochs, table["loss"], **look)
        axes.plot(epochs, table["val_loss"], linestyle="--", **look)
    axes.set(ylabel="loss (nats)", ylim=(0, None))
    whole_ticks(axes, "x")
    if both:
        (first, one), (second, other) = losses.items()
        for key, style in (("loss", "-"), ("val_loss", "--")):
            difference = other[key] - one[key]  # over the epochs of both
            grid[1, 0].plot(difference.index + 1, difference, linestyle=style, color=GRAY)
        grid[1, 0].axhline(0, color="black", linewidth=0.8)
        grid[1, 0].set_ylabel(f"{second} minus\n{first}")
    grid[-1, 0].set_xlabel("epoch")
    handles = [Line2D([], [], color=c, marker=m) for c, m in map(LOOKS.get, losses)]
    handles += [Line2D([], [], color=GRAY, linestyle=style) for style in ("-", "--")]
    names = [*losses, "training", "validation"]
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return figure


def curves(roc: Tables, precision_recall: Tables, calibration: Tables, names=LINES) -> Figure:
    """Draw how well models rank images, and whether their probabilities hold: `metrics.curves`."""
    title = "How models rank the validation images, and what their probabilities are worth"
    figure = titled(3.5, title)
    left, middle, right = figure.subplots(1, 3)
    for name, (color, marker) in LOOKS.items():
        look = {"color": color, "marker": marker, "markersize": 4, "clip_on": False}
        left.plot(*roc[name].to_numpy().T, **look, label=name)
        middle.plot(*precision_recall[name].to_numpy().T, **look)
        probability, share, count = calibration[name].to_numpy().T
        look = {"color": color, "marker": marker, "alpha": 0.8, "clip_on": False}
        right.scatter(probability, share, s=8 + 100 * count / count.sum(), **look)
    for axes in (left, right):
        axes.plot([0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1, zorder=0)
    left.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate")
    middle.set(title="Precision and recall", xlabel="recall", ylabel="precision")
    right.set(title="Calibration (size: images)", xlabel="probability given")
    right.set(ylabel=f"share of {plural(names[1])}")
    for axes in (left, middle, right):
        limits = {"xlim": (-0.04, 1.04), "ylim": (-0.04, 1.04)}  # points at 0 and 1 are seen whole
        axes.set(**limits, aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(LOOKS))
    return figure


def confusion(counts: Mapping, undecided: Mapping, threshold: float, names=LINES) -> Figure:
    """Draw, by model, counts (2, 2), rows actual, columns predicted, and the share undecided."""
    total = next(iter(counts.values())).sum()
    figure = titled(3.5, f"Right and wrong on {total} validation images, threshold {threshold:g}")
    (grid,) = figure.subplots(1, len(counts), sharey=True, squeeze=False)
    for axes, (model, matrix) in zip(grid, counts.items(), strict=True):
        axes.imshow(matrix, cmap="Greys", vmin=0, vmax=total)
        for (actual, predicted), count in np.ndenumerate(matrix):
            color = "white" if count > total / 2 else "black"
            weight = "bold" if actual == predicted else "normal"
            look = {"color": color, "weight": weight, "size": 16, "ha": "center", "va": "center"}
            axes.text(predicted, actual, count, **look)
        right = np.trace(matrix) / total
        axes.set_title(f"{model}: {right:.0%} right,\n{undecided[model]:.0%} undecided")
        axes.set(xlabel="predicted", xticks=(0, 1), xticklabels=names)
        axes.set(yticks=(0, 1), yticklabels=names)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    grid[0].set_ylabel("actual")
    return figure


def predicted_patterns(images, labels, probability: Mapping, threshold, names=LINES) -> Figure:
    """Draw each model's probability of label 1, (n,), for distinct images (n, S, S).

    Labels are 0 or 1, (n,). Wrong predictions are ringed; at most 100 images are drawn.
    """
    wrong = {name: (p > threshold) != labels for name, p in probability.items()}
    errors = [f"{name} {mask.sum()}" for name, mask in wrong.items()]
    for place, p in enumerate(probability.values()):
        if ties := (p == threshold).sum():
            errors[place] += f" ({ties} undecided)"
    chosen = spaced(len(images), ROW * ROWS)
    rows = -(-len(chosen) // ROW)
    title = f"Misclassified of {len(images)} patterns: {', '.join(errors)}"
    title += f" ({len(chosen)} shown)" * (len(chosen) < len(images))
    figure = titled(0.9 + 3 * rows, title)
    grid = figure.subplots(rows, 1, squeeze=False)[:, 0]
    rule = f"{names[1]} is what lies above the dashed threshold, not what lies at it"
    grid[0].set_title(rule, pad=12)  # clear of the rings at 1
    for row, axes in enumerate(grid):
        shown = chosen[row * ROW : (row + 1) * ROW]
        places = np.arange(len(shown))
        axes.axhline(threshold, color=GRAY, linewidth=1, linestyle="--")
        axes.vlines(places, 0, 1, color="#EEEEEE", linewidth=1, zorder=0)
        for shift, name in zip(np.linspace(-0.22, 0.22, len(LOOKS)), probability, strict=True):
            x, p = places + shift, probability[name][shown]
            color, marker = LOOKS[name]
            axes.scatter(x, p, color=color, marker=marker, s=30, label=name, clip_on=False)
            mine = wrong[name][shown]
            look = {"facecolor": "none", "edgecolor": "black", "s": 110, "clip_on": False}
            axes.scatter(x[mine], p[mine], label="wrong" if shift == 0.22 else None, **look)
        for place, image, label in zip(places, images[shown], labels[shown], strict=True):
            _thumbnail(axes, place, image, CLASSES[label][0])
        axes.set(xlim=(-0.6, ROW - 0.4), ylim=(0, 1), xticks=[])
        axes.set_ylabel(f"probability of\nbeing {names[1]}")
    handles, models = axes.get_legend_handles_labels()
    figure.legend(handles, models, loc="outside lower center", ncols=len(LOOKS) + 1)
    return figure


def _thumbnail(axes, place: int, image: np.ndarray, color: str) -> None:
    """Put a small picture below the axis, as its tick."""
    picture = OffsetImage(image, zoom=16 / len(image), cmap="gray", interpolation="auto")
    frame = {"edgecolor": color, "linewidth": 2, "boxstyle": "square,pad=0"}
    box = AnnotationBbox(
        picture, (place, 0), xybox=(0, -8), boxcoords="offset points", box_alignment=(0.5, 1),
        pad=0, bboxprops=frame, annotation_clip=False,
    )  # fmt: skip
    axes.add_artist(box)


def weights_as_pixels(layers: Mapping[str, np.ndarray], shape: tuple[int, int, int]) -> Figure:
    """Draw weights where their pixels are, all on one diverging scale.

    `layers` are title -> weights (units, C * S * S) of images of a shape (C, S, S), whose channels
    are drawn side by side; so are the layers while they fit.
    """
    shown = {title: weights[:SHOWN] for title, weights in layers.items()}
    places, cell = {}, 0
    for title, weights in shown.items():
        left = -cell % COLUMNS  # cells left in this row
        cell += left if len(weights) > left else 0
        places[title] = cell
        cell += len(weights)
    rows = -(-cell // COLUMNS)
    row = 0.5 + 1.35 / shape[0]  # inches; what is wide is not high
    figure = titled(0.7 + row * rows, "What each unit looks for: weights at their pixels")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    limit = max(abs(weights).max() for weights in layers.values())
    for axes in grid:
        axes.set_axis_off()
    for title, weights in shown.items():
        units = len(layers[title])
        more = f" ({SHOWN} of {units} units)" if units > SHOWN else ""
        grid[places[title]].set_title(title + more, loc="left")
        for place, unit in enumerate(weights):
            axes = grid[places[title] + place]
            pixels = np.hstack(unit.reshape(shape))
            if units > 1:
                look = {"ha": "center", "va": "top", "size": 9, "transform": axes.transAxes}
                axes.text(0.5, -0.03, f"unit {place}", **look)
            image = axes.imshow(pixels, cmap=SIGNED, vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=list(grid), label="weight", shrink=0.6)
    return figure


def two_weightings(logistic: np.ndarray, deepish: np.ndarray) -> Figure:
    """Draw logistic's weights against those of deepish's one matrix, each (pixels,)."""
    difference = abs(logistic - deepish).max()
    figure = titled(3.8, f"deepish is one matrix, at most {difference:.3f} from logistic's")
    bars, scatter = figure.subplots(1, 2, width_ratios=[1.7, 1])
    pixels = np.arange(len(logistic))
    series = {"logistic": logistic, "deepish": deepish}
    for shift, (name, weights) in zip((-0.2, 0.2), series.items(), strict=True):
        bars.bar(pixels + shift, weights, width=0.4, color=LOOKS[name][0], label=name)
    bars.axhline(0, color=GRAY, linewidth=0.8)
    bars.set(xlabel="pixel, row by row", ylabel="weight", title="Weight of each pixel")
    whole_ticks(bars, "x")
    figure.legend(*bars.get_legend_handles_labels(), loc="outside lower center", ncols=2)

    ends = [min(logistic.min(), deepish.min()), max(logistic.max(), deepish.max())]
    scatter.plot(ends, ends, color=GRAY, linewidth=0.8, linestyle="--")
    scatter.scatter(logistic, deepish, color="black", s=18)
    scatter.set(xlabel="logistic's weight", ylabel="deepish's weight")
    scatter.set(title="Dashed: equal weights", aspect="equal")
    scatter.locator_params("x", nbins=4)  # more labels may reach out of the figure
    return figure
