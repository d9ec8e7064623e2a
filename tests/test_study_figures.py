"""The study's figures: their titles follow the numbers, and tables of any size are drawn."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from PIL import Image

from diagonal.figures import style as style_
from diagonal.pipeline.models import MODELS
from study.figures import boundaries, data, drawing, seeds, training
from study.params import load_study_params

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def styled():
    with style_.style():
        yield


def test_a_colour_means_one_thing():
    looks = {**drawing.NETWORK_LOOKS, **dict(enumerate(style_.CLASSES))}
    colors = [*(color for color, _ in looks.values()), style_.SKY, *style_.SIGNED([0.0, 1.0])]
    assert len({*map(to_hex, colors)}) == len(colors)


ORDER = {  # in which results are made and drawn; files have their keys sorted
    "training": (
        "logistic", "none", "sigmoid", "tanh", "relu", "leaky_relu", "prelu",
        "no_leak", "leak_0.01", "leak_0.1",
    ),
    "data": (
        *MODELS, "tanh", "balanced", "equal", "shuffled", "image", "pattern", "mirror_group",
        "off", "on", "straight", "up", "down", "weights", "batches", "data", "split", "training",
    ),
    "boundaries/one_matrix": (),
    "boundaries/bias": (*MODELS, "tanh", "prelu"),
    "boundaries/parabolas": (
        "1", "2", "5", "20", *(name for name, _ in load_study_params().parabolas.networks)
    ),
}  # fmt: skip
DRAWN = {  # picture -> how it is drawn from metrics and table
    "training/activation": lambda found, table: training.activation(found, found["rates"]),
    "training/convergence": lambda found, table: training.convergence(
        {which: of_rate(table, which) for which in ("lecture", "best")}, 0.3
    ),
    "training/gradients": lambda found, table: training.gradients(table),
    "training/dead_units": lambda found, table: training.dead_units(table, found),
    "training/batch_norm": lambda found, table: training.batch_norm(table),
    "training/prelu": lambda found, table: training.slopes(table.to_numpy()[:-1, 1:]),
    **{
        f"data/{draw.__name__}": lambda found, table, draw=draw: draw(found)
        for draw in (
            data.balancing, data.augmentation, data.test_time_augmentation, data.centring,
            data.three_classes,
        )
    },
    "data/variation": lambda found, table: data.variation(
        {design: found[design] for design in ("training", "data", "split")}
    ),
    "boundaries/one_matrix": lambda found, table: boundaries.one_matrix(table, found),
    "boundaries/parabolas": lambda found, table: boundaries.parabolas(table, found),
    "boundaries/bias": lambda found, table: boundaries.bias(found),
}  # fmt: skip


def of_rate(table, which):
    columns = table.filter(regex=f"epoch|_{which}$")
    return columns.rename(columns=lambda name: name.removesuffix(f"_{which}"))


def assert_committed(figure, picture):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ours = np.asarray(canvas.buffer_rgba(), int)[..., :3]
    theirs = np.asarray(Image.open(ROOT / picture).convert("RGB"), int)
    assert ours.shape == theirs.shape
    assert abs(ours - theirs).max() <= 3  # files have six digits


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_drawn_again_from_the_committed_numbers(name):
    stage, _, file = name.partition("/")

    def ordered(value):
        if not isinstance(value, dict):
            return value
        order = {key: place for place, key in enumerate(ORDER.get(name) or ORDER.get(stage, ()))}
        return {key: ordered(value[key]) for key in sorted(value, key=lambda k: order.get(k, 99))}

    metrics = json.loads((ROOT / f"study/metrics/claims/{name}.json").read_text())
    table = pd.read_csv(ROOT / f"study/plots/claims/{name}.csv")
    picture = f"study/plots/claims/{stage}/pictures/{file}.png"
    assert_committed(DRAWN[name](ordered(metrics), table), picture)


def test_the_distributions_are_drawn_again_from_the_committed_seeds():
    table = pd.read_csv(ROOT / "study/plots/seeds/seeds.csv").set_index("model")
    summaries = json.loads((ROOT / "study/metrics/seeds/summary.json").read_text())
    paths = {name: ROOT / f"metrics/evaluate/population/{name}.json" for name in MODELS}
    runs = {name: json.loads(path.read_text()) for name, path in paths.items()}
    by_model = ({name: each[name] for name in MODELS} for each in (table.loc, summaries))
    picture = "study/plots/seeds/pictures/seeds.png"
    assert_committed(seeds.distributions(*by_model, runs, "population"), picture)
