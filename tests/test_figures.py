"""What is drawn: true to the data, with an entry in the table of figures."""

import re
import subprocess
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from diagonal.figures import evaluation, lines
from diagonal.figures.style import style
from diagonal.pipeline.models import MODELS
from diagonal.training.history import shown_epochs

ROOT = Path(__file__).parents[1]
LIST = ["git", "-C", ROOT, "ls-files", "plots", "study/plots"]
LISTED = subprocess.check_output(LIST, text=True).splitlines()
PICTURES = sorted(name for name in LISTED if name.endswith((".png", ".gif")))


@pytest.fixture(autouse=True)
def styled():
    with style():
        yield


def test_pixels_are_numbered_while_the_numbers_can_be_read():
    for size, n_numbers in ((lines.READABLE, lines.READABLE**2), (lines.READABLE + 1, 0)):
        figure = lines.preparation({"as drawn": np.eye(size), "flipped": np.eye(size)})
        assert [len(axes.texts) for axes in figure.axes] == [n_numbers] * 2


def test_patterns_that_do_not_fit_into_a_row_are_drawn_below():
    n = evaluation.ROW + 3
    p = dict.fromkeys(MODELS, np.linspace(0, 1, n))
    figure = evaluation.predicted_patterns(np.ones((n, 2, 2)), np.arange(n) % 2, p, 0.5)
    assert [len(axes.artists) for axes in figure.axes] == [evaluation.ROW, 3]
    drawn = [np.array(axes.collections[1].get_offsets())[:, 1] for axes in figure.axes]
    np.testing.assert_allclose(np.concatenate(drawn), p["logistic"])


def test_a_users_settings_do_not_reach_the_style():
    matplotlib.rcParams["font.size"] = 40
    with style():
        assert matplotlib.rcParams["font.size"] == 11
    assert matplotlib.rcParams["font.size"] == 40


@pytest.mark.parametrize("n_epochs", [1, 300])
def test_shown_epochs_run_from_before_the_first_to_the_last(n_epochs):
    epochs = shown_epochs(n_epochs)
    assert (epochs[0], epochs[-1]) == (0, n_epochs)
    assert np.ptp(np.diff(epochs)) <= 1


def test_the_table_of_figures_lists_every_picture_and_its_stage():
    """But for the picture of a model that somebody has added."""
    table = (ROOT / "docs/figures.md").read_text()
    rows = dict(re.findall(r"\| `((?:study/)?plots/\S+)` \| (\w+) \|", table))
    added = {f"plots/feature_space/{name}.png" for name in MODELS} - rows.keys()
    assert sorted(rows) == [name for name in PICTURES if name not in added]
    for name, stage in rows.items():
        first, second = name.removeprefix("study/").split("/")[1:3]
        assert stage == (f"claims_{second}" if first == "claims" else first)
