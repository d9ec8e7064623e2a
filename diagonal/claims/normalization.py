"""What layers are fed while they train, with and without batch normalisation before the ReLUs."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.func import functional_call

from diagonal.claims import arms
from diagonal.claims.activations import epochs_to
from diagonal.claims.batches import DataSet, Inputs
from diagonal.claims.gradients import expected_share
from diagonal.claims.statistics import difference, losses, mean, median, proportion
from diagonal.pipeline.params import ClaimsBaseline
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import ensembles
from diagonal.training.batches import Batches
from diagonal.training.sampling import make_balanced_sampler

# Of losses, means and deviations: normalised over mini-batches, a training lets the last bits, in
# which CPUs differ, grow to 1e-9 in 20 epochs (and to 1 with the lecture's batches of 16).
DECIMALS = 4


class Arm(NamedTuple):
    """What came of one depth, with or without batch normalisation.

    losses: float64 (epochs, members), on the population after each epoch.
    means, deviations: float64 (epochs + 1, members, layers), of what the ReLUs of a layer are fed,
        over inputs as training draws them and units.
    """

    losses: np.ndarray
    means: np.ndarray
    deviations: np.ndarray


def normalized(model: nn.Sequential) -> nn.Sequential:
    """Put batch normalisation before each activation of a network in float64."""
    layers = {}
    for name, layer in model.named_children():
        if name.startswith("activation"):
            units = layers[name.replace("activation", "hidden")].out_features
            layers[name.replace("activation", "norm")] = nn.BatchNorm1d(units).double()
        layers[name] = layer
    result = nn.Sequential()
    for name, layer in layers.items():
        result.add_module(name, layer)
    return result


def train(
    inputs: Inputs,
    data: DataSet,
    base: ClaimsBaseline,
    *,
    n: int,
    n_epochs: int,
    depths: Sequence[int],
    width: int,
) -> dict[tuple[int, bool], Arm]:
    """Train n ReLU networks of each depth, in hidden layers, with and without normalisation."""
    runs = {}
    for depth in depths:
        for norm in (False, True):
            networks = arms.networks(base, range(n), hidden=[width] * depth)
            members = [normalized(each) for each in networks] if norm else networks
            runs[depth, norm] = lambda members=members: _arm(members, inputs, data, base, n_epochs)
    return arms.side_by_side(runs)


def _arm(
    members: Sequence[nn.Sequential],
    inputs: Inputs,
    data: DataSet,
    base: ClaimsBaseline,
    n_epochs: int,
) -> Arm:
    ensemble = ensembles.Ensemble(members, lr=base.lr, n_epochs=n_epochs)
    share, x = expected_share(inputs, data, base.hflip), inputs.x()
    by_epoch, moments = [], [_moments(ensemble, x, share)]
    for _ in trained(ensemble, inputs, data, base, n_epochs):
        by_epoch.append(losses(ensemble.evaluate(x)[0], inputs).round(DECIMALS))
        moments.append(_moments(ensemble, x, share))
    means, deviations = (np.stack(each).round(DECIMALS) for each in zip(*moments, strict=True))
    return Arm(np.stack(by_epoch), means, deviations)


def trained(
    ensemble: ensembles.Ensemble, inputs: Inputs, data: DataSet, base: ClaimsBaseline, n_epochs: int
) -> Iterator[int]:
    """Train members with seeds from 0 on, and yield the number of each epoch, from 1, after it."""
    images, labels, index = map(torch.from_numpy, (inputs.images, inputs.labels, data.train))
    transform, seeds = scale_and_normalize(0.5, 0.5), range(ensemble.n_members)
    options = {"transform": transform, "dtype": torch.float64}
    batches = Batches(images, labels, index, batch_size=base.batch_size, **options)
    samplers = [make_balanced_sampler(labels[index]) for _ in seeds]
    draws = ensembles.draw_epochs(samplers, seeds=seeds, hflip=base.hflip)
    for epoch in range(1, n_epochs + 1):
        ensembles.train_epoch([ensemble], batches, next(draws))
        yield epoch


def _moments(ensemble: ensembles.Ensemble, x: torch.Tensor, share: torch.Tensor):
    """Compute mean and standard deviation of what each layer's ReLUs are fed: (members, layers)."""
    state = {**ensemble.buffers, **{k: v.double() for k, v in ensemble.quantized_weights().items()}}
    value, result = x.expand(ensemble.n_members, *x.shape), []
    for name, layer in ensemble.model.eval().named_children():
        if isinstance(layer, nn.ReLU):
            spread = value * share[:, None]
            mean = spread.sum(1, keepdim=True).mean(2, keepdim=True)
            variance = ((value - mean) ** 2 * share[:, None]).sum(1).mean(1)
            result.append((mean.flatten(), variance.sqrt()))
        prefix = f"{name}."
        own = {key.removeprefix(prefix): each for key, each in state.items() if prefix in key}
        apply = partial(functional_call, layer)
        value = torch.vmap(lambda own, value, apply=apply: apply(own, (value,)))(own, value)
    return tuple(torch.stack(each, 1).numpy() for each in zip(*result, strict=True))


def compare(trained: Mapping[tuple[int, bool], Arm], level: float) -> dict:
    """Say how layers differ in what they are fed, and how fast a loss is reached, by depth."""
    result = {}
    for depth in {depth for depth, _ in trained}:
        arm = {name: trained[depth, norm] for name, norm in (("without", False), ("with", True))}
        epochs = {name: epochs_to(each.losses, level) for name, each in arm.items()}
        last = len(arm["with"].losses)
        result[f"{depth}_hidden_layers"] = {
            **{
                name: {
                    "loss": mean(each.losses[-1]),
                    "reached": proportion(epochs[name] <= last),
                    "epochs": median(epochs[name], at_most=last),
                    "last_layer_mean": mean(each.means[-1, :, -1]),
                    "last_layer_deviation": mean(each.deviations[-1, :, -1]),
                }
                for name, each in arm.items()
            },
            "epochs_difference": difference(epochs["with"], epochs["without"]),
            "loss_difference": difference(arm["with"].losses[-1], arm["without"].losses[-1]),
        }
    return result


def table(trained: Mapping[tuple[int, bool], Arm]) -> pd.DataFrame:
    """Put mean and deviation, averaged over members, into a table by epoch and layer."""
    rows = []
    for (depth, norm), arm in trained.items():
        for (epoch, layer), mean_ in np.ndenumerate(arm.means.mean(axis=1)):
            deviation = arm.deviations[epoch, :, layer].mean()
            row = {"hidden_layers": depth, "batch_norm": int(norm), "epoch": epoch, "layer": layer}
            rows.append({**row, "mean": mean_, "deviation": deviation})
    return pd.DataFrame(rows)
