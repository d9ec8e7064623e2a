import numpy as np
import pytest
import torch
from torch import nn

from diagonal.training import models
from diagonal.training.models import linear

SHAPES = [(25, 1), (25, 5), (5, 3), (3, 1), (100, 7), (784, 16)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(5))
def test_initial_weights_are_those_of_nn_linear(shape, seed):
    torch.manual_seed(seed)
    expected = nn.Linear(*shape, bias=False).weight
    expected_next = torch.rand(1)
    for dtype, ulps in [(torch.float32, 0), (torch.float64, 1)]:
        torch.manual_seed(seed)
        weight = linear(*shape, dtype).weight
        assert torch.rand(1) == expected_next, "the stream stands elsewhere"
        assert weight.dtype == dtype
        distance = abs(weight.float().detach().numpy().view(np.int32).astype(np.int64)
                       - expected.detach().numpy().view(np.int32))  # fmt: skip
        assert distance.max() <= ulps or abs(weight.float() - expected).max() < 1e-9


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
    ours = models.relu(25, [5, 3], seed=17)
    assert str(ours) == str(slides)
    assert all(map(torch.equal, ours.parameters(), slides.parameters()))
    assert [name for name, _ in models.logistic(25, seed=17).named_children()] == [
        "flatten", "output", "sigmoid",
    ]  # fmt: skip


@pytest.mark.parametrize("scale", [0.5, 2.0, 1024.0])
def test_a_relu_network_scales_with_its_input(scale):
    model = models.relu(25, [5, 3], seed=17, dtype=torch.float64)[:-1]  # without the sigmoid
    x = torch.randn(20, 25, dtype=torch.float64)
    assert torch.equal(model(scale * x), scale * model(x))
    assert not torch.equal(model(-x), -model(x)), "a network without activations would do that"


def test_building_a_model_leaves_the_seed_to_the_caller():
    assert not torch.equal(
        models.logistic(25, seed=1).output.weight, models.logistic(25, seed=2).output.weight
    )
