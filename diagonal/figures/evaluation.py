"""What the models' probabilities are worth, image by image and as a whole."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from diagonal.figures.style import CLASSES, GRAY, MODELS, titled

ROW = 25  # patterns side by side
ROWS = 8  # at most


def curves(
    roc: Mapping[str, tuple], precision_recall: Mapping[str, tuple], calibration: Mapping
) -> Figure:
    """Draw how well models rank the images, and whether their probabilities hold.

    Args:
        roc: model -> false and true positive rates, each (n,).
        precision_recall: model -> recall and precision, each (n,).
        calibration: model -> mean probability, share of diagonals and number of images of
            each bin of probabilities, each (bins,).
    """
    figure = titled(
        3.5, "How models rank the validation images, and what their probabilities are worth"
    )
    left, middle, right = figure.subplots(1, 3)
    for name, (color, marker) in MODELS.items():
        look = {"color": color, "marker": marker, "markersize": 4, "clip_on": False}
        left.plot(*roc[name], **look, label=name)
        middle.plot(*precision_recall[name], **look)
        probability, share, count = calibration[name]
        look = {"color": color, "marker": marker, "alpha": 0.8, "clip_on": False}
        right.scatter(probability, share, s=8 + 100 * count / count.sum(), **look)
    for axes in (left, right):
        axes.plot([0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1, zorder=0)
    left.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate")
    middle.set(title="Precision and recall", xlabel="recall", ylabel="precision")
    right.set(
        title="Calibration (size: images)", xlabel="probability given", ylabel="share of diagonals"
    )
    for axes in (left, middle, right):
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def confusion(counts: Mapping[str, np.ndarray], threshold: float) -> Figure:
    """Draw confusion matrices: model -> counts (2, 2), rows actual, columns predicted."""
    total = next(iter(counts.values())).sum()
    figure = titled(3.3, f"Right and wrong on {total} validation images, threshold {threshold:g}")
    grid = figure.subplots(1, len(counts), sharey=True)
    names = [name for name, *_ in CLASSES]
    for axes, (model, matrix) in zip(grid, counts.items(), strict=True):
        axes.imshow(matrix, cmap="Greys", vmin=0, vmax=total)
        for (actual, predicted), count in np.ndenumerate(matrix):
            color = "white" if count > total / 2 else "black"
            weight = "bold" if actual == predicted else "normal"
            look = {"color": color, "weight": weight, "size": 16, "ha": "center", "va": "center"}
            axes.text(predicted, actual, count, **look)
        axes.set_title(f"{model}: {np.trace(matrix) / total:.0%} right")
        axes.set(xlabel="predicted", xticks=(0, 1), xticklabels=names)
        axes.set(yticks=(0, 1), yticklabels=names)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    grid[0].set_ylabel("actual")
    return figure


def predicted_patterns(
    images: np.ndarray,
    labels: np.ndarray,
    probability: Mapping[str, np.ndarray],
    threshold: float,
) -> Figure:
    """Draw what each model says of each distinct image; what is wrong is ringed.

    Args:
        images: (n, S, S), 0 is black.
        labels: 0 or 1, (n,).
        probability: model -> of label 1, (n,).
        threshold: label 1 is predicted above it.
    """
    wrong = {name: (p > threshold) != labels for name, p in probability.items()}
    errors = ", ".join(f"{name} {mask.sum()}" for name, mask in wrong.items())
    rows = min(-(-len(images) // ROW), ROWS)
    figure = titled(0.9 + 3 * rows, f"Misclassified of {len(images)} patterns: {errors}")
    for row, axes in enumerate(figure.subplots(rows, 1, squeeze=False)[:, 0]):
        shown = slice(row * ROW, (row + 1) * ROW)
        places = np.arange(len(images[shown]))
        axes.axhline(threshold, color=GRAY, linewidth=1, linestyle="--")
        axes.vlines(places, 0, 1, color="#EEEEEE", linewidth=1, zorder=0)
        for shift, name in zip((-0.22, 0, 0.22), probability, strict=True):
            x, p = places + shift, probability[name][shown]
            color, marker = MODELS[name]
            axes.scatter(x, p, color=color, marker=marker, s=30, label=name, clip_on=False)
            mine = wrong[name][shown]
            look = {"facecolor": "none", "edgecolor": "black", "s": 110, "clip_on": False}
            axes.scatter(x[mine], p[mine], label="wrong" if shift > 0 else None, **look)
        for place, image, label in zip(places, images[shown], labels[shown], strict=True):
            _thumbnail(axes, place, image, CLASSES[label][1])
        axes.set(xlim=(-0.6, ROW - 0.4), ylim=(0, 1), xticks=[])
        axes.set_ylabel("probability of\nbeing diagonal")
        axes.set_title("diagonal is what lies above the dashed threshold, not what lies at it")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    return figure


def _thumbnail(axes, place: int, image: np.ndarray, color: str) -> None:
    """Put a small picture below the axis, as its tick."""
    picture = OffsetImage(image, zoom=16 / len(image), cmap="gray", interpolation="nearest")
    frame = {"edgecolor": color, "linewidth": 2, "boxstyle": "square,pad=0"}
    box = AnnotationBbox(
        picture, (place, 0), xybox=(0, -8), boxcoords="offset points", box_alignment=(0.5, 1),
        pad=0, bboxprops=frame, annotation_clip=False,
    )  # fmt: skip
    axes.add_artist(box)
