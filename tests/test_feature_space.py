import numpy as np
import pytest
import torch

from diagonal.feature_space import dead_units, on_a_plane, representations, silent_share
from diagonal.training import models


def test_layers_see_what_matrices_and_relus_make_of_the_pixels():
    model = models.relu(9, [4, 3], seed=2, dtype=torch.float64)
    x = np.random.default_rng(0).normal(size=(20, 1, 3, 3)).astype(np.float32)
    first, second, output = (
        weight.double().numpy() for weight in models.stored_weights(model).values()
    )
    layers = representations(models.with_weights(models.stored_weights(model), torch.nn.ReLU), x)
    hidden0 = x.reshape(20, 9) @ first.T
    hidden1 = np.maximum(hidden0, 0) @ second.T
    expected = {
        "hidden0": hidden0,
        "activation0": np.maximum(hidden0, 0),
        "hidden1": hidden1,
        "activation1": np.maximum(hidden1, 0),
        "output": np.maximum(hidden1, 0) @ output.T,
    }
    assert list(layers) == list(expected)
    for name, points in layers.items():
        np.testing.assert_allclose(points, expected[name], atol=1e-6)


def test_one_or_two_units_are_shown_as_they_are():
    for units in (1, 2):
        points = np.random.default_rng(0).normal(size=(5, units))
        plane, share = on_a_plane(points)
        np.testing.assert_array_equal(plane, points)
        assert share == 1


@pytest.mark.parametrize("units", [3, 5, 40])
def test_a_plane_keeps_distances_of_points_that_lie_in_one(units):
    random = np.random.default_rng(units)
    basis, _ = np.linalg.qr(random.normal(size=(units, 2)))
    flat = random.normal(size=(15, 2)) * [3, 1]
    plane, share = on_a_plane(flat @ basis.T + random.normal(size=units))
    assert share == pytest.approx(1)
    between = np.linalg.norm(plane[:, None] - plane, axis=-1)
    np.testing.assert_allclose(between, np.linalg.norm(flat[:, None] - flat, axis=-1), atol=1e-5)


def test_the_planes_signs_are_fixed():
    points = np.random.default_rng(0).normal(size=(10, 4)) * [5, 3, 1, 1]
    plane, _ = on_a_plane(points)
    for axis in range(2):
        loadings = plane[:, axis] @ (points - points.mean(axis=0))
        assert loadings[abs(loadings).argmax()] > 0
    np.testing.assert_array_equal(on_a_plane(points[:, ::-1])[0], plane)


def test_points_that_coincide_lie_on_one_point():
    plane, share = on_a_plane(np.ones((4, 3)))
    assert share == 1
    assert not plane.any()


def test_dead_units_and_silent_images_are_counted():
    activations = np.array([[0, 0, 1.0], [0, 2, 0], [0, 0, 0], [0, 3, 0]])
    assert dead_units(activations) == 1
    assert silent_share(activations) == 0.25
