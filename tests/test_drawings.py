"""What is drawn: in whole, of what the data are, with an entry in the table of figures."""

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import WeightedRandomSampler

from diagonal import balancing
from diagonal.evaluation import calibration, precision_recall_curve
from diagonal.feature_space import deciding_plane, view
from diagonal.figures import animation, evaluation, feature_space, images, training, weights
from diagonal.figures import balancing as balancing_figures
from diagonal.figures.style import style, titled
from diagonal.images import color_bands, distinct, generate_dataset, grayscale, rgb
from diagonal.inference import layers, probabilities
from diagonal.shell import files
from diagonal.streams import multinomial
from diagonal.training.history import shown_epochs

ROOT = Path(__file__).parents[1]
PICTURES = sorted(
    name
    for name in subprocess.run(
        ["git", "ls-files", "plots"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.splitlines()
    if name.endswith((".png", ".gif"))
)


@pytest.fixture(autouse=True)
def styled():
    with style():
        yield


# The epoch that balance draws


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
@pytest.mark.parametrize("n", [1, 7, 240, 3000])
def test_numpy_draws_the_epoch_that_torchs_sampler_draws(n, seed):
    sample_weights = np.random.default_rng(n).uniform(0.1, 1, n)
    generator = torch.Generator().manual_seed(seed)
    sampler = WeightedRandomSampler(sample_weights, n, replacement=True, generator=generator)
    expected = list(sampler)
    for at_once in (1, 100, n):
        drawn = np.concatenate(list(multinomial(sample_weights, n, seed, at_once)))
        np.testing.assert_array_equal(drawn, expected)


def test_batches_count_every_image_once():
    labels = np.array([1, 1, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(balancing.per_batch(labels, 3), [[1, 2], [2, 1], [0, 1]])


def test_the_first_epochs_batches_do_not_depend_on_how_many_are_drawn_at_once(monkeypatch):
    labels, weights = np.arange(1000) % 3 > 0, np.linspace(0.1, 1, 1000)
    whole = balancing.first_epoch(labels, weights, seed=5, batch_size=16)
    assert whole.sum(axis=1).tolist() == [16] * 62 + [8]
    monkeypatch.setattr(balancing, "DRAWN", 50)
    np.testing.assert_array_equal(balancing.first_epoch(labels, weights, 5, 16), whole)


def test_the_balanced_epoch_is_the_one_that_training_reports():
    _, columns = _table("plots/balance/batches.csv")
    drawn = json.loads((ROOT / "metrics/train_relu.json").read_text())["diagonals_drawn"]
    total = columns["balanced_straight"].sum() + columns["balanced_diagonal"].sum()
    assert columns["balanced_diagonal"].sum() / total == drawn


def _table(name):
    header = (ROOT / name).read_text().splitlines()[0].split(",")
    return header, dict(zip(header, files.read_table(ROOT / name, *header), strict=True))


# What stands behind the pictures


def test_distinct_images_are_sorted_and_numbered_back():
    pictures, labels = generate_dataset(5, 300, seed=13)
    first, pattern = distinct(pictures, labels)
    np.testing.assert_array_equal(pictures[first][pattern], pictures)
    counts = np.bincount(pattern)
    assert (np.diff(labels[first]) >= 0).all()
    for label in (0, 1):
        assert (np.diff(counts[labels[first] == label]) <= 0).all()


def test_calibration_bins_hold_every_image():
    labels, probability = np.array([0, 1, 1, 1]), np.array([0.0, 0.05, 0.5, 1.0])
    table = calibration(labels, probability, np.ones(4, int))
    assert table["images"].tolist() == [2, 1, 1]
    assert table["share"].tolist() == [0.5, 1, 1]
    np.testing.assert_allclose(table["probability"], [0.025, 0.5, 1])


def test_recall_rises_along_the_precision_recall_curve():
    recall, precision = precision_recall_curve(np.array([0, 1, 1]), np.array([0.2, 0.1, 0.9]))
    assert (np.diff(recall) >= 0).all()
    assert (recall[0], precision[0]) == (0, 1)
    assert recall[-1] == 1


def test_a_table_without_numbers_or_columns_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n3,oops\n")
    assert files.read_table(path, "x")[0].tolist() == [1, 3]
    for name, reason in (("y", "oops"), ("z", "no column 'z'")):
        with pytest.raises(files.InputError, match=reason):
            files.read_table(path, name)


def tail(sizes, rectified=False):
    """Draw a network of these numbers of units, without the layer that flattens."""
    random, last = np.random.default_rng(3), len(sizes) - 2
    weights = {
        f"hidden{place}.weight" if place < last else "output.weight": random.normal(
            size=(n_out, n_in)
        )
        for place, (n_in, n_out) in enumerate(pairwise(sizes))
    }
    return dict(list(layers(weights, rectified).items())[1:])


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_the_plane_is_where_the_network_gives_the_threshold(threshold):
    model = tail([3, 2, 1])
    box = np.array([[-9.0, -9, -9], [9, 9, 9]])
    corners = deciding_plane(model, box, threshold)
    said = probabilities(model, corners)
    np.testing.assert_allclose(said, threshold, atol=1e-5)
    on_an_edge = (np.isclose(abs(corners), 9)).sum(axis=1)
    assert (on_an_edge >= 2).all()


def test_there_is_no_plane_behind_a_relu_or_out_of_sight():
    box = np.array([[-1.0, -1, -1], [1, 1, 1]])
    bent, straight = tail([3, 2, 1], rectified=True), tail([3, 1])
    assert deciding_plane(bent, box, 0.5) is None
    assert deciding_plane(straight, box, 1 - 1e-9) is None
    assert deciding_plane(straight, box, 1) is None


@pytest.mark.parametrize("units", [1, 2, 3, 6])
def test_a_view_shows_all_points_and_what_is_decided(units):
    x = np.random.default_rng(0).uniform(-1, 1, (30, 9))
    model = tail([9, units, 1], rectified=True)
    points = model["hidden0"](x)
    seen = view(model, "hidden0", points, 0.5)
    low, high = seen.box
    assert ((seen.points > low) & (seen.points < high)).all()
    assert (seen.diagonal is None) == (units == 3)
    if units < 3:
        cells = np.round((seen.points - low) / (high - low) * (seen.diagonal.shape[-1] - 1))
        *rows, columns = cells.astype(int).T[::-1]
        said = seen.diagonal[rows[0] if rows else 0, columns]
        expected = probabilities(model, x) > 0.5
        assert (said == expected).mean() > 0.9


# Drawing


@pytest.mark.parametrize("size", [2, 5, 28])
def test_images_of_any_size_are_drawn(size, tmp_path):
    pictures, labels = generate_dataset(size, 300, seed=1)
    first, pattern = distinct(pictures, labels)
    counts, pictures = np.bincount(pattern), pictures[:, 0]
    bands = color_bands(5)
    color = rgb(*bands)
    drawn = [
        images.samples(pictures, labels),
        images.pattern_counts(pictures[first], labels[first], counts),
        images.patterns_by_split(pictures[first], labels[first], counts, counts * 0),
        images.channels(bands, grayscale(color), color),
        images.preparation({"as drawn": pictures[0], "half": pictures[0] / 2}),
        evaluation.predicted_patterns(
            pictures[first], labels[first], dict.fromkeys(MODELS, labels[first] * 0.5), 0.5
        ),
    ]
    for number, figure in enumerate(drawn):
        files.write_figure(tmp_path / f"{number}.png", figure)
        with Image.open(tmp_path / f"{number}.png") as picture:
            assert picture.width == 960


MODELS = ("logistic", "deepish", "relu")


def test_titles_follow_the_data():
    counts = {"a": np.array([[3, 1], [0, 2]])}
    figure = balancing_figures.classes_per_batch(counts | {"b": counts["a"]})
    assert figure.axes[0].get_title() == "a: 3 of 6 drawn are diagonal"
    losses = {"logistic": (np.ones(3), np.ones(3)), "relu": (np.ones(2), np.full(2, 0.25))}
    figure = training.loss_comparison(losses)
    assert figure.get_suptitle() == "Validation loss ends at 1.000 (logistic), 0.250 (relu)"
    figure = weights.two_weightings(np.array([0.0, 1.0]), np.array([0.5, 1.0]))
    assert "at most 0.500" in figure.get_suptitle()
    pictures, labels = np.zeros((2, 5, 5)), np.array([0, 1])
    figure = evaluation.predicted_patterns(
        pictures, labels, dict(zip(MODELS, np.eye(3)[:, :2], strict=True)), 0.5
    )
    assert figure.get_suptitle() == "Misclassified of 2 patterns: logistic 2, deepish 0, relu 1"


def test_the_styles_colours_are_what_a_users_settings_cannot_change():
    assert feature_space.CLASSES[0][1] == "#0072B2"
    import matplotlib

    matplotlib.rcParams["font.size"] = 40
    with style():
        assert matplotlib.rcParams["font.size"] == 11


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


@pytest.mark.parametrize("n_epochs", [1, 7, 30, 300])
def test_shown_epochs_run_from_before_the_first_to_the_last(n_epochs):
    epochs = shown_epochs(n_epochs)
    assert (epochs[0], epochs[-1]) == (0, n_epochs)
    assert np.ptp(np.diff(epochs)) <= 1


# What is committed


def test_the_table_of_figures_lists_every_picture_and_its_stage():
    rows = re.findall(r"\| `(plots/\S+)` \| (\w+) \|", (ROOT / "docs/figures.md").read_text())
    assert sorted(name for name, _ in rows) == PICTURES
    for name, stage in rows:
        assert Path(name).parent.name == stage


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_of_one_width_and_carry_no_version(name):
    path = ROOT / name
    with Image.open(path) as picture:
        assert picture.width == 960
        assert set(picture.info) <= {
            "dpi",
            "version",
            "background",
            "loop",
            "duration",
            "extension",
        }
        assert name.endswith(".png") or picture.info["version"] == b"GIF89a"
    assert path.stat().st_size < 2e6
