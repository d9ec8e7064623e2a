"""What stages hand on comes back, and what does not fit together is told."""

import random
from pathlib import Path

import numpy as np
import pytest

from checks import mutations
from diagonal.pipeline import data, files
from diagonal.pipeline.data import Patterns
from diagonal.pipeline.errors import InputError

PATTERNS = Patterns(
    images=np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2),
    x=np.arange(12, dtype=np.float32).reshape(3, 1, 2, 2),
    labels=np.array([0, 1, 1]),
    train=np.array([5, 0, 2]),
    val=np.array([1, 0, 0]),
    population=np.array([2, 1, 0]),
    place=np.array([0, 1, -1]),
)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_patterns_come_back_each_column_under_its_name():
    files.write_tensors(data.PATTERNS, PATTERNS._asdict())
    assert_equal(data.read_patterns(), PATTERNS)


def test_patterns_are_chosen_by_a_mask_or_in_an_order():
    for index in (np.array([2, 0]), PATTERNS.val > 0):
        assert_equal(PATTERNS.chosen(index), [column[index] for column in PATTERNS])


@pytest.mark.parametrize(
    ("columns", "found"), [({}, "found nothing"), ({"labels": np.zeros(1)}, "found labels")]
)
def test_a_file_of_other_tensors_is_no_file_of_patterns(columns, found):
    files.write_tensors(data.PATTERNS, columns)
    with pytest.raises(InputError, match=rf"^{data.PATTERNS}: expected images, labels,.*{found}$"):
        data.read_patterns()


def test_there_are_as_many_labels_as_images():
    files.write_array(data.IMAGES, np.zeros((3, 1, 2, 2), np.uint8))
    files.write_array(data.LABELS, np.array([0, 1, 1]))
    images, labels = data.read_images()
    assert (images.shape, labels.tolist()) == ((3, 1, 2, 2), [0, 1, 1])
    files.write_array(data.LABELS, np.arange(2))
    with pytest.raises(InputError, match=f"{data.LABELS}: expected 3 labels, found 2"):
        data.read_images()


@pytest.mark.parametrize("wrong", [[], [0, 3], [-1, 2]])
def test_a_split_is_of_the_images_that_there_are(wrong):
    path = data.SPLIT.format("train")
    files.write_array(path, np.array([2, 0]))
    assert data.read_split("train", 3).tolist() == [2, 0]
    files.write_array(path, np.array(wrong, np.int64))
    with pytest.raises(InputError, match=f"^{path}: expected indices of 3 images, found others$"):
        data.read_split("train", 3)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_weights_are_as_many_as_asked_and_numbers_to_draw_by(wrong):
    files.write_array(data.WEIGHTS, np.array([0, 0.5, 2]))
    assert data.read_weights(3).tolist() == [0, 0.5, 2]
    with pytest.raises(InputError, match="expected 4 weights, found 3"):
        data.read_weights(4)
    for numbers in ([1, wrong, 2], [0, 0, 0]):
        files.write_array(data.WEIGHTS, np.array(numbers, float))
        with pytest.raises(InputError, match="expected weights of 0 or more, found other numbers"):
            data.read_weights(3)


def test_patterns_in_every_broken_form_are_refused_in_a_line():
    files.write_tensors(data.PATTERNS, PATTERNS._asdict())
    content, refused = Path(data.PATTERNS).read_bytes(), []
    for name, broken in mutations.of_file(data.PATTERNS, content, random.Random(0)):
        Path(data.PATTERNS).write_bytes(broken)
        with pytest.raises(InputError, match=f"^{data.PATTERNS}: "):
            data.read_patterns()
        refused.append(name)
    assert len(refused) == 14


@pytest.mark.parametrize("path", [data.IMAGES, data.LABELS])
def test_arrays_in_every_broken_form_are_refused_in_a_line(path):
    files.write_array(data.IMAGES, PATTERNS.images)
    files.write_array(data.LABELS, PATTERNS.labels)
    accepted = set()
    for name, broken in mutations.of_file(path, Path(path).read_bytes(), random.Random(0)):
        Path(path).write_bytes(broken)
        try:
            data.read_images()
            accepted.add(name)
        except InputError as err:
            assert str(err).startswith("data/raw/")
    same = {"Fortran's order"} | ({"the other byte order"} if path == data.IMAGES else set())
    assert accepted <= same | {"huge numbers"}  # which pixels may be
