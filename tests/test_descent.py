"""Descent against its oracle: the lecture's plain loop through autograd, to the last bit."""

import copy

import numpy as np
import pytest
import torch
from torch import nn, optim

from diagonal.training.architecture import Architecture
from diagonal.training.descent import Descent, known
from diagonal.training.models import network

N_IMAGES, N_EPOCHS, LR = 35, 3, 0.1  # 35 leaves a short last batch for most batch sizes


def batches(n_pixels=4, batch_size=16, dtype=torch.float32, seed=0, scale=1.0):
    stream = np.random.RandomState(seed)
    x = torch.as_tensor(scale * stream.standard_normal((N_IMAGES, 1, 1, n_pixels)), dtype=dtype)
    y = torch.as_tensor(stream.randint(0, 2, (N_IMAGES, 1)), dtype=dtype)
    return list(zip(x.split(batch_size), y.split(batch_size), strict=True))


def plain_loop(model, loss_fn, optimizer, loader, n_epochs=N_EPOCHS):
    """Train as the slides do; return training and validation losses by epoch."""
    losses, val_losses = [], []
    torch.manual_seed(42)
    for _ in range(n_epochs):
        model.train()
        epoch = []
        for x, y in loader:
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            epoch.append(loss.item())
        losses.append(np.mean(epoch))
        model.eval()
        with torch.no_grad():
            val_losses.append(np.mean([loss_fn(model(x), y).item() for x, y in loader]))
    return losses, val_losses


def assert_equal_bits(model, loader, *, loss_fn=None, optimizer=None, expect_known=True):
    """Train the model both ways from the same weights and compare all that comes out."""
    loss_fn = loss_fn or nn.BCELoss()
    optimizer = optimizer or (lambda model: optim.SGD(model.parameters(), lr=LR))
    oracle = copy.deepcopy(model)
    expected = plain_loop(oracle, loss_fn, optimizer(oracle), loader)

    architecture = Architecture(model, loss_fn, optimizer(model))
    architecture.set_loaders(loader, loader)
    assert known(model, loss_fn, architecture.optimizer) == expect_known
    architecture.train(N_EPOCHS, seed=42)
    np.testing.assert_array_equal((architecture.losses, architecture.val_losses), expected)
    for name, weight in oracle.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight), name
    return architecture


DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


@DTYPES
@pytest.mark.parametrize("activation", [None, nn.ReLU, nn.Sigmoid])
@pytest.mark.parametrize("batch_size", [1, 2, 16, 17, 64])
@pytest.mark.parametrize(
    "sizes", [[25, 1], [25, 5, 3, 1], [4, 1, 1], [9, 8, 7, 6, 5, 1], [784, 33, 1]]
)
def test_weights_and_losses_have_the_bits_of_autograd(sizes, batch_size, activation, dtype):
    model = network(sizes, activation, seed=17, dtype=dtype)
    assert_equal_bits(model, batches(sizes[0], batch_size, dtype))


@DTYPES
def test_they_have_them_whatever_the_seed(dtype):
    for seed in range(50):
        model = network([25, 5, 3, 1], nn.ReLU, seed=seed, dtype=dtype)
        assert_equal_bits(model, batches(25, 16, dtype, seed))


@DTYPES
def test_saturated_probabilities_are_treated_as_autograd_treats_them(dtype):
    model = network([4, 3, 1], seed=17, dtype=dtype)
    loader = batches(4, 16, dtype, scale=1e4)
    probability = model(torch.cat([x for x, _ in loader]))
    assert ((probability == 0) | (probability == 1)).any()  # log 0, and 0 / 0 in its derivative
    architecture = assert_equal_bits(model, loader)
    assert max(architecture.losses) > 10


def test_dead_relus_stay_dead():
    model = network([4, 3, 1], nn.ReLU, seed=17, dtype=torch.float64)
    with torch.no_grad():
        model.hidden0.weight.fill_(-1)
    loader = [(x.abs(), y) for x, y in batches(4, 16, torch.float64)]
    assert_equal_bits(model, loader)
    assert (model.hidden0.weight == -1).all()


def test_an_activation_may_come_first_and_last():
    model = nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(4, 1, bias=False), nn.Sigmoid())
    assert_equal_bits(model, batches())
    model = nn.Sequential(nn.Flatten(), nn.Sigmoid(), *list(model)[2:], nn.ReLU(), nn.Sigmoid())
    assert_equal_bits(model, batches())


def test_the_learning_rate_is_read_anew():
    model, oracle = (network([4, 3, 1], seed=1, dtype=torch.float32) for _ in range(2))
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def halve(*_):
        optimizer.param_groups[0]["lr"] /= 2

    architecture = Architecture(model, nn.BCELoss(), optimizer)
    architecture.set_loaders(batches())
    architecture.train(3, on_epoch=halve)
    for lr in (0.1, 0.05, 0.025):
        plain_loop(oracle, nn.BCELoss(), optim.SGD(oracle.parameters(), lr=lr), batches(), 1)
    assert torch.equal(model.output.weight, oracle.output.weight)


def test_no_gradient_is_left_behind_and_autograd_can_go_on():
    model = network([4, 3, 1], seed=17, dtype=torch.float32)
    architecture = assert_equal_bits(model, batches())
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert architecture.update(*batches()[0]).item() > 0


def layers(*modules):
    return nn.Sequential(nn.Flatten(), *modules, nn.Sigmoid())


def linear(n_in, n_out):
    return nn.Linear(n_in, n_out, bias=False)


def shared():
    layer = linear(4, 4)
    return layers(layer, nn.ReLU(), layer, linear(4, 1))


