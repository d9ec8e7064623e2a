import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from diagonal.feature_space import dead_units, on_a_plane, representations, silent_share
from diagonal.inference import layers
from diagonal.training import models


def test_layers_see_what_matrices_and_relus_make_of_the_pixels():
    model = models.relu(9, [4, 3], seed=2, dtype=torch.float64)
    x = np.random.default_rng(0).normal(size=(20, 1, 3, 3)).astype(np.float32)
    stored = {name: weight.numpy() for name, weight in models.stored_weights(model).items()}
    seen = representations(layers(stored, rectified=True), x)
    first, second, output = (weight.astype(np.float64) for weight in stored.values())
    hidden0 = x.reshape(20, 9) @ first.T
    hidden1 = np.maximum(hidden0, 0) @ second.T
    expected = {
        "hidden0": hidden0,
        "activation0": np.maximum(hidden0, 0),
        "hidden1": hidden1,
        "activation1": np.maximum(hidden1, 0),
        "output": np.maximum(hidden1, 0) @ output.T,
    }
    assert list(seen) == list(expected)
    for name, points in seen.items():
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
    assert silent_share(activations, counts=np.array([1, 2, 6, 3])) == 0.5


@pytest.mark.parametrize(("n", "units"), [(15, 3), (4, 9), (200, 40)])
def test_a_plane_is_that_of_scikit_learns_principal_components(n, units):
    random = np.random.default_rng(n)
    points = random.normal(size=(n, units)) * random.uniform(0.2, 3, units)
    pca = PCA(n_components=2, svd_solver="full").fit(points)
    plane, share = on_a_plane(points)
    assert share == pytest.approx(pca.explained_variance_ratio_.sum())
    np.testing.assert_allclose(abs(plane), abs(pca.transform(points)), atol=2e-6)
