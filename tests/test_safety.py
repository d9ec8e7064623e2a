"""What is stored of float64 weights, and how near to another value they came."""

import math

import numpy as np
import pytest
import torch

from diagonal.ensembles import Ensemble
from diagonal.training import models
from diagonal.training.models import DRIFT, GRID, drifts_to_a_tie, stored, stored_weights
from stages.train import SAFE, _tell_safety


@pytest.fixture
def model():
    return models.relu(25, [5, 3], seed=17, dtype=torch.float64)


def before(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def plant(model, value):
    """Set one weight of the first layer."""
    with torch.no_grad():
        model.hidden0.weight[2, 3] = value


def move_to_multiples(model):
    """Move all weights to where rounding is safest."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(((weight / GRID).round() + 7) * GRID)


def test_float64_is_stored_in_the_nearest_multiples():
    stream = torch.Generator().manual_seed(1)
    weight = torch.rand(10_000, generator=stream, dtype=torch.float64) * 31 - 15.5
    rounded = stored(weight)
    assert rounded.dtype == torch.float32
    np.testing.assert_array_equal(rounded.double() % GRID, 0)
    assert abs(rounded.double() - weight).max() <= GRID / 2
    assert torch.equal(stored(rounded.double()), rounded)
    assert torch.equal(stored(-weight), -rounded)


@pytest.mark.parametrize("weight", [2.0**-21, 3 * 2.0**-21, 0.25 + 2.0**-21, 15.75 - 2.0**-21])
def test_a_tie_goes_to_the_even_multiple(weight):
    multiple = stored(torch.tensor(weight, dtype=torch.float64)).double() / GRID
    assert multiple % 2 == 0
    assert abs(multiple * GRID - weight) == GRID / 2


@pytest.mark.parametrize("weight", [1e-30, 100.123456789, -3e5, 1e30])
def test_what_the_grid_does_not_reach_is_a_float32_rounding(weight):
    found = stored(torch.tensor(weight, dtype=torch.float64))
    assert abs(found.item() - weight) <= max(GRID / 2, abs(weight) * 2**-23)


def test_float32_keeps_its_bits(model):
    lecture = models.relu(25, [5, 3], seed=17)
    assert all(map(torch.equal, stored_weights(lecture).values(), lecture.parameters()))
    finer = [weight for weight in lecture.parameters() if (weight.double() % GRID).any()]
    assert finer, "multiples anyway: rounding them would not show"


def test_ensembles_store_what_models_store(model):
    ensemble = Ensemble([model, model], lr=0.1, n_epochs=1)
    for name, weight in stored_weights(model).items():
        assert torch.equal(ensemble.stored_weights()[name], weight.expand(2, -1, -1))


@pytest.mark.parametrize("drifts", [0, 1, 5, 1000])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("tie", [0.5, 100_000.5, -77_777.5])
def test_a_weight_planted_near_a_tie_is_found(model, drifts, side, tie):
    initial, n_epochs = before(model), 100
    move_to_multiples(model)
    plant(model, tie * GRID + side * drifts * DRIFT * n_epochs)
    assert drifts_to_a_tie(model, initial, n_epochs) == pytest.approx(drifts, abs=0.01)


def test_a_drift_beyond_the_distance_changes_what_is_stored(model):
    initial = before(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.37)
    distance = drifts_to_a_tie(model, initial, 1) * DRIFT
    changed = []
    for share in (0.99, 1.01):
        near = [torch.stack([stored(weight + sign * share * distance) for sign in (-1, 1)])
                for weight in model.parameters()]  # fmt: skip
        changed.append(sum((low != high).sum().item() for low, high in near))
    assert changed == [0, 1]


def test_a_weight_that_never_moved_does_not_count(model):
    plant(model, 0.5 * GRID)
    initial = before(model)
    assert drifts_to_a_tie(model, initial, 100) == math.inf
    with torch.no_grad():
        model.output.weight.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
    assert drifts_to_a_tie(model, initial, 1) == GRID / 2 / DRIFT


def test_longer_training_is_less_safe(model):
    initial = before(model)
    plant(model, 0.3)
    assert drifts_to_a_tie(model, initial, 100) == drifts_to_a_tie(model, initial, 10) / 10


def test_training_says_how_safe_its_bytes_are_and_warns_below_a_factor(capsys):
    told = "relu: the weight nearest to a rounding tie is {} drifts from it{}\n"
    _tell_safety("relu", SAFE * 1234.5)
    assert capsys.readouterr().err == told.format("1.2e+04", ", safe")
    _tell_safety("relu", 3.0)
    risk = ": on another machine its last bit may differ"
    assert capsys.readouterr().err == told.format("3", risk)
