"""Activation functions, where layers put images, and what is decided where."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from diagonal.feature_space.activations import activation_functions, value_and_gradient
from diagonal.feature_space.decisions import deciding_plane
from diagonal.feature_space.representations import (
    SPAN,
    principal_plane,
    representations,
    surrounding,
    view,
)  # fmt: skip
from diagonal.pipeline.data import LINES
from diagonal.training.models import network, probabilities
from stages import feature_space as stage

Z = np.linspace(-6, 6, 241)  # 0 among them
LEAKY, PRELU = 0.02, 0.3
FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "ReLU": lambda z: np.maximum(z, 0),
    "leaky ReLU, slope 0.02": lambda z: np.where(z > 0, z, LEAKY * z),
    "PReLU, slope 0.3 at the start": lambda z: np.where(z > 0, z, PRELU * z),
}


def test_activations_and_their_gradients_are_those_of_the_formulas():
    functions = activation_functions(LEAKY, PRELU)
    assert list(functions) == list(FORMULAS)
    for title, formula in FORMULAS.items():
        value, gradient = value_and_gradient(functions[title], Z)
        smooth = title in ("sigmoid", "tanh")
        np.testing.assert_allclose(value, formula(Z), rtol=1e-13 if smooth else 1e-7)  # float32
        behind, ahead = 1e-6, 1e-6 if smooth else 0  # at 0, the gradient of the negative side
        difference = (formula(Z + ahead) - formula(Z - behind)) / (ahead + behind)
        np.testing.assert_allclose(gradient, difference, rtol=1e-6, atol=1e-9)


def random_network(sizes, activation="none"):
    """Build a network whose weights are large enough for it to be sure of something."""
    model = network(sizes, activation, seed=0, dtype=torch.float64)
    stream = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(generator=stream)
    return model


def test_layers_see_what_matrices_and_relus_make_of_the_pixels():
    model = random_network([9, 4, 3, 1], "relu")
    x = np.random.default_rng(0).normal(size=(20, 1, 3, 3)).astype(np.float32)
    first, second, output = (weight.detach().numpy() for weight in model.parameters())
    hidden0 = x.reshape(20, 9) @ first.T
    hidden1 = np.maximum(hidden0, 0) @ second.T
    expected = {
        "flatten": x.reshape(20, 9),
        "hidden0": hidden0,
        "activation0": np.maximum(hidden0, 0),
        "hidden1": hidden1,
        "activation1": np.maximum(hidden1, 0),
        "output": np.maximum(hidden1, 0) @ output.T,
    }
    seen = representations(model, torch.from_numpy(x))
    assert list(seen) == list(expected)
    for name, points in seen.items():
        np.testing.assert_allclose(points, expected[name], atol=6e-7)
        np.testing.assert_array_equal(points, np.round(points, 6))


# Principal components


def projected(points):
    centre, axes, share = principal_plane(points)
    return (points - centre) @ axes.T, axes, share


@pytest.mark.parametrize(("n", "units"), [(2, 4), (200, 40)])
def test_a_plane_is_spanned_by_the_covariances_first_eigenvectors(n, units):
    random = np.random.default_rng(n)
    points = random.normal(size=(n, units)) * random.uniform(0.2, 3, units)
    variances, vectors = np.linalg.eigh(np.cov(points.T))  # rising
    plane, axes, share = projected(points)
    assert share == pytest.approx(variances[-2:].sum() / variances.sum())
    np.testing.assert_allclose(plane.var(axis=0, ddof=1), variances[:-3:-1], atol=1e-9)
    assert abs(axes[0] @ vectors[:, -1]) == pytest.approx(1)


def test_the_planes_signs_do_not_depend_on_the_order_of_units():
    points = np.random.default_rng(0).normal(size=(10, 4)) * [5, 3, 1, 1]
    plane, axes, _ = projected(points)
    assert (axes.max(axis=1) == abs(axes).max(axis=1)).all()
    np.testing.assert_allclose(projected(points[:, ::-1])[0], plane, atol=1e-12)


def test_points_that_coincide_lie_on_one_point():
    points = np.tile([1.0, 2, 3], (4, 1))
    plane, _, share = projected(points)
    assert share == 1
    assert not plane.any()
    np.testing.assert_allclose(np.ptp(surrounding(points), axis=0), SPAN)


# Decisions


@pytest.mark.parametrize("shift", [0, 6])
def test_the_plane_is_where_the_network_gives_the_threshold(shift):
    tail = random_network([3, 2, 1])[1:]
    corners = deciding_plane(tail, np.array([[-9.0, -9, -9], [9, 9, 9]]) + shift, 0.2)
    assert len(corners) >= 3
    np.testing.assert_allclose(probabilities(tail, torch.tensor(corners)), 0.2, atol=1e-5)
    on_faces = np.isclose(abs(corners - shift), 9)
    assert (on_faces.sum(axis=1) >= 2).all()  # each on an edge of the box
    around = np.cross(
        np.roll(corners, -1, axis=0) - corners, np.roll(corners, -2, axis=0) - corners
    )
    assert (around @ around[0] > 0).all()  # in order: every corner turns the same way


def test_there_is_no_plane_behind_a_relu_or_out_of_sight():
    box = np.array([[-1.0, -1, -1], [1, 1, 1]])
    bent, straight = random_network([3, 2, 1], "relu")[1:], random_network([3, 1])[1:]
    assert deciding_plane(bent, box, 0.5) is None
    assert deciding_plane(straight, box, 0.5) is not None
    almost = torch.sigmoid(straight[0].weight.abs().sum() - 1e-3).item()  # cuts off a corner
    assert len(deciding_plane(straight, box, almost)) == 3
    assert deciding_plane(straight, box, 1 - 1e-9) is None
    assert deciding_plane(straight, box, 1) is None


def test_the_animation_decides_as_the_network_does_whatever_the_threshold(monkeypatch):
    models, threshold, steps = [random_network([9, 4, 3, 1], "relu") for _ in range(2)], 0.6, []
    models[0].hidden1.weight.data *= 0.5
    before = deepcopy(models)
    x = torch.randn(20, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(stage, "read_history", lambda *_: (range(2), models))
    monkeypatch.setattr(stage, "record", lambda _, show, shown: steps.extend(shown))
    monkeypatch.setattr(stage.files, "write_animation", lambda *_, **__: None)
    stage.animate("relu", x, np.arange(20) % 2, threshold, LINES)
    for (shown, *_), model in zip(steps, before, strict=True):
        points = representations(model, x)["activation1"]
        np.testing.assert_allclose(shown.points * points.max(), points, atol=1e-5)
        corners = torch.tensor(shown.plane * points.max())
        np.testing.assert_allclose(probabilities(model[-2:], corners), threshold, atol=1e-4)


@pytest.mark.parametrize("units", [1, 2, 6])
def test_a_view_shows_all_points_and_what_is_decided(units):
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (60, 1, 3, 3)))
    model = random_network([9, units, 1], "relu")
    points = representations(model, x)["hidden0"]
    seen = view(model, "hidden0", points, 0.6)
    low, high = seen.box
    assert (seen.points > low).all()
    assert (seen.points < high).all()
    assert (seen.diagonal is None) == (units > 2)  # a raster of a projection would tell nothing
    if units < 3:
        assert seen.share == 1
        np.testing.assert_array_equal(seen.points, points)
        cells = np.round((seen.points - low) / (high - low) * (seen.diagonal.shape[-1] - 1))
        columns, *rows = cells.astype(int).T
        said = seen.diagonal[rows[0] if rows else 0, columns]
        expected = probabilities(model, x) > 0.6
        assert 5 < expected.sum() < 55
        assert (said == expected).mean() > 0.9


def test_a_view_names_what_is_dead_and_silent_behind_a_relu_alone():
    model = random_network([9, 3, 1], "relu")
    points = np.array([[0, 0, 1.0], [0, 2, 0], [0, 0, 0], [0, 3, 0], [0, 0, 0]])
    seen = view(model, "activation0", points, 0.5)
    assert (seen.dead, seen.silent) == ((0,), 2)
    seen = view(model, "hidden0", points, 0.5)
    assert (seen.dead, seen.silent) == ((), 0)
