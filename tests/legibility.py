"""Whether what stands in a figure can be read, by the extents that matplotlib itself draws at."""

import warnings
from collections.abc import Iterator
from itertools import combinations
from unittest import mock

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOUCH = 2  # pixels by which boxes may reach into each other: no letter fills its box
GAP = 3  # pixels between words at least


def faults(figure: Figure) -> list[str]:
    """Draw a figure and tell what in it cannot be read, a line each.

    That is: text that is cut off, lies on other text or on a part of a picture, or reaches into
    another panel; pictures on others; a legend on data; a layout that matplotlib gives up.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        texts = drawn_texts(figure)
    found = [" ".join(str(each.message).split()) for each in caught]
    pictures = list(_pictures(figure))
    own = {text: axes for axes in figure.axes for text in axes.findobj(Text)}
    for text, box in texts:
        if not _within(box, figure.bbox):
            found.append(f"{_quoted(text)} is cut off")
        if any(_overlap(box, each) and not _within(box, each) for each in pictures):
            found.append(f"{_quoted(text)} lies on a part of a picture")
        others = (axes for axes in figure.axes if axes.axison and axes is not own.get(text))
        if any(_overlap(box, axes.bbox) for axes in others):
            found.append(f"{_quoted(text)} reaches into another panel")
    for (one, box), (other, other_box) in combinations(texts, 2):
        if _overlap(box, other_box, -GAP):
            found.append(f"{_quoted(one)} lies on {_quoted(other)}")
    if any(_overlap(*pair) for pair in combinations(pictures, 2)):
        found.append("pictures lie on each other")
    found += ["a legend lies on data" for axes in figure.axes if _legend_on_data(axes)]
    return list(dict.fromkeys(found))


def drawn_texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Draw a figure; return every text that can be seen in it, with its box in pixels."""
    found = []

    def draw(text, renderer, draw=Text.draw):
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            found.append((text, Text.get_window_extent(text, renderer)))

    with mock.patch.object(Text, "draw", draw):
        FigureCanvasAgg(figure).draw()
    return found


def _pictures(figure: Figure) -> Iterator[Bbox]:
    for axes in figure.axes:
        yield from (image.get_window_extent() for image in axes.images)
        boxes = (each for each in axes.artists if isinstance(each, AnnotationBbox))
        yield from (box.get_window_extent() for box in boxes)


def _legend_on_data(axes: Axes) -> bool:
    legend = axes.get_legend()
    if legend is None:
        return False
    box = legend.get_window_extent()
    lines = (line.get_transform().transform_path(line.get_path()) for line in axes.lines)
    points = (
        each.get_offset_transform().transform(each.get_offsets()) for each in axes.collections
    )
    return (
        any(line.intersects_bbox(box, filled=False) for line in lines)
        or any(box.contains(*point) for each in points for point in each)
        or any(box.overlaps(bar.get_window_extent()) for bar in axes.patches)
    )


def _overlap(one: Bbox, other: Bbox, across: float = TOUCH) -> bool:
    """Tell whether boxes share more than they may: across, in pixels, and TOUCH upwards."""
    return (
        min(one.x1, other.x1) - max(one.x0, other.x0) > across
        and min(one.y1, other.y1) - max(one.y0, other.y0) > TOUCH
    )


def _within(inner: Bbox, outer: Bbox) -> bool:
    return (
        inner.x0 >= outer.x0 - TOUCH
        and inner.y0 >= outer.y0 - TOUCH
        and inner.x1 <= outer.x1 + TOUCH
        and inner.y1 <= outer.y1 + TOUCH
    )


def _quoted(text: Text) -> str:
    return repr(" ".join(text.get_text().split()))
