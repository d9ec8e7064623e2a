"""Pictures of images: samples, patterns, channels, on their way to a tensor, in mini-batches."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from diagonal.figures.style import CLASSES, GRAY, WIDTH, spaced, titled, whole_ticks
from diagonal.pipeline.data import LINES

SHOWN = 100  # images in a grid at most
READABLE = 10  # height and width in pixels up to which numbers fit into the cells
BATCHES = 150  # mini-batches that are drawn at most


def samples(images: np.ndarray, labels: np.ndarray, n: int = 30) -> Figure:
    """Draw the first n of images (N, S, S) with their labels (N,)."""
    captions = [f"{number}: label {label}" for number, label in enumerate(labels[:n])]
    title = f"The first {len(captions)} of {len(images)} images: diagonals have label 1"
    return image_grid(images[:n], labels[:n], captions, title)


def pattern_counts(images: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> Figure:
    """Draw distinct images (n, S, S) with how often each occurs, counts (n,)."""
    title = f"Only {len(images)} of {counts.sum()} images are distinct; each occurs"
    title += f" {counts.min()} to {counts.max()} times"
    return image_grid(images, labels, [f"{count} times" for count in counts], title)


def patterns_by_split(images, labels, train, val, seen, names=LINES) -> Figure:
    """Draw distinct images (n, S, S) with their numbers in training and validation, each (n,).

    Labels are 0 or 1, (n,); `seen` tells which images training shows, be it mirrored, bool (n,).
    """
    used, as_drawn = val > 0, train > 0
    n_seen, n_mirrored = (used & as_drawn).sum(), (used & seen & ~as_drawn).sum()
    title = f"{n_seen} of the {used.sum()} patterns in validation were seen in training"
    title += f", {n_mirrored} more mirrored" if n_mirrored else ""
    captions = [f"{a or 'no'} train\n{b or 'no'} val" for a, b in zip(train, val, strict=True)]
    return image_grid(images, labels, captions, title, names)


def image_grid(images: np.ndarray, labels: np.ndarray, captions: Sequence[str], title, names=LINES):
    """Draw images (n, S, S) in rows of ten, each in a frame of its class's colour.

    Labels (n,), 0 or 1, have names. At most 100 images are drawn, with a line or two below each.
    """
    shown, lines = spaced(len(images), SHOWN), captions[0].count("\n") + 1
    step = 1.15 + 0.24 * lines  # from row to row, in units of an image's width
    rows = -(-len(shown) // 10)
    cell = WIDTH / (10 * 1.2)  # inches per unit
    title += f"\n({SHOWN} of {len(images)} are shown)" * (len(images) > SHOWN)
    figure = titled(0.65 + cell * step * rows, title)
    axes = figure.subplots()
    look = {"width": 1, "height": 1, "fill": False, "linewidth": 3}
    frames = [{**look, "edgecolor": color} for color, _ in CLASSES]
    for place, number in enumerate(shown):
        image, label, caption = images[number], labels[number], captions[number]
        x, y = 1.2 * (place % 10), -step * (place // 10)
        axes.imshow(image, cmap="gray", extent=(x, x + 1, y, y + 1), interpolation="auto")
        axes.add_patch(Rectangle((x, y), **frames[label]))
        axes.text(x + 0.5, y - 0.08, caption, ha="center", va="top", fontsize=9)
    axes.set(xlim=(-0.1, 11.9), ylim=(1.07 - step * rows, 1.05))
    axes.set_aspect("equal")
    axes.set_axis_off()
    handles = [Rectangle((0, 0), **frame) for frame in frames]
    figure.legend(handles, names, loc="outside lower center", ncols=2, handlelength=1.2)
    return figure


def channels(bands: Sequence, gray: np.ndarray, color: np.ndarray, rows=("gray", "color")):
    """Draw the slides' channels: red, green and blue alone, and each as one of an image's three.

    Bands and gray are uint8 (S, S), color uint8 (S, S, 3). The rows are drawn in this order.
    """
    title = "Three channels make a colour, their weighted sum a gray"
    figure = titled(0.8 + 2.2 * len(rows), title)
    grid = dict(zip(rows, figure.subplots(len(rows), 4, squeeze=False), strict=True))
    names = ("Red", "Green", "Blue", "0.21R + 0.72G + 0.07B")
    for axes, name, band in zip(grid.get("gray", ()), names, (*bands, gray), strict=False):
        _pixels(axes, band, name, limits=(0, 255))
    names = ("as first channel", "as second channel", "as third channel", "RGB: all three")
    pictures = [*(np.where(np.arange(3) == place, color, 0) for place in range(3)), color]
    for axes, name, picture in zip(grid.get("color", ()), names, pictures, strict=False):
        axes.imshow(picture)
        axes.set_title(name)
        _as_picture(axes)
    return figure


def preparation(steps: Mapping[str, np.ndarray]) -> Figure:
    """Draw one image on its way through the transforms: step -> (S, S), each on its own scale."""
    figure = titled(2.9, "One image on its way to the network")
    for axes, (title, image) in zip(figure.subplots(1, len(steps)), steps.items(), strict=True):
        low, high = float(image.min()), float(image.max())
        _pixels(axes, image, title, (low, high))
        axes.set_xlabel(f"{image.dtype}, {low:.3g} to {high:.3g}", fontsize=10)
    return figure


def _pixels(axes, image: np.ndarray, title: str, limits: tuple[float, float]) -> None:
    """Draw an image (S, S) in gray, black and white at these limits, numbers in its cells."""
    axes.imshow(image, cmap="gray", vmin=limits[0], vmax=limits[1])
    axes.set_title(title)
    _as_picture(axes)
    if len(image) > READABLE:
        return
    for (row, column), value in np.ndenumerate(image):
        color = "black" if value > sum(limits) / 2 else "white"
        text = f"{value:.3g}"
        size = min(9, 45 / len(image)) * (1 if len(text) < 4 else 0.8)
        axes.text(column, row, text, color=color, fontsize=size, ha="center", va="center")


def _as_picture(axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=GRAY)


def classes_in_batches(epochs: Mapping[str, np.ndarray], names=LINES) -> Figure:
    """Draw how many images of both classes an epoch's mini-batches hold: title -> (batches, 2)."""
    figure = titled(4.6, "Classes in each mini-batch of an epoch, without and with weights")
    grid = figure.subplots(len(epochs), 1, sharex=True, sharey=True)
    for axes, (title, counts) in zip(grid, epochs.items(), strict=True):
        shown = counts[:BATCHES]
        batches = np.arange(1, len(shown) + 1)
        stacked = zip(names, CLASSES, shown.T, (0, shown[:, 0]), strict=True)
        for name, (color, _), counted, base in stacked:
            axes.bar(batches, counted, bottom=base, color=color, label=name, width=0.85)
        half = counts.sum(axis=1).max() / 2
        axes.axhline(half, color="white", linestyle="--", linewidth=1.5)
        axes.set_title(f"{title}: {counts[:, 1].sum()} of {counts.sum()} drawn are {names[1]}")
        axes.set(ylabel="images")
        whole_ticks(axes, "both")
    first = f", the first {BATCHES} of {len(counts):,}" if len(counts) > BATCHES else ""
    grid[-1].set_xlabel(f"mini-batch (dashed: half of it){first}")
    grid[-1].set_xlim(0.4, len(shown) + 0.6)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center")
    return figure
