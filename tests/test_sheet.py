"""Pictures at other parameters: what in them cannot be read is found, and nothing is."""

import numpy as np
import pytest
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from checks import sheet
from checks.legibility import drawn_texts, faults
from diagonal.pipeline.style import spread, style, titled

POINTS = ("64px_64-1-64-64", "own_3_channels", "parabolas_large", "claims_large")


@pytest.fixture
def figure():
    with style():
        yield titled(3.0, "A title")


def axes_of(figure):
    axes = figure.subplots()
    axes.plot([1, 2, 3], [1, 2, 3], label="a line")
    axes.set(xlabel="epoch", xticks=[1, 2, 3])
    return axes


def cut_off(figure):
    figure.suptitle("long " * 50)


def one_on_the_other(figure):
    for x in (0.4, 0.41):
        axes_of(figure).text(x, 0.5, f"text at {x}")


def into_the_next_panel(figure):
    left, _ = figure.subplots(1, 2)
    left.text(1.05, 0.5, "a text that goes on", transform=left.transAxes, in_layout=False)


def across_the_edge_of_a_picture(figure):
    axes = figure.subplots()
    axes.imshow(np.zeros((2, 2)), aspect="auto")
    axes.text(1.5, 0, "half of it", ha="center")


def pictures_on_each_other(figure):
    axes = axes_of(figure)
    for x in (2.0, 2.01):
        axes.add_artist(AnnotationBbox(OffsetImage(np.zeros((20, 20))), (x, 2)))


def legend_on_a_line(figure):
    axes_of(figure).legend(loc="lower left")


def legend_on_thin_bars(figure):
    axes = axes_of(figure)
    axes.bar(np.linspace(1, 3, 900), 3, width=0.001)
    axes.legend(loc="upper left")


def fractions_of_epochs(figure):
    axes_of(figure).set_xticks([1, 1.5, 2])


def tiny_letters(figure):
    axes_of(figure).text(1, 3, "tiny", fontsize=2)


def no_room(figure):
    figure.subplots(1, 20)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (cut_off, "is cut off"),
        (one_on_the_other, "'text at 0.4' lies on 'text at 0.41'"),
        (into_the_next_panel, "'a text that goes on' reaches into another panel"),
        (across_the_edge_of_a_picture, "'half of it' lies on a part of a picture"),
        (pictures_on_each_other, "pictures lie on each other"),
        (legend_on_a_line, "a legend lies on data"),
        (legend_on_thin_bars, "a legend lies on data"),
        (fractions_of_epochs, "epoch counted by 0.5"),
        (tiny_letters, "'tiny' has letters of 2.0 points"),
        (no_room, "a panel has"),
    ],
)
def test_what_cannot_be_read_is_found(figure, spoil, words):
    spoil(figure)
    assert any(words in fault for fault in faults(figure))


def test_what_can_be_read_is_none_of_it(figure):
    axes_of(figure).legend(loc="upper left")
    assert faults(figure) == []


def test_texts_are_those_that_are_drawn(figure):
    axes = axes_of(figure)
    axes.set(xlim=(0.5, 2.5), yticks=[])
    axes.text(1, 1, "hidden", visible=False)
    texts = [text.get_text() for text, _ in drawn_texts(figure)]
    assert sorted(texts) == ["1", "2", "A title", "epoch"]


@pytest.mark.parametrize(("n", "most"), [(1, 5), (5, 5), (6, 5), (381, 100)])
def test_what_is_shown_is_spread_from_the_first_to_the_last(n, most):
    shown = spread(n, most)
    assert (shown[0], shown[-1], len(shown)) == (0, n - 1, min(n, most))
    assert np.ptp(np.diff(shown)) <= 1 if n > 1 else True


@pytest.mark.parametrize("name", POINTS)
def test_pictures_can_be_read_at_other_parameters(name, tmp_path):
    found = sheet.drawn(sheet.points()[name], tmp_path)
    assert found
    assert {path: each for path, each in found.items() if each} == {}
