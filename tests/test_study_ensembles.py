"""Ensembles compute for all members what separate networks compute, and train as they do."""

import numpy as np
import pytest
import torch
from study_oracle import BASE
from torch import nn, optim

from diagonal.training.models import network
from study.trainings.draws import CountedBatches, concatenated
from study.trainings.ensembles import Ensemble
from study.trainings.inputs import every_input
from study.trainings.lines import RELU, Settings, batches_of, members, networks

THREE = members(3)


def train(ensemble, batches, lr=0.1, **options):
    for _ in ensemble.train(batches, lr, **options):
        pass


def test_members_with_fewer_batches_are_trained_beside_others():
    batches = batches_of(BASE, THREE, RELU)
    few = CountedBatches(batches.x, batches.y, batches.counts[:, :5])
    ensemble = Ensemble(networks(BASE, THREE, RELU) * 2)
    train(ensemble, concatenated([batches, few]))
    for part, own in ((slice(0, 3), batches), (slice(3, 6), few)):
        alone = Ensemble(networks(BASE, THREE, RELU))
        train(alone, own)
        for name, weight in alone.stored().items():
            assert torch.equal(ensemble.stored()[name][part], weight)


def random_batch(outputs=1):
    """Make inputs, labels and shares of three members' mini-batches, all at random."""
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(20, 9, dtype=torch.float64, generator=stream)
    share = torch.rand(3, 20, dtype=torch.float64, generator=stream)
    return x, torch.arange(20) % max(outputs, 2), share / share.sum(1, keepdim=True)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("activation", ["none", "sigmoid", "tanh", "relu", "leaky_relu", "prelu"])
def test_values_and_gradients_are_autograds_on_the_separate_networks(activation, outputs):
    options = {"bias": True, "dtype": torch.float64}
    models = [network([9, 5, 4, outputs], activation, seed=s, **options) for s in range(3)]
    x, y, share = random_batch(outputs)
    ensemble = Ensemble(models)
    values, gradients = ensemble.values(x), ensemble.gradients(x, y, share)
    assert list(values)[-2:] == ["sigmoid" if outputs == 1 else "softmax", "probability"]
    for place, model in enumerate(models):
        probability = model(x)
        if outputs == 1:
            loss = nn.BCELoss(reduction="none")(probability[:, 0], y.double())
        else:
            loss = nn.CrossEntropyLoss(reduction="none")(model[:-1](x), y)
        (loss * share[place]).sum().backward()
        for name, weight in model.named_parameters():
            torch.testing.assert_close(gradients[name][place], weight.grad, rtol=0, atol=1e-14)
        for layer in range(1, len(model)):
            found = values[list(dict(model.named_children()))[layer]][place].t()
            torch.testing.assert_close(found, model[: layer + 1](x).detach(), rtol=0, atol=1e-14)
        torch.testing.assert_close(values["probability"][place].t(), probability.detach())


def test_momentum_and_fixed_weights_are_those_of_torchs_optimizer():
    _, y, _ = random_batch()
    x = torch.randn(20, 25, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    counts = torch.randint(0, 4, (5, 3, 3, 20), generator=torch.Generator().manual_seed(2))
    counts[0, 2, 1] = 0  # an empty batch: no step where there is no momentum yet to be had
    batches, models = CountedBatches(x, y, counts), networks(BASE, THREE, Settings("prelu"))
    ensemble = Ensemble(models, rounded=False)
    fixed = {name for name in ensemble.weights if name.startswith("activation")}
    train(ensemble, batches, fixed=fixed, momentum=0.9)
    for place, model in enumerate(models):
        weights = [weight for name, weight in model.named_parameters() if name not in fixed]
        optimizer = optim.SGD(weights, lr=0.1, momentum=0.9)
        for count in counts[:, :, place].flatten(0, 1).double():
            optimizer.zero_grad()
            total = count.sum().clamp(min=1)
            loss = nn.BCELoss(count[:, None] / total, reduction="sum")
            loss(model(x), y[:, None].double()).backward()
            optimizer.step()
        for name, weight in model.state_dict().items():
            torch.testing.assert_close(ensemble.weights[name][place], weight, rtol=0, atol=1e-12)


def test_last_bits_do_not_grow_where_the_learning_rate_is_too_large():
    batches = batches_of(BASE, THREE, Settings("tanh", n_epochs=20))
    ends = {}
    for rounded in (True, False):
        for factor in (1, 1 + 1e-14):
            ensemble = Ensemble(networks(BASE, THREE, Settings("tanh")), rounded=rounded)
            for weight in ensemble.weights.values():
                weight.mul_(factor)
            train(ensemble, batches, lr=3)
            ends[rounded, factor] = torch.cat([w.flatten() for w in ensemble.stored().values()])
    assert torch.equal(ends[True, 1], ends[True, 1 + 1e-14])
    assert not torch.equal(ends[False, 1], ends[False, 1 + 1e-14])


def test_every_input_is_a_line_or_a_mirror_image_once():
    for size in (2, 5):
        inputs = every_input(size)
        flat = inputs.images.reshape(len(inputs.images), -1)
        assert len(np.unique(flat, axis=0)) == len(flat)
        assert inputs.population.sum() == 3 * (2 * size - 1)
        assert np.array_equal(inputs.images[inputs.mirror], inputs.images[..., ::-1])
        assert np.array_equal(inputs.labels[inputs.mirror], inputs.labels)
