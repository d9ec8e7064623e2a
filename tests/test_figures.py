"""What is drawn: in whole, of what the data are, with an entry in the table of figures."""

import json
import re
import subprocess
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from diagonal.claims import boundaries_figures as boundaries
from diagonal.claims import training_figures as training
from diagonal.evaluation import figures as evaluation
from diagonal.feature_space import animation
from diagonal.feature_space.figures import Journey
from diagonal.feature_space.representations import view
from diagonal.lines import figures as lines
from diagonal.lines.channels import color_bands, grayscale
from diagonal.lines.images import generate_dataset
from diagonal.lines.patterns import distinct
from diagonal.pipeline import files
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.style import CLASSES, style, titled
from diagonal.training.history import shown_epochs
from diagonal.training.models import network

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


# Drawing


@pytest.mark.parametrize("size", [2, 5, 28])
def test_images_of_any_size_are_drawn(size, tmp_path):
    pictures, labels = generate_dataset(size, 300, seed=1)
    first, pattern = distinct(pictures, labels)
    counts, pictures = np.bincount(pattern), pictures[:, 0]
    bands = color_bands(5)
    color = np.stack(bands, axis=-1)
    said = dict.fromkeys(MODELS, labels[first] * 0.5)
    drawn = [
        lines.samples(pictures, labels),
        lines.pattern_counts(pictures[first], labels[first], counts),
        lines.patterns_by_split(pictures[first], labels[first], counts, counts * 0, counts > 0),
        lines.channels(bands, grayscale(color), color),
        lines.preparation({"as drawn": pictures[0], "half": pictures[0] / 2}),
        evaluation.predicted_patterns(pictures[first], labels[first], said, 0.5),
        evaluation.weights_as_pixels(
            {"a": np.eye(4, size**2), "b": -np.ones((1, size**2))}, (1, size, size)
        ),
    ]
    for number, figure in enumerate(drawn):
        files.write_figure(tmp_path / f"{number}.png", figure)
        with Image.open(tmp_path / f"{number}.png") as picture:
            assert picture.width == 960


def test_a_grid_has_a_row_for_every_ten_images_that_are_begun():
    def height(n):
        figure = lines.image_grid(np.eye(5)[None].repeat(n, 0), np.zeros(n, int), ["one"] * n, "")
        return figure.get_figheight()

    (one,) = {height(n) for n in (1, 10)}
    (two,) = {height(n) for n in (11, 20)}
    assert height(21) - two == pytest.approx(two - one)
    assert two > one
    assert height(100) == height(101) == pytest.approx(one + 9 * (two - one))


@pytest.mark.parametrize(
    ("size", "numbered"), [(5, True), (lines.READABLE, True), (lines.READABLE + 1, False)]
)
def test_pixels_are_numbered_while_the_numbers_can_be_read(size, numbered):
    image = np.eye(size)
    for axes in lines.preparation({"as drawn": image, "flipped": image[::-1]}).axes:
        assert len(axes.texts) == (size * size if numbered else 0)


@pytest.mark.parametrize("too_many", [0, 1])
def test_layers_share_a_row_while_they_fit(too_many):
    last = evaluation.COLUMNS - 3 + too_many
    layers = {"a": np.ones((3, 4)), "b": np.ones((last, 4))}
    *cells, _ = evaluation.weights_as_pixels(layers, (1, 2, 2)).axes
    titles = [axes.get_title(loc="left") for axes in cells]
    assert titles.index("b") == (evaluation.COLUMNS if too_many else 3)


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
    counts = np.array([[3, 1], [0, 2]])
    figure = lines.classes_in_batches({"a": counts, "b": counts})
    assert figure.axes[0].get_title() == "a: 3 of 6 drawn are diagonal"

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
    said = dict(zip(MODELS, np.eye(3)[:, :2], strict=True))
    figure = evaluation.predicted_patterns(pictures, labels, said, 0.5)
    assert figure.get_suptitle() == "Misclassified of 2 patterns: logistic 2, deepish 0, relu 1"
    figure = evaluation.confusion(dict.fromkeys(MODELS, np.array([[30, 10], [5, 55]])), 0.25)
    assert figure.get_suptitle() == "Right and wrong on 100 validation images, threshold 0.25"
    assert figure.axes[0].get_title() == "logistic: 85% right"


MORE, LESS, EVEN = ({"low": low, "high": low + 0.2} for low in (0.1, -0.3, -0.1))


