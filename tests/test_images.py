import numpy as np
import pytest

from diagonal import images
from diagonal.images import (
    chw_to_hwc,
    color_bands,
    distinct,
    every_line,
    first_places,
    generate_dataset,
    grayscale,
    hwc_to_chw,
    nchw_to_nhwc,
    nhwc_to_nchw,
    patterns,
    rgb,
)


def pixel_by_pixel(img_size, n_images, binary, seed):
    """Draw the lecture's images as its text says, one pixel after the other."""
    np.random.seed(seed)
    starts = np.random.randint(-(img_size - 1), img_size, size=n_images)
    targets = np.random.randint(0, 3, size=n_images)
    images = np.zeros((n_images, 1, img_size, img_size), dtype=np.uint8)
    for image, start, target in zip(images[:, 0], starts, targets, strict=True):
        row, column = (start, 0) if start > 0 else (0, max(-start, 1))
        if target == 0:
            for k in range(img_size):
                image[(start, k) if start > 0 else (k, -start)] = 255
        elif target == 1:
            row = start if start > 0 else img_size - 1
            while row >= 0 and column < img_size:
                image[row, column] = 255
                row, column = row - 1, column + 1
        else:
            while row < img_size and column < img_size:
                image[row, column] = 255
                row, column = row + 1, column + 1
    return images, (targets > 0).astype(int) if binary else targets


@pytest.mark.parametrize("seed", [0, 13, 2**32 - 1])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    ("img_size", "n_images"), [(2, 40), (3, 100), (5, 300), (10, 1), (28, 500)]
)
def test_images_are_those_drawn_pixel_by_pixel(img_size, n_images, binary, seed):
    images, labels = generate_dataset(img_size, n_images, binary, seed)
    expected_images, expected_labels = pixel_by_pixel(img_size, n_images, binary, seed)
    np.testing.assert_array_equal(images, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64


def test_defaults_are_the_lectures():
    images, labels = generate_dataset()
    assert images.shape == (100, 1, 10, 10)
    np.testing.assert_array_equal(images, pixel_by_pixel(10, 100, True, 17)[0])
    assert set(labels.tolist()) == {0, 1}


def test_generating_leaves_numpys_global_stream_alone():
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    generate_dataset()
    assert np.random.rand() == expected


@pytest.mark.parametrize(("img_size", "distinct"), [(5, 25), (10, 55), (28, 163)])
def test_there_are_few_distinct_images_and_none_has_two_labels(img_size, distinct):
    lines = every_line(img_size)
    number = patterns(lines.reshape(-1, img_size, img_size))
    diagonal = np.tile([False, True, True], 2 * img_size - 1)
    assert len(set(number)) == distinct
    assert not set(number[diagonal]) & set(number[~diagonal])


def test_patterns_number_equal_images_alike_in_order_of_appearance():
    images = np.array([[[1, 2]], [[3, 4]], [[1, 2]], [[4, 3]], [[3, 4]]])
    assert patterns(images).tolist() == [0, 1, 0, 2, 1]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_patterns_do_not_depend_on_how_many_are_held_at_once(dtype, monkeypatch):
    drawn = generate_dataset(5, 300, seed=13)[0].astype(dtype)
    whole = patterns(drawn)
    assert len(set(whole.tolist())) == 25
    np.testing.assert_array_equal(drawn[first_places(whole)][whole], drawn)
    monkeypatch.setattr(images, "CHUNK", 70)  # two images
    np.testing.assert_array_equal(patterns(drawn), whole)


def test_distinct_images_may_stand_for_many():
    drawn = np.array([[1], [2], [3], [2], [4]])
    first, pattern = distinct(drawn, np.array([0, 1, 1, 1, 0]), np.array([1, 1, 5, 1, 2]))
    assert first.tolist() == [4, 0, 2, 1]
    assert pattern.tolist() == [1, 3, 2, 3, 0]


def test_the_slides_channels_and_their_gray():
    red, green, blue = color_bands()
    assert red.tolist() == [[255, 128, 0, 0, 0]] * 5
    assert green.tolist() == [[0, 128, 255, 128, 0]] * 5
    assert blue.tolist() == [[0, 0, 0, 128, 255]] * 5
    gray = grayscale(rgb(red, green, blue))
    assert gray.tolist() == [[54, 118, 182, 100, 18]] * 5
    assert gray.dtype == np.uint8


def test_gray_levels_stay_gray():
    level = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(grayscale(rgb(level, level, level)), level)


def test_layouts_move_channels_and_lose_nothing():
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert nchw_to_nhwc(images).shape == (2, 4, 5, 3)
    assert nchw_to_nhwc(images)[1, 2, 3, 0] == images[1, 0, 2, 3]
    np.testing.assert_array_equal(nhwc_to_nchw(nchw_to_nhwc(images)), images)
    assert chw_to_hwc(images[0]).shape == (4, 5, 3)
    np.testing.assert_array_equal(hwc_to_chw(chw_to_hwc(images[0])), images[0])
