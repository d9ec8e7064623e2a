import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import Normalize

from diagonal.lines import images
from diagonal.lines.channels import color_bands, grayscale
from diagonal.lines.images import chunks, every_line, generate_dataset, labels_of
from diagonal.pipeline.transforms import ToTensor, scale_and_normalize


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


@pytest.mark.parametrize(
    ("img_size", "n_images", "binary", "seed"),
    [(2, 40, True, 0), (5, 300, True, 13), (28, 1000, False, 2**32 - 1)],
)
def test_images_are_those_drawn_pixel_by_pixel(img_size, n_images, binary, seed):
    before = np.random.get_state()[1].copy()
    images, labels = generate_dataset(img_size, n_images, binary, seed)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # NumPy's global stream
    expected_images, expected_labels = pixel_by_pixel(img_size, n_images, binary, seed)
    np.testing.assert_array_equal(images, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64


@pytest.mark.parametrize(("n_images", "n_pixels"), [(7, 25), (3, 999)])
def test_images_looked_up_in_chunks_are_the_whole_data_set(n_images, n_pixels, monkeypatch):
    monkeypatch.setattr(images, "CHUNK", 50)
    parts = list(chunks(n_images, n_pixels))
    assert max(part.stop - part.start for part in parts) <= max(50 // n_pixels, 1)
    lines, drawn = images.random_lines(5, n_images, seed=13), every_line(5)
    pictures = np.concatenate([drawn.take(lines[part], axis=0) for part in parts])
    expected = generate_dataset(5, n_images, seed=13)
    np.testing.assert_array_equal(pictures, expected[0])
    np.testing.assert_array_equal(labels_of(lines), expected[1])


def test_the_slides_channels_and_their_gray():
    red, green, blue = color_bands()
    assert red.tolist() == [[255, 128, 0, 0, 0]] * 5
    assert green.tolist() == [[0, 128, 255, 128, 0]] * 5
    assert blue.tolist() == [[0, 0, 0, 128, 255]] * 5
    gray = grayscale(np.stack([red, green, blue], axis=-1))
    assert gray.tolist() == [[54, 118, 182, 100, 18]] * 5
    assert gray.dtype == np.uint8


def test_a_colours_gray_is_its_weighted_sum_cut_off():
    colors = np.random.default_rng(0).integers(0, 256, (1000, 3), np.uint8)
    weights = [Fraction(weight) for weight in ("0.2126", "0.7152", "0.0722")]
    exact = [sum(w * int(c) for w, c in zip(weights, color, strict=True)) for color in colors]
    assert grayscale(colors).tolist() == [math.floor(gray) for gray in exact]


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (-1.2, 0.01)])
def test_images_are_prepared_together_as_the_slides_prepare_them_one_by_one(mean, std):
    pixels = np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8)
    slides = [Normalize((mean,), (std,))(ToTensor()(each.transpose(1, 2, 0))) for each in pixels]
    ours = scale_and_normalize(mean, std)(torch.from_numpy(pixels))
    assert ours.dtype == torch.float32
    assert torch.equal(ours, torch.stack(slides))
    assert ours.flatten()[[0, 255]].tolist() == pytest.approx([-mean / std, (1 - mean) / std])
