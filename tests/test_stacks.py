"""A member of a stack is the network that the ordinary trainer makes of it alone."""

import numpy as np
import pytest
import torch
from torch import nn, optim
from torch.utils.data import RandomSampler

from diagonal.claims.batches import Batches, draw_counts, every_input
from diagonal.claims.stacks import Stack
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import train_val_split
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import batches as ordinary
from diagonal.training.architecture import Architecture
from diagonal.training.models import network, quantized_weights
from diagonal.training.sampling import make_balanced_sampler, weighted_sampler

SEEDS = [0, 7, 255]
N_EPOCHS = 6


@pytest.fixture(scope="module")
def lines():
    """Draw the lecture's images: images, labels, and the training images' places in them."""
    images, labels = generate_dataset(5, 300, seed=13)
    return (
        torch.from_numpy(images),
        torch.from_numpy(labels),
        train_val_split(labels, [8, 2], 13)[0],
    )


def balanced(labels):
    return make_balanced_sampler(labels)


def shuffled(labels):
    return RandomSampler(labels, generator=torch.Generator())


def unweighted(labels):
    return weighted_sampler(torch.ones(len(labels)))


def stacked(lines, build, sampler, *, hflip=0.5, batch_size=16, lr=0.1, labels_of=None):
    images, labels, train = lines
    inputs = every_input(5)
    shown = inputs.find(images[train].numpy())
    counts = draw_counts(
        np.stack([shown, inputs.mirror[shown]], axis=1),
        len(inputs.images),
        [sampler(labels[train]) for _ in SEEDS],
        seeds=SEEDS,
        hflip=hflip,
        n_epochs=N_EPOCHS,
        batch_size=batch_size,
    )
    stack = Stack([build(seed) for seed in SEEDS])
    y = torch.from_numpy(labels_of(inputs) if labels_of else inputs.labels)
    for _ in stack.train(Batches(inputs.x(), y, counts), lr):
        pass
    return stack


def alone(lines, build, seed, sampler, *, hflip=0.5, batch_size=16, lr=0.1):
    images, labels, train = lines
    model = build(seed)
    architecture = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=lr))
    architecture.set_loaders(
        ordinary.Batches(
            images,
            labels,
            torch.from_numpy(train),
            batch_size=batch_size,
            sampler=sampler(labels[train]),
            hflip=hflip,
            transform=scale_and_normalize(0.5, 0.5),
            dtype=torch.float64,
        ),
        ordinary.Batches(images[:3], labels[:3], batch_size=3, dtype=torch.float64),
    )
    architecture.train(N_EPOCHS, seed)
    return quantized_weights(model)


def build_of(hidden, activation, bias=False):
    return lambda seed: network(
        [25, *hidden, 1], activation, bias=bias, seed=seed, dtype=torch.float64
    )


@pytest.mark.parametrize(
    ("build", "sampler", "options"),
    [
        (build_of([], "none"), balanced, {}),
        (build_of([], "none", bias=True), balanced, {"lr": 0.3}),
        (build_of([5, 3], "none"), unweighted, {}),
        (build_of([5, 3], "sigmoid"), balanced, {"lr": 1.0}),
        (build_of([5, 3], "tanh"), shuffled, {"batch_size": 100}),
        (build_of([5, 3], "relu"), balanced, {"hflip": 0.0}),
        (build_of([5, 3], "relu", bias=True), shuffled, {"batch_size": 7}),
        (build_of([5] * 6, "leaky_relu"), balanced, {}),
        (build_of([4], "prelu"), balanced, {"lr": 0.3}),
        (build_of([5, 3], "prelu", bias=True), balanced, {}),
    ],
)
def test_each_members_stored_weights_are_those_of_the_ordinary_trainer(
    lines, build, sampler, options
):
    weights = stacked(lines, build, sampler, **options).stored()
    for place, seed in enumerate(SEEDS):
        expected = alone(lines, build, seed, sampler, **options)
        assert set(expected) == set(weights)
        for name, each in expected.items():
            assert torch.equal(weights[name][place].float(), each), (name, seed)


def test_three_classes_are_trained_as_pytorchs_cross_entropy_does():
    inputs = every_input(5)
    torch.manual_seed(0)
    models = [network([25, 4, 3], "tanh", seed=s, dtype=torch.float64) for s in SEEDS]
    stack = Stack(models)
    counts = torch.randint(1, 5, (1, 1, len(SEEDS), len(inputs.images)), dtype=torch.int16)
    x, y = inputs.x(), torch.from_numpy(inputs.targets)
    for _ in stack.train(Batches(x, y, counts), 0.2):
        pass
    for place, model in enumerate(models):
        optimizer = optim.SGD(model.parameters(), lr=0.2)
        rows = torch.arange(len(y)).repeat_interleave(counts[0, 0, place].long())
        nn.CrossEntropyLoss()(model[:-1](x[rows]), y[rows]).backward()
        optimizer.step()
        for name, each in model.state_dict().items():
            torch.testing.assert_close(stack.weights[name][place], each, rtol=0, atol=1e-14)
        answer = stack.values(x)["probability"][place].t()
        torch.testing.assert_close(answer, model(x).detach(), rtol=0, atol=1e-14)


def test_layers_values_are_those_of_the_networks(lines):
    build = build_of([5, 3], "prelu", bias=True)
    stack, inputs = Stack([build(seed) for seed in SEEDS]), every_input(5)
    values = stack.values(inputs.x())
    for place, seed in enumerate(SEEDS):
        value = inputs.x()
        for name, layer in build(seed).named_children():
            value = layer(value)
            if name in values:
                torch.testing.assert_close(values[name][place].t(), value, rtol=0, atol=1e-14)
    assert list(values)[-2:] == ["output", "probability"]


def test_the_inputs_are_all_lines_and_their_mirror_images_once():
    for size in (2, 3, 5, 8):
        inputs = every_input(size)
        flat = inputs.images.reshape(len(inputs.images), -1)
        assert len(np.unique(flat, axis=0)) == len(flat)
        assert inputs.population.sum() == 3 * (2 * size - 1)
        assert np.array_equal(inputs.images[inputs.mirror], inputs.images[..., ::-1])
        assert np.array_equal(inputs.labels[inputs.mirror], inputs.labels)
        drawn, labels = generate_dataset(size, 200, binary=False, seed=size)
        places = inputs.find(drawn)
        assert np.array_equal(inputs.images[places], drawn)
        assert np.array_equal(inputs.targets[places], labels)
        assert (inputs.population[places] > 0).all()
