"""Other people's images in the place of the generator's: what may be, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import LECTURE, only, run_stages

from diagonal.pipeline.errors import InputError
from stages import split

ROOT = Path(__file__).parents[1]
STREAM = np.random.default_rng(0)
N = 60
MODELS = ("logistic", "deepish", "relu")


def noise(n_channels, size, n=N):
    return STREAM.integers(0, 256, (n, n_channels, size, size), dtype=np.uint8)


def halves(images):
    """Label images by whether their left half is brighter than their right."""
    middle = images.shape[-1] // 2
    left, right = (half.mean((1, 2, 3)) for half in np.split(images, [middle], axis=-1))
    return (left > right).astype(np.int64)


def put(folder, images, labels):
    """Write images and labels where the first stage does."""
    (folder / "data/raw").mkdir(parents=True, exist_ok=True)
    np.save(folder / "data/raw/images.npy", images)
    np.save(folder / "data/raw/labels.npy", labels)


@pytest.fixture
def bring(small, run):
    """Freeze `generate` in a small project and put images with their labels in its place."""

    def bring(images, labels):
        put(small, images, labels)
        assert run("dvc", "freeze", "generate").returncode == 0
        return small

    return bring


def read(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("n_channels", [1, 3])
def test_images_of_any_number_of_channels_work_to_the_end(small, run, n_channels):
    images = noise(n_channels, 8)
    labels = halves(images)
    put(small, images, labels)
    run_stages(small, *LECTURE[1:])
    metrics = small / "metrics"
    for name in MODELS:
        on_validation = read(metrics / f"evaluate/validation/{name}.json")
        right = on_validation["tp"] + on_validation["tn"]
        assert on_validation["accuracy"] == pytest.approx(right / (N // 5), rel=1e-5)
        assert set(read(metrics / f"evaluate/population/{name}.json").values()) == {None}
        assert set(read(metrics / f"seeds/population/{name}.json").values()) == {None}
    assert read(metrics / "split.json")["train"]["augmented"]["outside_population"] is None
    seeds = pd.read_csv(small / "plots/seeds/seeds.csv")
    assert seeds.columns[seeds.isna().all()].tolist() == ["population_loss", "population_accuracy"]
    patterns = pd.read_csv(small / "plots/evaluate/patterns.csv")
    val = np.load(small / "data/split/val.npy")
    assert sorted(patterns["label"]) == sorted(labels[val])
    done = run("dvc", "plots", "show")
    assert done.returncode == 0, done.stderr
    assert "could not find" not in done.stderr


def test_the_population_is_that_of_lines_that_a_user_brings(bring, run, lecture_data):
    project = bring(lecture_data.images.numpy(), lecture_data.labels.numpy())
    done = run("python", "-m", "stages.split")
    assert done.returncode == 0, done.stderr
    shown = read(project / "metrics/split.json")["train"]["augmented"]
    assert shown["outside_population"] == 2


def test_make_check_and_make_params_take_them(bring, run):
    images = noise(2, 6)
    project = bring(images, halves(images))
    only(project, "split", "balance", *(f"train_{name}" for name in MODELS))
    assert run("dvc", "commit", "--force", "generate").returncode == 0
    assert run("python", "-m", "checks.params").returncode == 0
    done = run("dvc", "repro")
    assert done.returncode == 0, done.stderr
    done = run("python", "-m", "checks")
    assert done.returncode == 0, done.stdout + done.stderr


GOOD = noise(1, 5)
LABELS = halves(GOOD)


def changed(labels, index, label):
    labels = labels.copy()
    labels[index] = label
    return labels


@pytest.mark.parametrize(
    ("images", "labels", "line"),
    [
        (GOOD, changed(LABELS, 7, 2), "labels.npy: expected labels of 0 and 1, found 2"),
        (GOOD, changed(LABELS, 7, -1), "labels.npy: expected labels of 0 and 1, found -1"),
        (GOOD, LABELS[:40], "labels.npy: expected 60 labels, found 40"),
        (GOOD, LABELS[:0], "labels.npy: expected labels of 0 and 1, found none"),
        (
            GOOD,
            LABELS.astype(np.uint8),
            "labels.npy: expected int64 with 1 dimensions, found uint8 with 1",
        ),
        (GOOD[:, 0], LABELS, "images.npy: expected uint8 with 4 dimensions, found uint8 with 3"),
        (GOOD / 255, LABELS, "images.npy: expected uint8 with 4 dimensions, found float64 with 4"),
        (
            GOOD[..., :4],
            LABELS,
            "images.npy: expected square images of 2 pixels or more, found 1 channels of 5 x 4",
        ),
        (
            GOOD[:, :0],
            LABELS,
            "images.npy: expected square images of 2 pixels or more, found 0 channels of 5 x 5",
        ),
        (
            np.concatenate([GOOD[:30], GOOD[:30]]),
            np.concatenate([LABELS[:30], 1 - LABELS[:30]]),
            "labels.npy: expected one label for equal images, found 0 for image {} and 1 for "
            "image {}".format(*sorted([0, 30], key=lambda k: LABELS[0] ^ (k > 0))),
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_line_before_anything_is_written(
    tmp_path, monkeypatch, images, labels, line
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    put(tmp_path, images, labels)
    with pytest.raises(InputError) as caught:
        split.main()
    assert str(caught.value) == f"data/raw/{line}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "params.yaml"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["raw"]


def test_one_class_alone_is_refused_as_any_split_that_lacks_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    put(tmp_path, GOOD, np.ones(N, np.int64))
    with pytest.raises(InputError, match=r"^params.yaml: split: expected both classes in training"):
        split.main()
