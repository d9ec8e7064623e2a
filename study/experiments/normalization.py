"""What layers are fed while they train, with and without batch normalisation before the ReLUs."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from diagonal.training.sampling import make_balanced_sampler
from study.experiments.activations import epochs_to
from study.experiments.results import lower, lower_loss, number, share
from study.params import ClaimsBaseline, NormalizationClaims
from study.trainings.draws import draw_epochs
from study.trainings.ensembles import Ensemble
from study.trainings.inputs import balanced_share, every_input
from study.trainings.lines import Members, Settings, data_sets, logits, networks
from study.trainings.outcomes import outcomes
from study.trainings.parallel import in_parallel

# Of losses, means and deviations: normalised over mini-batches, a training lets the last bits, in
# which CPUs differ, grow to 1e-9 in 20 epochs (and to 1 with the lecture's batches of 16).
MOMENT_DECIMALS = 4


class Result(NamedTuple):
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
    result, units = nn.Sequential(), 0
    for name, layer in model.named_children():
        if name.startswith("activation"):
            norm = nn.BatchNorm1d(units, dtype=torch.float64)
            result.add_module(name.replace("activation", "norm"), norm)
        result.add_module(name, layer)
        units = getattr(layer, "out_features", units)
    return result


def train(
    base: ClaimsBaseline, claims: NormalizationClaims, members: Members
) -> dict[tuple[int, bool], Result]:
    """Train ReLU networks of each depth, in hidden layers, with and without normalisation."""
    larger = base.model_copy(update={"batch_size": claims.batch_size, "n_epochs": claims.n_epochs})
    runs = {
        (depth, norm): partial(_train_one, larger, members, (claims.width,) * depth, norm)
        for depth in claims.depths
        for norm in (False, True)
    }
    return in_parallel(runs, "batch normalisation")


def _train_one(base: ClaimsBaseline, members: Members, hidden: tuple, norm: bool) -> Result:
    models = networks(base, members, Settings(hidden=hidden))
    models = [normalized(model) for model in models] if norm else models
    ensemble = Ensemble(models, rounded=False)  # it magnifies last bits beyond the grid in a step
    inputs, losses, moments = every_input(base.img_size), [], []
    shares = [balanced_share(inputs, data, base.hflip) for data in data_sets(base, members)]
    weights = torch.stack(shares)[:, None]
    for epoch in trained(ensemble, base, members):
        if epoch:
            table = outcomes(logits(ensemble, inputs), inputs.labels, inputs.population)
            losses.append(table["loss"].to_numpy().round(MOMENT_DECIMALS))
        moments.append(_moments(ensemble, inputs.x(), weights))
    means, deviations = (np.stack(m).round(MOMENT_DECIMALS) for m in zip(*moments, strict=True))
    return Result(np.stack(losses), means, deviations)


def trained(ensemble: Ensemble, base: ClaimsBaseline, members: Members) -> Iterator[int]:
    """Train members on batches of images of their own; yield 0, then each epoch after it.

    Moments are those of a batch's images, so it cannot be counted as inputs with shares.
    """
    inputs, data = every_input(base.img_size), data_sets(base, members)
    train = np.stack([each.train for each in data])
    index = torch.from_numpy(np.stack([train, inputs.mirror[train]], axis=2))
    x, labels = inputs.x().flatten(1), torch.from_numpy(inputs.labels)
    samplers = [make_balanced_sampler(labels[own]) for own in index[:, :, 0]]
    seeds, member = [m.batches for m in members], torch.arange(len(members))[:, None]
    draws = draw_epochs(samplers, seeds=seeds, hflip=base.hflip)
    yield 0
    for epoch in range(1, base.n_epochs + 1):
        drawn, mirrored = next(draws)
        for batch in index[member, drawn, mirrored.long()].split(base.batch_size, dim=1):
            share = torch.full(batch.shape, 1 / batch.shape[1], dtype=x.dtype)
            ensemble.step(x[batch], labels[batch], share, base.lr)
        yield epoch


def _moments(ensemble: Ensemble, x: torch.Tensor, share: torch.Tensor) -> tuple:
    """Compute mean and standard deviation of what each layer's ReLUs are fed: (members, layers)."""
    values, before, result = ensemble.values(x.flatten(1), ensemble.stored()), "", []
    for name in values:
        if name.startswith("activation"):
            fed = values[before]  # (members, units, n)
            mean = (fed * share).sum(2, keepdim=True).mean(1, keepdim=True)
            variance = ((fed - mean) ** 2 * share).sum(2).mean(1)
            result.append((mean.flatten(), variance.sqrt()))
        before = name
    return tuple(torch.stack(moments, 1).numpy() for moments in zip(*result, strict=True))


def compare(results: Mapping[tuple[int, bool], Result], level: float) -> dict:
    """Summarize losses and moments by depth, with and without normalisation.

    Statements: with it, the loss is lower; and the layers are fed more alike, by the largest over
    the smallest deviation of a network's layers.
    """
    summary = {}
    for depth in {depth for depth, _ in results}:
        pair = {name: results[depth, norm] for name, norm in (("without", False), ("with", True))}
        ratio, rows = {}, {}
        for name, result in pair.items():
            end = result.deviations[-1]
            ratio[name] = np.log10(end.max(axis=1) / end.min(axis=1).clip(min=10**-MOMENT_DECIMALS))
            epochs = epochs_to(result.losses, level)
            rows[name] = {
                "loss": number(result.losses[-1]),
                "reached": share(np.isfinite(epochs)),
                "epochs": number(epochs),
                "first_layer_deviation": number(end[:, 0]),
                "last_layer_deviation": number(end[:, -1]),
                "log10_ratio_of_deviations": number(ratio[name]),
            }
        losses = (pair[name].losses[-1] for name in ("with", "without"))
        rows["lower_loss"] = lower_loss(*losses)
        rows["more_alike"] = lower(ratio["with"], ratio["without"])
        summary[f"{depth}_hidden_layers"] = rows
    return summary


def table(results: Mapping[tuple[int, bool], Result]) -> pd.DataFrame:
    """Put mean and deviation, averaged over members, into a table by epoch and layer."""
    rows = []
    for (depth, norm), result in results.items():
        deviations = result.deviations[:, :-1].mean(axis=1)
        for (epoch, layer), mean in np.ndenumerate(result.means[:, :-1].mean(axis=1)):
            row = {"hidden_layers": depth, "batch_norm": int(norm), "epoch": epoch, "layer": layer}
            rows.append({**row, "mean": mean, "deviation": deviations[epoch, layer]})
    return pd.DataFrame(rows)
