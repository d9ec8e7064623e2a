"""Other people's images in the place of the generator's: what may be, and what is refused."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from checks.wiring import declared
from diagonal.errors import InputError
from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS
from stages import split
from tools import images as own_images

ROOT = Path(__file__).parents[1]
STREAM = np.random.default_rng(0)
N = 60
LABELS = np.arange(N) % 3 // 2


def noise(n_channels, size, high=256):
    return STREAM.integers(0, high, (N, n_channels, size, size), dtype=np.uint8)


def put(folder, images, labels):
    """Write images and labels where the first stage does."""
    files.write_array(folder / data.IMAGES, images)
    files.write_array(folder / data.LABELS, labels)
    files.write_metrics(folder / data.CLASSES, data.LINES)


def folders(root, images, labels, names):
    """Write images as pictures into a folder for each class."""
    for number, (image, label) in enumerate(zip(data.pictures(images), labels, strict=True)):
        path = root / names[label] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def read(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("n_channels", [1, 3])
def test_pictures_in_two_folders_become_the_data(project, monkeypatch, capsys, n_channels):
    images = noise(n_channels, 8)
    labels = np.sort(LABELS)
    folders(project / "pets", images, labels, ["cat", "dogs"])
    words = ["pets", "--size=8", *["--color"] * (n_channels > 1)]
    monkeypatch.setattr(sys, "argv", ["images", *words])
    monkeypatch.chdir(project)
    own_images.main()
    assert f"dogs: {labels.sum()} images of {n_channels} x 8 x 8 in data" in capsys.readouterr().out
    np.testing.assert_array_equal(np.load(data.IMAGES), images)
    np.testing.assert_array_equal(np.load(data.LABELS), labels)
    assert read(project / data.CLASSES) == ["cat", "dogs"]
    assert declared(project)["generate"]["frozen"]


@pytest.mark.slow
def test_pictures_in_two_folders_work_to_the_end_under_their_names(small, run):
    images, names = noise(3, 8), ["cat", "dogs"]
    folders(small / "pets", images, np.sort(LABELS), names)
    for words in (["tools.images", "pets", "--size=8", "--color"], ["checks.params"]):
        done = run("python", "-m", *words)
        assert (done.returncode, done.stderr) == (0, "")
    for words in (["dvc", "repro"], ["python", "-m", "checks"], ["dvc", "plots", "show"]):
        done = run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "could not find" not in done.stderr
    np.testing.assert_array_equal(np.load(small / data.IMAGES), images)
    assert read(small / "metrics/balance.json")["count"].keys() == {*names}
    assert pd.read_csv(small / "plots/evaluate/confusion.csv")["actual"].unique().tolist() == names
    for name in MODELS:
        assert read(small / f"metrics/evaluate/validation/{name}.json")["accuracy"] is not None
        on_population = read(small / f"metrics/evaluate/population/{name}.json")
        assert set(on_population.values()) == {None}
    split_metrics = read(small / "metrics/split.json")
    assert split_metrics["train"]["augmented"]["outside_population"] is None
    assert 0 < split_metrics["val"]["dogs"] < 1
    shown = pd.read_csv(small / "plots/evaluate/patterns.csv")
    assert len(shown) == split_metrics["val"]["images"]
    done = run("python", "-m", "diagonal.predict", "pets/cat/000.png")
    assert re.search(r"relu: (cat|dogs|undecided), P\(dogs\) = ", done.stdout)


def test_a_folder_without_two_folders_of_pictures_is_refused_before_anything_is_written(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folders(tmp_path / "pets", noise(1, 5)[:3], [0, 1, 2], "abc")
    folders(tmp_path / "torn", noise(1, 5)[:2], [0, 1], "ab")
    (tmp_path / "torn/b/001.png").write_text("hello")
    for folder, line in (
        ("pets --size=1", "--size: expected at least 2 pixels, found 1"),
        ("none", "expected a folder with two folders of pictures, found: .*'none'"),
        ("pets", "pets: expected two folders, found a, b, c"),
        ("torn", "torn/b/001.png: expected an image, found: cannot identify image file .*"),
    ):
        monkeypatch.setattr(sys, "argv", ["images", "--size=5", *folder.split()])
        with pytest.raises(InputError, match=f"^{line}$"):
            own_images.main()
    assert {path.name for path in tmp_path.iterdir()} == {"pets", "torn"}


@pytest.mark.parametrize(("low", "high"), [(40, 102), (0, 255)])
@pytest.mark.usefixtures("numbers_alone")
def test_pixels_of_a_small_range_are_warned_of(tmp_path, monkeypatch, capsys, low, high):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    put(tmp_path, noise(1, 8, high + 1 - low) + np.uint8(low), LABELS)
    split.main()
    line = "data/raw/images.npy: pixels from 40 to 102 only; models learn little unless they fill "
    assert capsys.readouterr().err == (line + "0 to 255\n") * (high < 255)


GOOD = noise(1, 5)
OTHERWISE = np.where(np.arange(N) == 7, 2, LABELS)
TWICE = np.concatenate([GOOD[:30], GOOD[:30]]), np.concatenate([1 - LABELS[:30], LABELS[:30]])


@pytest.mark.parametrize(
    ("images", "labels", "file", "line"),
    [
        (GOOD, OTHERWISE, "labels", "labels of 0 and 1, found 2"),
        (GOOD, LABELS[:40], "labels", "60 labels, found 40"),
        (GOOD, LABELS[:, None], "labels", "int64 with 1 dimensions, found int64 with 2"),
        (GOOD / 255, LABELS, "images", "uint8 with 4 dimensions, found float64 with 4"),
        (GOOD[..., :4], LABELS, "images", "square images of 2 pixels or more, found 1"),
        (*TWICE, "labels", "one label for equal images, found 0 for image 30 and 1 for image 0"),
    ],
)
def test_what_cannot_work_is_refused_in_a_line_before_anything_is_written(
    tmp_path, monkeypatch, images, labels, file, line
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    put(tmp_path, images, labels)
    with pytest.raises(InputError) as caught:
        split.main()
    assert str(caught.value).startswith(f"data/raw/{file}.npy: expected {line}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "params.yaml"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["raw"]