def frozen():
    model = layers(linear(4, 3), linear(3, 1))
    model[1].weight.requires_grad_(False)
    return model


def forward_hooked():
    model = layers(linear(4, 1))
    model[1].register_forward_hook(lambda module, args, out: 2 * out)
    return model


def backward_hooked():
    model = layers(linear(4, 3), linear(3, 1))
    model[2].register_full_backward_hook(lambda module, into, out: (2 * into[0],))
    return model


class Doubled(nn.Sequential):
    """A subclass may do anything."""

    def forward(self, x):
        return super().forward(2 * x)


UNKNOWN_MODELS = {
    "dropout": lambda: layers(linear(4, 8), nn.Dropout(0.5), linear(8, 1)),
    "bias": lambda: layers(nn.Linear(4, 1)),
    "tanh": lambda: layers(linear(4, 3), nn.Tanh(), linear(3, 1)),
    "batch norm": lambda: layers(linear(4, 3), nn.BatchNorm1d(3), linear(3, 1)),
    "nested": lambda: layers(nn.Sequential(linear(4, 3), nn.ReLU()), linear(3, 1)),
    "in place": lambda: layers(linear(4, 3), nn.ReLU(inplace=True), linear(3, 1)),
    "another flatten": lambda: nn.Sequential(nn.Flatten(0, 2), linear(4, 1), nn.Sigmoid()),
    "a layer twice": shared,
    "a forward hook": forward_hooked,
    "a backward hook": backward_hooked,
    "a subclass": lambda: Doubled(nn.Flatten(), linear(4, 1), nn.Sigmoid()),
}


@pytest.mark.parametrize("build", UNKNOWN_MODELS.values(), ids=UNKNOWN_MODELS)
def test_other_models_are_left_to_autograd(build):
    torch.manual_seed(17)
    model = build()
    loader = batches(batch_size=18)  # batch norm takes no batch of a single image
    assert_equal_bits(model, loader, expect_known=False)


def test_frozen_weights_stay():
    torch.manual_seed(17)
    model = frozen()
    before = model[1].weight.clone()
    assert_equal_bits(model, batches(), expect_known=False)
    assert torch.equal(model[1].weight, before)


UNKNOWN_OPTIMIZERS = {
    "momentum": lambda model: optim.SGD(model.parameters(), lr=LR, momentum=0.9),
    "weight decay": lambda model: optim.SGD(model.parameters(), lr=LR, weight_decay=0.1),
    "maximize": lambda model: optim.SGD(model.parameters(), lr=LR, maximize=True),
    "adam": lambda model: optim.Adam(model.parameters(), lr=LR),
    "two groups": lambda model: optim.SGD(
        [{"params": [model[1].weight]}, {"params": [model[2].weight], "lr": 0.5}], lr=LR
    ),
    "not every weight": lambda model: optim.SGD([model[2].weight], lr=LR),
}


@pytest.mark.parametrize("build", UNKNOWN_OPTIMIZERS.values(), ids=UNKNOWN_OPTIMIZERS)
def test_other_optimizers_are_left_to_autograd(build):
    torch.manual_seed(17)
    model = layers(linear(4, 3), linear(3, 1))
    assert_equal_bits(model, batches(), optimizer=build, expect_known=False)


def test_a_bias_that_does_not_train_is_left_to_autograd():
    def weight_only(model):
        return optim.SGD([model[1].weight], lr=LR)

    model = layers(nn.Linear(4, 1))
    assert_equal_bits(model, batches(), optimizer=weight_only, expect_known=False)


def test_a_scheduled_learning_rate_is_left_to_autograd():
    model = layers(linear(4, 1))
    optimizer = optim.SGD(model.parameters(), lr=LR)
    assert known(model, nn.BCELoss(), optimizer)
    optim.lr_scheduler.StepLR(optimizer, step_size=1)
    assert not known(model, nn.BCELoss(), optimizer)


def test_a_hook_on_a_weight_is_left_to_autograd():
    model = layers(linear(4, 1))
    model[1].weight.register_hook(lambda gradient: 2 * gradient)
    assert not known(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=LR))


def test_a_gradient_that_is_waiting_is_left_to_autograd():
    model = layers(linear(4, 1))
    optimizer = optim.SGD(model.parameters(), lr=LR)
    model[1].weight.grad = torch.ones(1, 4)
    assert not known(model, nn.BCELoss(), optimizer)


UNKNOWN_LOSSES = {
    "squared error": nn.MSELoss(),
    "sum": nn.BCELoss(reduction="sum"),
    "weighted": nn.BCELoss(weight=torch.tensor([3.0])),
    "with logits": nn.BCEWithLogitsLoss(),
    "a function": nn.functional.binary_cross_entropy,
}


@pytest.mark.parametrize("loss_fn", UNKNOWN_LOSSES.values(), ids=UNKNOWN_LOSSES)
def test_other_losses_are_left_to_autograd(loss_fn):
    model = network([4, 3, 1], seed=17, dtype=torch.float32)
    assert_equal_bits(model, batches(), loss_fn=loss_fn, expect_known=False)


def test_descent_updates_in_place_what_the_optimizer_holds():
    model = network([4, 1], seed=17, dtype=torch.float32)
    weight, before = model.output.weight, model.output.weight.clone()
    optimizer = optim.SGD(model.parameters(), lr=LR)
    with torch.no_grad():
        Descent(model, optimizer).update(*batches()[0])
    assert weight is model.output.weight
    assert weight is optimizer.param_groups[0]["params"][0]
    assert not torch.equal(weight, before)
