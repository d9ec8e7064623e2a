"""Other people's images in the place of the generator's: what may be, and what is refused."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import LECTURE, run_stages
from PIL import Image

from checks.wiring import declared
from diagonal.errors import InputError
from diagonal.pipeline import data
from diagonal.pipeline.models import MODELS
from stages import split
from tools import images as own_images

ROOT = Path(__file__).parents[1]
STREAM = np.random.default_rng(0)
N = 60


def noise(n_channels, size, n=N, high=256):
    return STREAM.integers(0, high, (n, n_channels, size, size), dtype=np.uint8)


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
    (folder / data.CLASSES).write_text('["straight", "diagonal"]')


def folders(root, images, labels, names):
    """Write images as pictures into a folder for each class."""
    for number, (image, label) in enumerate(zip(data.pictures(images), labels, strict=True)):
        path = root / names[label] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def read(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("n_channels", [1, 3])
def test_pictures_in_two_folders_work_to_the_end_under_their_names(small, run, n_channels):
    images = noise(n_channels, 8)
    labels, names = np.sort(halves(images)), ["cat", "dogs"]
    folders(small / "pets", images, labels, names)
    done = run("python", "-m", "tools.images", "pets", "--size=8", *["--color"] * (n_channels > 1))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"dogs: {labels.sum()} images of {n_channels} x 8 x 8 in data/raw" in done.stdout
    np.testing.assert_array_equal(np.load(small / data.IMAGES), images)
    np.testing.assert_array_equal(np.load(small / data.LABELS), labels)
    assert declared(small)["generate"]["frozen"]
    run_stages(small, *LECTURE[1:])
    assert read(small / "metrics/balance.json")["count"].keys() == {*names}
    assert pd.read_csv(small / "plots/evaluate/confusion.csv")["actual"].unique().tolist() == names
    metrics = small / "metrics"
    for name in MODELS:
        on_validation = read(metrics / f"evaluate/validation/{name}.json")
        right = on_validation["tp"] + on_validation["tn"]
        assert on_validation["accuracy"] == pytest.approx(right / (N // 5), rel=1e-5)
        assert set(read(metrics / f"evaluate/population/{name}.json").values()) == {None}
    assert read(metrics / "split.json")["train"]["augmented"]["outside_population"] is None
    assert 0 < read(metrics / "split.json")["val"]["dogs"] < 1
    patterns = pd.read_csv(small / "plots/evaluate/patterns.csv")
    val = np.load(small / "data/split/val.npy")
    assert sorted(patterns["label"]) == sorted(labels[val])
    done = run("dvc", "plots", "show")
    assert done.returncode == 0, done.stderr
    assert "could not find" not in done.stderr
    done = run("python", "-m", "diagonal.predict", "pets/cat/000.png")
    assert re.search(r"relu: (cat|dogs|undecided), P\(dogs\) = ", done.stdout)


def test_a_folder_without_two_folders_of_pictures_is_refused_before_anything_is_written(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folders(tmp_path / "pets", noise(1, 5, 3), [0, 1, 2], "abc")
    folders(tmp_path / "torn", noise(1, 5, 2), [0, 1], "ab")
    (tmp_path / "torn/b/001.png").write_text("hello")
    for folder, line in (
        ("none", "expected a folder with two folders of pictures, found: .*'none'"),
        ("pets/a", "expected a folder with two folders of pictures, found: .*pets/a."),
        ("pets", "pets: expected two folders, found a, b, c"),
        ("torn", "torn/b/001.png: expected an image, found: cannot identify image file .*"),
    ):
        monkeypatch.setattr(sys, "argv", ["images", folder, "--size", "5"])
        with pytest.raises(InputError, match=f"^{line}$"):
            own_images.main()
    assert {path.name for path in tmp_path.iterdir()} == {"pets", "torn"}


@pytest.mark.parametrize(("high", "warned"), [(17, True), (256, False)])
def test_pixels_of_a_small_range_are_warned_of(tmp_path, monkeypatch, capsys, high, warned):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    images = noise(1, 8, high=high)
    put(tmp_path, images, halves(images))
    split.main()
    line = "data/raw/images.npy: pixels from 0 to 16 only; models learn little unless they fill "
    assert capsys.readouterr().err == (line + "0 to 255\n") * warned


def test_a_frozen_generator_leaves_them_to_dvc_and_to_the_checks(small, run, lecture_data):
    """The lecture's own lines, brought by a user, are still known to be such."""
    images, labels = lecture_data.images.numpy(), lecture_data.labels.numpy()
    put(small, images, labels)
    for words in (["dvc", "freeze", "generate"], ["dvc", "commit", "--force", "generate"]):
        assert run(*words).returncode == 0
    for words in (["python", "-m", "checks.params"], ["dvc", "repro"], ["python", "-m", "checks"]):
        done = run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    np.testing.assert_array_equal(np.load(small / "data/raw/images.npy"), images)
    shown = read(small / "metrics/split.json")["train"]["augmented"]
    assert shown["outside_population"] == 2


GOOD = noise(1, 5)
LABELS = halves(GOOD)
OTHERWISE = np.where(np.arange(N) == 7, 2, LABELS)
TWICE = np.concatenate([GOOD[:30], GOOD[:30]]), np.concatenate([LABELS[:30], 1 - LABELS[:30]])


@pytest.mark.parametrize(
    ("images", "labels", "line"),
    [
        (GOOD, OTHERWISE, "labels.npy: expected labels of 0 and 1, found 2"),
        (GOOD, LABELS[:40], "labels.npy: expected 60 labels, found 40"),
        (GOOD, LABELS[:0], "labels.npy: expected labels of 0 and 1, found none"),
        (GOOD, LABELS / 1, "labels.npy: expected int64 with 1 dimensions, found float64 with 1"),
        (GOOD[:, 0], LABELS, "images.npy: expected uint8 with 4 dimensions, found uint8 with 3"),
        (GOOD / 255, LABELS, "images.npy: expected uint8 with 4 dimensions, found float64 with 4"),
        (
            GOOD[..., :4],
            LABELS,
            "images.npy: expected square images of 2 pixels or more, found 1 channels of 5 x 4",
        ),
        (*TWICE, "labels.npy: expected one label for equal images, found 0 for image "),
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
    assert str(caught.value).startswith(f"data/raw/{line}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "params.yaml"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["raw"]


def test_one_class_alone_is_refused_as_any_split_that_lacks_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    put(tmp_path, GOOD, np.ones(N, np.int64))
    with pytest.raises(InputError, match=r"^params.yaml: split: expected both classes in training"):
        split.main()