@pytest.mark.parametrize(
    ("shallow", "deep", "narrow", "wide", "units", "layers"),
    [
        (MORE, MORE, LESS, LESS, "more often", "less often"),
        (MORE, EVEN, EVEN, EVEN, "more often with 1 layer and about as often with 3 layers",
         "about as often"),
        (EVEN, EVEN, LESS, MORE, "about as often",
         "less often with 2 units and more often with 20 units"),
    ],
)  # fmt: skip
def test_the_parabolas_title_says_where_units_and_layers_help(
    shallow, deep, narrow, wide, units, layers
):
    def proportion(x):
        return {"proportion": x, "low": x, "high": x}

    grid = {depth: {width: proportion(0.5) for width in ("2", "20")} for depth in ("1", "3")}
    differences = {"wide_minus_narrow_shallow": shallow, "wide_minus_narrow_deep": deep}
    differences |= {"deep_minus_shallow_narrow": narrow, "deep_minus_shallow_wide": wide}
    networks = {"relu": {**proportion(0.5), "drawn_seed_separates": True}}
    table = pd.DataFrame(
        [("grid", "relu", "2", 0, 0), ("relu", "relu", "2", 0, 0)],
        columns=["network", "activation", "hidden", "seed", "drawn"],
    )
    metrics = {"grid": grid, "networks": networks, "differences": differences}
    figure = boundaries.parabolas(table, metrics)
    assert figure.get_suptitle() == (
        f"With relu, more units separate the parabolas {units},\nmore layers {layers}"
    )


@pytest.mark.parametrize(
    ("ratios", "named"),
    [((-0.9, -1.1), "tanh"), ((-2, -2), "sigmoid and tanh"), ((-0.5, -0.5), "no activation")],
)
def test_a_gradient_vanishes_below_a_tenth_in_the_deepest_network(ratios, named):
    rows = [
        (epoch, depth, activation, ratio if depth == 8 else -3)
        for activation, ratio in zip(("sigmoid", "tanh"), ratios, strict=True)
        for depth in (1, 8)
        for epoch in (0, 10)
    ]
    columns = ["epoch", "hidden_layers", "activation", "log10_ratio"]
    figure = training.gradients(pd.DataFrame(rows, columns=columns))
    assert figure.get_suptitle().endswith(f"it vanishes with {named}")


def test_the_bars_of_a_distribution_hold_every_seed_and_none_is_on_an_edge():
    random = np.random.default_rng(0)
    tables = {
        name: pd.DataFrame(random.random((200, 2)).round(1), columns=columns)
        for name in MODELS
        for columns in [["population_loss", "population_accuracy"]]
    }
    runs = {name: {"loss": 0.34, "accuracy": 0.5} for name in tables}
    shares = {key: {"proportion": 0.25} for key in evaluation.SHARES}
    means = {key: {"mean": {"low": 0.4, "high": 0.45}} for key in ("loss", "accuracy")}
    summaries = {name: {"population": means, **shares} for name in tables}
    figure = evaluation.distributions(tables, summaries, runs)
    for axes in figure.axes:
        *bars, interval = axes.patches
        assert (interval.get_x(), interval.get_width()) == pytest.approx((0.4, 0.05))
        assert sum(bar.get_height() for bar in bars) == 200
        edges = np.array([bar.get_x() for bar in bars])
        np.testing.assert_allclose(edges * 1e6 % 1, 0.5, atol=1e-3)  # numbers have 6 decimals


def test_a_users_settings_do_not_reach_the_style():
    matplotlib.rcParams["font.size"] = 40
    with style():
        assert matplotlib.rcParams["font.size"] == 11
    assert matplotlib.rcParams["font.size"] == 40


def test_colours_and_markers_tell_classes_and_models_apart():
    looks = [look for _, *look in [*CLASSES, *((None, *each[1:]) for each in MODELS.values())]]
    assert len({color for color, _ in looks}) == len({marker for _, marker in looks}) == 5


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


def test_a_frame_is_the_figure_drawn_whole():
    """What moves lies below the lines of the axes, as it does in a single picture."""
    figure = titled(2, " ")
    with_axes, without = figure.subplots(1, 2)
    without.set_axis_off()
    images = [
        axes.imshow(np.zeros((2, 2)), vmin=0, vmax=1, cmap="Greys", aspect="auto")
        for axes in (with_axes, without)
    ]

    def show(value):
        for image in images:
            image.set_data(np.full((2, 2), value))
        return images

    frame = animation.record(figure, show, [(0.0,), (0.2,)])[-1].convert("L")
    for image in images:
        image.set_animated(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    whole = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()).convert("L")
    np.testing.assert_allclose(np.asarray(frame, int), np.asarray(whole, int), atol=40)


@pytest.mark.parametrize("n_epochs", [1, 7, 30, 300])
def test_shown_epochs_run_from_before_the_first_to_the_last(n_epochs):
    epochs = shown_epochs(n_epochs)
    assert (epochs[0], epochs[-1]) == (0, n_epochs)
    assert np.ptp(np.diff(epochs)) <= 1


# What is committed


def test_the_balanced_epoch_that_is_drawn_is_the_one_that_is_reported():
    table = files.read_table(
        ROOT / "plots/balance/batches.csv", "balanced_straight", "balanced_diagonal"
    )
    straight, diagonal = table.sum()
    reported = json.loads((ROOT / "metrics/balance.json").read_text())
    assert diagonal / (straight + diagonal) == reported["diagonals_in_first_epoch"]


def test_the_table_of_figures_lists_every_picture_and_its_stage():
    rows = re.findall(r"\| `(plots/\S+)` \| (\w+) \|", (ROOT / "docs/figures.md").read_text())
    assert sorted(name for name, _ in rows) == PICTURES
    for name, stage in rows:
        first, second = Path(name).parts[1:3]
        assert stage == (f"claims_{second}" if first == "claims" else first)


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
