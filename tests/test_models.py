"""Networks as the slides have them, what is stored of them, and what is read back."""

import numpy as np
import pytest
import torch
from torch import nn

from diagonal.errors import InputError
from diagonal.pipeline import files
from diagonal.pipeline.models import MODELS
from diagonal.training.models import (
    GRID,
    Input,
    linear,
    network,
    probabilities,
    read_history,
    read_model,
    restored,
    rounded_to_grid,
    rounded_weights,
)


@pytest.mark.parametrize(("shape", "seed", "bias"), [((3, 1), 0, True), ((784, 16), 2**31, False)])
def test_initial_weights_are_those_of_nn_linear(shape, seed, bias):
    torch.manual_seed(seed)
    expected = nn.Linear(*shape, bias=bias)
    stream = torch.get_rng_state()
    for dtype, ulps in [(torch.float32, 0), (torch.float64, 1)]:
        torch.manual_seed(seed)
        layer = linear(*shape, bias, dtype)
        assert torch.equal(torch.get_rng_state(), stream), "the stream stands elsewhere"
        assert {each.dtype for each in layer.parameters()} == {dtype}
        for ours, theirs in zip(layer.parameters(), expected.parameters(), strict=True):
            bits = (each.detach().float().view(torch.int32).long() for each in (ours, theirs))
            near_zero = (ours.float() - theirs).abs() < 1e-9
            assert (near_zero | (next(bits) - next(bits)).abs().le(ulps)).all()


def test_models_are_those_on_the_slides():
    slides = nn.Sequential()
    torch.manual_seed(17)
    slides.add_module("flatten", nn.Flatten())
    slides.add_module("hidden0", nn.Linear(25, 5, bias=False))
    slides.add_module("activation0", nn.ReLU())
    slides.add_module("hidden1", nn.Linear(5, 3, bias=False))
    slides.add_module("activation1", nn.ReLU())
    slides.add_module("output", nn.Linear(3, 1, bias=False))
    slides.add_module("sigmoid", nn.Sigmoid())
    ours = network([25, 5, 3, 1], "relu", seed=17)
    assert str(ours) == str(slides)
    assert all(map(torch.equal, ours.parameters(), slides.parameters()))
    names = [name for name, _ in network([25, 1], seed=17).named_children()]
    assert names == ["flatten", "output", "sigmoid"]
    activations = [MODELS[name].activation for name in ("logistic", "deepish", "relu")]
    assert activations == ["none", "none", "relu"]


# What is stored


def test_float64_is_stored_in_the_nearest_multiples_of_the_grid():
    stream = torch.Generator().manual_seed(1)
    weight = torch.rand(10_000, generator=stream, dtype=torch.float64) * 31 - 15.5
    rounded = rounded_to_grid(weight)
    assert rounded.dtype == torch.float32
    np.testing.assert_array_equal(rounded.double() % GRID, 0)
    assert abs(rounded.double() - weight).max() <= GRID / 2
    assert torch.equal(rounded_to_grid(rounded.double()), rounded)
    ties = torch.tensor([2.0**-21, 15.75 - 2.0**-21], dtype=torch.float64)
    assert (rounded_to_grid(ties).double() / GRID % 2 == 0).all(), "a tie goes to the even multiple"


def test_float32_keeps_its_bits():
    lecture = network([25, 5, 3, 1], "relu", seed=17)
    assert all(map(torch.equal, rounded_weights(lecture).values(), lecture.parameters()))
    finer = [weight for weight in lecture.parameters() if (weight.double() % GRID).any()]
    assert finer, "multiples anyway: rounding them would not show"


# What is read back


def stored(model):
    return {name: weight.numpy() for name, weight in rounded_weights(model).items()}


def write(weights):
    """Write weights where relu's stage does."""
    takes = Input(shape=(1, 5, 5), mean=0.5, std=0.5)
    metadata = {"input": takes.model_dump_json()}
    files.write_tensors("models/relu.safetensors", weights, metadata)


@pytest.mark.parametrize(("sizes", "activation"), [([4, 1], "none"), ([25, 5, 3, 1], "prelu")])
def test_a_restored_model_is_the_trained_one_rounded_in_float64(sizes, activation):
    model = network(sizes, activation, seed=3, dtype=torch.float64)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.37)  # no longer the initial ones of any seed
    again = restored(stored(model), activation)
    assert str(again) == str(model)
    assert not again.training
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, weight in again.state_dict().items():
        assert weight.dtype == torch.float64
        assert (weight - model.state_dict()[name]).abs().max() <= GRID / 2


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A relu model and its history of two epochs, written where the stage does: its weights."""
    monkeypatch.chdir(tmp_path)
    weights = stored(network([25, 5, 3, 1], "relu", seed=1, dtype=torch.float64))
    write(weights)
    history = {name: np.stack([weight, weight]) for name, weight in weights.items()}
    files.write_tensors("models/relu_history.safetensors", {"epoch": np.arange(2), **history})
    return weights


BROKEN = {
    "a tensor less": lambda w: {"hidden0.weight": w["hidden0.weight"]},
    "another type": lambda w: {name: weight.astype(np.float16) for name, weight in w.items()},
    "not finite": lambda w: {name: weight * np.nan for name, weight in w.items()},
}


@pytest.mark.parametrize("break_", BROKEN.values(), ids=BROKEN)
def test_tensors_that_are_no_network_are_refused_in_a_line(weights, break_):
    write(break_(weights))
    with pytest.raises(InputError, match=r"^models/relu\.safetensors: expected [^\n]+$"):
        read_model("relu", 25)


@pytest.mark.parametrize("read", [read_model, read_history])
def test_a_network_of_other_images_is_refused(weights, read):
    with pytest.raises(InputError, match=r"expected a network for 16 pixels, found one for 25$"):
        read("relu", 16)


@pytest.mark.parametrize("logit", [-1e4, 0.25])
def test_probabilities_are_rounded_to_9_decimals_saturated_or_not(logit):
    model = restored({"output.weight": np.array([[logit]], np.float32)}, "none")
    expected = 1 / (1 + np.exp(-logit)) if logit > -700 else 0
    found = probabilities(model, torch.ones(1, 1, 1, 1))
    assert found.tolist() == [round(expected, 9)]
    assert found.dtype == np.float64
