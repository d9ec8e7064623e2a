"""What is drawn: true to the data, with an entry in the table of figures."""

import re
import subprocess
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from diagonal.figures import evaluation, lines
from diagonal.figures.style import CLASSES, LOOKS, style
from diagonal.pipeline.models import MODELS
from diagonal.training.history import shown_epochs

ROOT = Path(__file__).parents[1]
PICTURES = sorted(
    name
    for name in subprocess.run(
        ["git", "ls-files", "plots", "study/plots"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
    if name.endswith((".png", ".gif"))
)


@pytest.fixture(autouse=True)
def styled():
    with style():
        yield


def test_pixels_are_numbered_while_the_numbers_can_be_read():
    for size, n_numbers in ((lines.READABLE, lines.READABLE**2), (lines.READABLE + 1, 0)):
        figure = lines.preparation({"as drawn": np.eye(size), "flipped": np.eye(size)})
        assert [len(axes.texts) for axes in figure.axes] == [n_numbers] * 2


def test_titles_follow_the_data():
    pictures, labels = np.zeros((2, 5, 5)), np.array([0, 1])
    figure = lines.pattern_counts(pictures, labels, np.array([4, 9]))
    title = "Only 2 of 13 images are distinct; each occurs 4 to 9 times"
    assert figure.get_suptitle() == title
    title = "1 of the 2 patterns in validation were seen in training"
    for seen, more in (([True, False], ""), ([True, True], ", 1 more mirrored")):
        figure = lines.patterns_by_split(pictures, labels, np.r_[4, 0], np.r_[2, 1], np.array(seen))
        assert figure.get_suptitle() == title + more

    probability = dict.fromkeys(MODELS, np.array([0.0, 1.0])) | {"relu": np.array([1.0, 0.5])}
    figure = evaluation.predicted_patterns(pictures, labels, probability, 0.5)
    assert "2 patterns: logistic 0, deepish 0, relu 2 (1 undecided)" in figure.get_suptitle()
    counts = dict.fromkeys(MODELS, np.array([[30, 10], [5, 55]]))
    figure = evaluation.confusion(counts, dict.fromkeys(MODELS, 0.4), 0.25)
    assert figure.get_suptitle() == "Right and wrong on 100 validation images, threshold 0.25"
    assert figure.axes[0].get_title() == "logistic: 85% right,\n40% undecided"


def test_a_users_settings_do_not_reach_the_style():
    matplotlib.rcParams["font.size"] = 40
    with style():
        assert matplotlib.rcParams["font.size"] == 11
    assert matplotlib.rcParams["font.size"] == 40


def test_colours_and_markers_tell_classes_and_models_apart():
    assert list(LOOKS) == list(MODELS)
    looks = [*CLASSES, *LOOKS.values()]
    for kind in zip(*looks, strict=True):
        assert len(set(kind)) == len(looks)


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
