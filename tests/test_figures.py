"""What is drawn: readable, true to the data, with an entry in the table of figures."""

import re
import shutil
import subprocess
from pathlib import Path
from unittest import mock

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import LECTURE, run_stages, write_params
from legibility import faults
from PIL import Image

from diagonal.feature_space.representations import view
from diagonal.figures import animation, evaluation, lines
from diagonal.figures.feature_space import Journey
from diagonal.figures.style import CLASSES, LOOKS, style, titled
from diagonal.pipeline import files
from diagonal.pipeline.models import MODELS
from diagonal.training.history import shown_epochs
from diagonal.training.models import network
from stages import feature_space

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


# The eight stages' pictures


@pytest.mark.parametrize(
    ("size", "hidden", "n_images", "threshold"),
    [
        (5, [8, 4, 2], 60, 0.5),
        pytest.param(2, [1], 300, 0.1, marks=pytest.mark.slow),
        pytest.param(28, [64, 64], 300, 0.9, marks=pytest.mark.slow),
    ],
)
def test_what_stands_in_a_picture_can_be_read(
    tmp_path, monkeypatch, size, hidden, n_images, threshold
):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    epochs = {f"train_{name}.n_epochs": 5 for name in MODELS}
    layers = {f"train_{name}.hidden": hidden for name, model in MODELS.items() if model.hidden}
    data = {"generate.img_size": size, "generate.n_images": n_images}
    others = {"evaluate.threshold": threshold, "train.batch_size": 8}
    write_params(tmp_path / "params.yaml", epochs | layers | data | others)
    found, record = {}, feature_space.record

    def look(path, figure):
        assert figure.bbox.width == 960
        found[str(path)] = faults(figure)

    def look_at_frames(figure, show, steps):
        steps = list(steps)
        frames = record(figure, show, steps)
        for place in (0, len(steps) - 1):
            for artist in show(*steps[place]):
                artist.set_animated(False)
            look(f"{place}.png", figure)
        return frames

    monkeypatch.setattr(files, "write_figure", look)
    with mock.patch.object(feature_space, "record", look_at_frames):
        run_stages(tmp_path, *LECTURE)
    expected = [name for name in PICTURES if re.match(r"plots/.*png", name)]
    assert len(found) >= len(expected) + 2
    assert {path: faults for path, faults in found.items() if faults} == {}


# Drawing


@pytest.mark.parametrize(
    ("size", "numbered"), [(5, True), (lines.READABLE, True), (lines.READABLE + 1, False)]
)
def test_pixels_are_numbered_while_the_numbers_can_be_read(size, numbered):
    image = np.eye(size)
    for axes in lines.preparation({"as drawn": image, "flipped": image[::-1]}).axes:
        assert len(axes.texts) == (size * size if numbered else 0)


def test_a_journey_keeps_nothing_of_the_epoch_before():
    points, labels = np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3)
    model = network([4, 2, 1], "relu", seed=0, dtype=torch.float64)
    shown = view(model, "hidden0", points, 0.5)
    journey = Journey("hidden 0", shown, labels, 0.5)
    step = (shown, np.linspace(0, 1, 6), labels == 1, "an epoch")
    first = {type(each).__name__ for each in journey.show(*step)}
    n_artists = len(journey.figure.findobj())
    assert {type(each).__name__ for each in journey.show(*step)} == first
    assert len(journey.figure.findobj()) == n_artists


def test_titles_follow_the_data():
    pictures, labels = np.zeros((2, 5, 5)), np.array([0, 1])
    figure = lines.pattern_counts(pictures, labels, np.array([4, 9]))
    title = "Only 2 of 13 images are distinct; each occurs 4 to 9 times"
    assert figure.get_suptitle() == title
    title = "1 of the 2 patterns in validation were seen in training"
    for seen, more in (([True, False], ""), ([True, True], ", 1 more mirrored")):
        figure = lines.patterns_by_split(pictures, labels, np.r_[4, 0], np.r_[2, 1], np.array(seen))
        assert figure.get_suptitle() == title + more

    losses = {
        name: pd.DataFrame({"loss": [1.0, 1.0], "val_loss": [9.0, end]})
        for name, end in (("logistic", 1.0), ("relu", 0.25))
    }
    figure = evaluation.loss_comparison(losses)
    assert figure.get_suptitle() == "Validation loss ends at 1.000 (logistic), 0.250 (relu)"
    figure = evaluation.two_weightings(np.array([0.0, 1.0]), np.array([0.5, 1.0]))
    assert "at most 0.500" in figure.get_suptitle()
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


def test_an_animation_shows_its_steps_in_order(tmp_path):
    figure = titled(2, " ")
    axes = figure.subplots()
    (line,) = axes.plot([0], [0], "ks", markersize=30)
    axes.set(xlim=(0, 4), ylim=(-1, 1))

    def show(place):
        line.set_data([place], [0])
        return [line]

    steps = [(place,) for place in (0.5, 1.5, 2.5, 3.5)]
    frames = animation.record(figure, show, steps)
    files.write_animation(tmp_path / "a.gif", frames, milliseconds=50, hold=200)
    with Image.open(tmp_path / "a.gif") as shown:
        assert shown.n_frames == 4
        centres = []
        for number in range(4):
            shown.seek(number)
            dark = np.asarray(shown.convert("L"))[60:180, 120:900] < 100
            centres.append(np.nonzero(dark)[1].mean())
            assert shown.info["duration"] == (200 if number == 3 else 50)
    assert (np.diff(centres) > 50).all()


@pytest.mark.parametrize("n_epochs", [1, 300])
def test_shown_epochs_run_from_before_the_first_to_the_last(n_epochs):
    epochs = shown_epochs(n_epochs)
    assert (epochs[0], epochs[-1]) == (0, n_epochs)
    assert np.ptp(np.diff(epochs)) <= 1


# What is committed


def test_the_table_of_figures_lists_every_picture_and_its_stage():
    """But for the picture of a model that somebody has added."""
    table = (ROOT / "docs/figures.md").read_text()
    rows = dict(re.findall(r"\| `((?:study/)?plots/\S+)` \| (\w+) \|", table))
    added = {f"plots/feature_space/{name}.png" for name in MODELS} - rows.keys()
    assert sorted(rows) == [name for name in PICTURES if name not in added]
    for name, stage in rows.items():
        first, second = name.removeprefix("study/").split("/")[1:3]
        assert stage == (f"claims_{second}" if first == "claims" else first)


def test_pictures_are_of_one_width_and_carry_no_version():
    kept = {"dpi", "version", "background", "loop", "duration", "extension"}
    for name in PICTURES:
        with Image.open(ROOT / name) as picture:
            assert picture.width == 960
            assert set(picture.info) <= kept
            assert name.endswith(".png") or picture.info["version"] == b"GIF89a"
        assert (ROOT / name).stat().st_size < 2e6
