"""Descent against its oracle: the lecture's plain loop through autograd, to the last bit."""

import copy

import lecture_loop
import numpy as np
import pytest
import torch
from torch import nn, optim

from diagonal.training.descent import Descent, known
from diagonal.training.models import network

N_IMAGES, N_EPOCHS, LR = 35, 3, 0.2  # 35 leaves a short last batch for most batch sizes


def batches(n_pixels=4, batch_size=16, dtype=torch.float32, seed=0, scale=1.0):
    stream = np.random.RandomState(seed)
    x = torch.as_tensor(scale * stream.standard_normal((N_IMAGES, 1, 1, n_pixels)), dtype=dtype)
    y = torch.as_tensor(stream.randint(0, 2, (N_IMAGES, 1)), dtype=dtype)
    return list(zip(x.split(batch_size), y.split(batch_size), strict=True))


def descent(model, loader):
    made = Descent(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=LR))
    made.set_loaders(loader, loader)
    return made


def assert_equal_bits(model, loader):
    """Train the model both ways from the same weights and compare all that comes out."""
    assert known(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=LR))
    oracle = copy.deepcopy(model)
    expected = lecture_loop.train(oracle, loader, loader, n_epochs=N_EPOCHS, lr=LR)
    ours = descent(model, loader)
    ours.train(N_EPOCHS)
    np.testing.assert_array_equal((ours.losses, ours.val_losses), expected)
    for name, weight in oracle.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight), name
    return ours


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("sizes", "batch_size", "activation"),
    [
        ([25, 1], 17, "none"),
        ([25, 5, 3, 1], 16, "relu"),
        ([4, 1, 1], 1, "sigmoid"),
        ([9, 8, 7, 6, 5, 1], 2, "tanh"),
    ],
)
def test_weights_and_losses_have_the_bits_of_autograd(sizes, batch_size, activation, dtype):
    model = network(sizes, activation, seed=17, dtype=dtype)
    assert_equal_bits(model, batches(sizes[0], batch_size, dtype))


def test_saturated_probabilities_are_treated_as_autograd_treats_them():
    model = network([4, 3, 1], seed=17, dtype=torch.float64)
    loader = batches(4, 16, torch.float64, scale=1e4)
    probability = model(torch.cat([x for x, _ in loader]))
    assert ((probability == 0) | (probability == 1)).any()  # log 0, and 0 / 0 in its derivative
    assert max(assert_equal_bits(model, loader).losses) > 10


def linear(n_in, n_out):
    return nn.Linear(n_in, n_out, bias=False)


def layers(*modules):
    return nn.Sequential(nn.Flatten(), *modules, nn.Sigmoid())


class Doubled(nn.Sequential):
    """A subclass may do anything."""

    def forward(self, x):
        return super().forward(2 * x)


UNKNOWN = {
    "a bias": layers(linear(4, 3), nn.Linear(3, 1)),
    "dropout": layers(linear(4, 8), nn.Dropout(0.5), linear(8, 1)),
    "no flatten": nn.Sequential(linear(4, 1), nn.Sigmoid()),
    "nothing to train": layers(),
    "a subclass of the sequence": Doubled(nn.Flatten(), linear(4, 1), nn.Sigmoid()),
}


@pytest.mark.parametrize("model", UNKNOWN.values(), ids=UNKNOWN)
def test_other_models_are_not_known(model):
    assert not known(model, nn.BCELoss(), optim.SGD([torch.zeros(1)], lr=LR))


def test_other_losses_and_optimizers_are_not_known():
    model = network([4, 3, 1], seed=17)
    momentum = optim.SGD(model.parameters(), lr=LR, momentum=0.9)
    for loss_fn, optimizer in (
        (nn.BCELoss(), momentum),
        (nn.BCELoss(), optim.Adam(model.parameters(), lr=LR)),
        (nn.MSELoss(), optim.SGD(model.parameters(), lr=LR)),
    ):
        assert not known(model, loss_fn, optimizer)


def test_after_a_move_the_weights_that_are_trained_are_the_models():
    model = network([4, 3, 1], seed=17)
    ours = descent(model, batches())
    model.load_state_dict({k: w.clone() for k, w in model.state_dict().items()}, assign=True)
    ours.to("cpu")
    before = model.hidden0.weight.clone()
    ours.train(1)
    assert not torch.equal(model.hidden0.weight, before)
