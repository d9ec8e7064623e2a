"""Stored networks as functions of arrays, held against the modules that were trained."""

import numpy as np
import pytest
import torch

from diagonal import inference
from diagonal.training import models


def test_the_models_are_those_that_are_trained():
    rectified = {name: activation is not None for name, activation in models.ACTIVATIONS.items()}
    assert rectified == inference.RECTIFIED


def stored(model):
    return {name: weight.numpy() for name, weight in models.stored_weights(model).items()}


@pytest.mark.parametrize("name", inference.RECTIFIED)
@pytest.mark.parametrize(("size", "hidden"), [(2, [3]), (5, [5, 3]), (7, [8, 6, 4, 2])])
def test_each_layer_makes_of_images_what_its_module_makes(name, size, hidden):
    own = {} if name == "logistic" else {"hidden": hidden}
    model = getattr(models, name)(size**2, **own, seed=3, dtype=torch.float64)
    weights = stored(model)
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}
    model.load_state_dict({key: torch.from_numpy(array) for key, array in weights.items()})
    layers = inference.layers(weights, inference.RECTIFIED[name])
    assert list(layers) == [key for key, _ in model.named_children()]
    x = np.random.default_rng(0).normal(size=(20, 1, size, size)).astype(np.float32)
    values, expected = x, torch.from_numpy(x).double()
    for layer, module in zip(layers.values(), model, strict=True):
        values, expected = layer(values), module(expected)
        np.testing.assert_allclose(values, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(
        inference.probabilities(layers, x), np.round(expected.detach().numpy()[:, 0], 9)
    )


@pytest.mark.parametrize("logit", [-1e4, -750.0, -30.0, 0.0, 30.0, 750.0, 1e4])
def test_saturated_outputs_are_pytorchs(logit):
    layers = inference.layers({"output.weight": np.array([[logit]], np.float32)}, False)
    expected = torch.sigmoid(torch.tensor(logit, dtype=torch.float64)).item()
    assert inference.probabilities(layers, np.ones((1, 1, 1, 1))) == round(expected, 9)


def test_equal_images_get_equal_probabilities():
    layers = inference.layers(
        stored(models.deepish(25, [5, 3], seed=1, dtype=torch.float64)), False
    )
    image = np.random.default_rng(0).normal(size=(1, 1, 5, 5)).astype(np.float32)
    probability = inference.probabilities(layers, np.repeat(image, 61, axis=0))
    assert len(set(probability)) == 1
    assert probability.dtype == np.float64


@pytest.mark.parametrize(("size", "hidden"), [(25, [5, 3]), (9, [4]), (100, [7, 6, 5, 4])])
def test_deepish_collapses_to_one_matrix(size, hidden):
    model = models.deepish(size, hidden, seed=3, dtype=torch.float64)
    matrix = inference.collapsed(
        {name: weight.numpy() for name, weight in model.state_dict().items()}
    )
    assert matrix.shape == (1, size)
    x = torch.randn(50, size, dtype=torch.float64)
    torch.testing.assert_close(torch.sigmoid(x @ torch.from_numpy(matrix).T), model(x))


def test_logistic_is_its_own_matrix():
    weights = stored(models.logistic(25, seed=1))
    np.testing.assert_array_equal(inference.collapsed(weights), weights["output.weight"])
