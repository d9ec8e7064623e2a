"""Distinct images and how often they occur, held against counting by brute force."""

from collections import Counter

import numpy as np
import pytest
from torch import from_numpy
from torchvision.transforms.v2.functional import horizontal_flip

from diagonal.lines import images as images_module
from diagonal.lines.images import every_line, generate_dataset
from diagonal.lines.patterns import (
    count_shown,
    distinct,
    drawable,
    first_places,
    numbered,
    population,
    survey,
)

DATA = [(2, 5), (5, 300)]  # img_size, n_images


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_equal_images_and_no_others_share_a_number(dtype, monkeypatch):
    monkeypatch.setattr(images_module, "CHUNK", 70)  # numbers that are handled at once
    images = generate_dataset(5, 300, seed=1)[0].astype(dtype)
    numbers = numbered(images)
    flat = images.reshape(300, -1)
    _, first, alike = np.unique(flat, axis=0, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(first[alike], first_places(numbers)[numbers])
    np.testing.assert_array_equal(first_places(numbers), np.sort(first))  # 0, 1... as they appear


@pytest.mark.parametrize(("img_size", "n_images"), DATA)
def test_distinct_images_are_sorted_and_numbered_back(img_size, n_images):
    images, labels = generate_dataset(img_size, n_images, seed=13)
    first, pattern = distinct(images, labels)
    np.testing.assert_array_equal(images[first][pattern], images)
    keys = list(zip(labels[first], -np.bincount(pattern), first, strict=True))
    assert keys == sorted(keys)
    assert len(keys) == len({image.tobytes() for image in images})


@pytest.mark.parametrize(("img_size", "n_patterns"), [(2, 7), (5, 25)])
def test_the_population_holds_each_pattern_once_and_counts_every_line(img_size, n_patterns):
    images, labels, counts = population(img_size)
    assert len(images) == n_patterns
    lines = [line.tobytes() for line in every_line(img_size)]
    expected = Counter(zip(lines, [0, 1, 1] * (2 * img_size - 1), strict=True))
    found = zip((image.tobytes() for image in images), labels.tolist(), strict=True)
    assert dict(zip(found, counts.tolist(), strict=True)) == expected


@pytest.mark.parametrize(("img_size", "n_images"), DATA)
def test_what_training_can_show_is_counted_against_what_can_be_drawn(img_size, n_images):
    images, _ = generate_dataset(img_size, n_images, seed=n_images)
    mirrored, lines = horizontal_flip(from_numpy(images)).numpy(), population(img_size)[0]
    shown, reflected, drawable = (
        {image.tobytes() for image in each} for each in (images, mirrored, lines)
    )
    assert count_shown(lines, images, 0) == (len(shown), 0)
    shown |= reflected
    assert count_shown(lines, images, 0.5) == (len(shown), len(shown - drawable))


def brute_force(images, labels, train, val):
    """Count image by image: rows of (image, label, train, val, population, place) in order."""
    rows = {}
    for split, indices in ((0, train), (1, val)):
        for index in indices:
            row = rows.setdefault(images[index].tobytes(), [labels[index], 0, 0, 0, -1])
            row[1 + split] += 1
    lines = list(zip(*population(images.shape[-1]), strict=True))
    known = {image.tobytes(): label for image, label, _ in lines}
    if any(known.get(image) != row[0] for image, row in rows.items()):
        lines = []  # some are not the generator's: what they are drawn from is not known
    for place, (image, label, count) in enumerate(lines):
        rows.setdefault(image.tobytes(), [label, 0, 0, 0, -1])[3:] = [count, place]
    return sorted(
        ([image, *row] for image, row in rows.items()), key=lambda row: (row[1], -row[2] - row[3])
    )


@pytest.mark.parametrize(("img_size", "n_images", "foreign"), [(2, 5, False), (5, 300, True)])
def test_a_survey_counts_what_brute_force_counts_in_the_order_promised(img_size, n_images, foreign):
    random = np.random.default_rng(n_images)
    images, labels = generate_dataset(img_size, n_images, seed=n_images)
    if foreign:  # images that the generator never draws, as of someone's own data
        own = random.random(n_images) < 0.3
        images[own] //= 2
    train, val = np.split(random.permutation(n_images), [n_images * 2 // 3])
    found = survey(images, labels, train, val, lambda x: x.astype(np.float32) / 2)
    columns = [[each.tobytes() for each in found.images], *(each.tolist() for each in found[2:])]
    assert list(map(list, zip(*columns, strict=True))) == brute_force(images, labels, train, val)
    assert {column.dtype for column in found[2:]} == {np.dtype(np.int64)}
    assert found.images.shape[1:] == images.shape[1:]
    np.testing.assert_array_equal(found.x, found.images / np.float32(2), strict=True)
    assert (found.train.sum(), found.val.sum()) == (len(train), len(val))


def test_the_population_is_that_of_images_of_which_each_is_a_line_with_its_label():
    images, labels = generate_dataset(5, 40, seed=1)
    lines, line_labels, counts = drawable(images, labels)
    assert (len(lines), line_labels.sum(), counts.sum()) == (25, 18 - 2, 27)
    brighter = np.where(np.arange(40)[:, None, None, None] == 39, images // 2, images)
    channels = np.concatenate([images, images], axis=1)
    for others, as_labelled in ((images, 1 - labels), (brighter, labels), (channels, labels)):
        nothing = drawable(others, as_labelled)
        assert [len(each) for each in nothing] == [0, 0, 0]
        assert nothing[0].shape[1:] == others.shape[1:]
