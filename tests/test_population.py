"""The population is what the generator draws from, and expectations over it are exact."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import Normalize, RandomHorizontalFlip, ToDtype

from diagonal import evaluation, inference
from diagonal.images import every_line, generate_dataset, patterns
from diagonal.population import population
from diagonal.preparation import scaled_and_normalised, steps
from diagonal.training import models

SCALE = ToDtype(torch.float32, scale=True)
COMPARED = ("accuracy", "loss", "precision", "recall", "f1", "roc_auc", "undecided")


@pytest.mark.parametrize(("img_size", "n_patterns"), [(2, 7), (5, 25), (10, 55), (28, 163)])
def test_holds_each_pattern_once_and_every_line(img_size, n_patterns):
    images, labels, counts = population(img_size)
    assert len(np.unique(patterns(images))) == len(images) == len(labels) == n_patterns
    assert counts.sum() == 3 * (2 * img_size - 1)


@pytest.mark.parametrize("img_size", [2, 5, 10])
def test_what_the_generator_draws_is_the_population_with_the_same_labels(img_size):
    images, labels, _ = population(img_size)
    drawn, drawn_labels = generate_dataset(img_size, 5_000, seed=3)
    known = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    seen = {image.tobytes(): label for image, label in zip(drawn, drawn_labels, strict=True)}
    assert seen == known
    assert all(
        known[image.tobytes()] == label for image, label in zip(drawn, drawn_labels, strict=True)
    )


@pytest.mark.parametrize("img_size", [5, 10, 28])
def test_expectations_agree_with_ten_million_drawn_images(img_size):
    """Within three standard errors, from the spread between 40 samples of 250,000 images."""
    model = layers_of(models.logistic(img_size**2, seed=1, dtype=torch.float64))
    images, labels, counts = population(img_size)
    probability = inference.probabilities(model, scaled_and_normalised(images, 0.5, 0.5))
    exact = evaluation.binary_metrics(labels, probability, 0.5, counts)

    lines = every_line(img_size)  # an image of the sample is a look-up here: start, target
    x = scaled_and_normalised(lines.reshape(-1, *lines.shape[2:]), 0.5, 0.5)
    every_probability = inference.probabilities(model, x)
    stream, samples = np.random.RandomState(11), []
    for _ in range(40):
        starts = stream.randint(1 - img_size, img_size, size=250_000)
        targets = stream.randint(0, 3, size=250_000)
        drawn = np.bincount((starts + img_size - 1) * 3 + targets, minlength=len(x))
        assert drawn.sum() == 250_000
        actual = (np.arange(len(x)) % 3 > 0).astype(np.int64)
        samples.append(evaluation.binary_metrics(actual, every_probability, 0.5, drawn))

    for name in COMPARED:
        values = np.array([sample[name] for sample in samples])
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(values.mean() - exact[name]) <= 3 * error, name
        assert 0 < exact[name] < 1 or name == "undecided", "a metric that cannot move shows nothing"


def test_counts_mean_that_a_row_is_repeated():
    rng = np.random.default_rng(0)
    labels, counts = rng.integers(0, 2, 40), rng.integers(1, 5, 40)
    probability = np.round(rng.random(40), 1)  # ties, and some at the threshold
    repeated = evaluation.binary_metrics(labels.repeat(counts), probability.repeat(counts), 0.5)
    counted = evaluation.binary_metrics(labels, probability, 0.5, counts)
    assert counted == pytest.approx(repeated, rel=1e-12)
    assert repeated["undecided"] > 0


def test_undecided_is_the_share_at_exactly_the_threshold():
    probability = np.array([0.5, 0.5, 0.500000001, 0.2])
    metrics = evaluation.binary_metrics(np.array([0, 1, 1, 0]), probability, 0.5)
    assert metrics["undecided"] == 0.5
    assert (metrics["tn"], metrics["fn"], metrics["tp"]) == (2, 1, 1)


def test_normalising_is_torchvisions_bit_for_bit():
    rng = np.random.default_rng(0)
    images = np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8)
    for mean, std in [(0.5, 0.5), *zip(rng.normal(size=100), rng.random(100) + 0.01, strict=True)]:
        ours = scaled_and_normalised(images, mean, std)
        normalise = Normalize(mean=(mean,), std=(std,))
        theirs = normalise(SCALE(torch.from_numpy(images))).numpy()
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


def test_an_images_way_to_the_network_is_torchvisions():
    image = np.random.default_rng(1).integers(0, 256, (5, 5), np.uint8)
    mirror, normalise = RandomHorizontalFlip(p=1.0), Normalize(mean=(0.3,), std=(0.7,))
    scaled = SCALE(torch.from_numpy(image)[None])
    expected = {
        "as drawn": image,
        "scaled": scaled[0].numpy(),
        "flipped": mirror(scaled)[0].numpy(),
        "normalised": normalise(mirror(scaled))[0].numpy(),
    }
    ours = steps(image, 0.3, 0.7)
    assert list(ours) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(ours[name], array, strict=True)


def layers_of(model):
    """Read a model of float64 weights as it is, not as it would be stored."""
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    return inference.layers(weights, rectified=False)
