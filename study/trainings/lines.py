"""Trainings of the lecture's networks on its lines, with every source of chance varied."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import RandomSampler, Sampler

from diagonal.training.models import network
from diagonal.training.sampling import make_balanced_sampler, weighted_sampler
from study.params import ClaimsBaseline
from study.trainings.draws import CountedBatches, concatenated, draw_counts
from study.trainings.ensembles import Ensemble
from study.trainings.inputs import DataSet, Inputs, draw_data_set, every_input
from study.trainings.outcomes import outcomes

SAMPLERS: dict[str, Callable[[torch.Tensor], Sampler]] = {  # of labels (n,)
    "balanced": make_balanced_sampler,
    "equal": lambda labels: weighted_sampler(torch.ones(len(labels))),
    "shuffled": lambda labels: RandomSampler(labels, generator=torch.Generator()),
}


class Member(NamedTuple):
    """The seeds of one training: of its images, their split, its initial weights, its batches."""

    data: int
    split: int
    weights: int
    batches: int


Members = tuple[Member, ...]
LECTURE = Member(data=13, split=13, weights=17, batches=42)


def members(n: int, first: int = 0) -> Members:
    """Give each of n members one seed, from the first on, for all that is drawn."""
    return tuple(Member(seed, seed, seed, seed) for seed in range(first, first + n))


@dataclass(frozen=True)
class Settings:
    """What a training changes of the lecture's. None stands for the baseline's value.

    activation, hidden, bias: of the network; `hidden` are units per layer.
    lr, n_epochs: of stochastic gradient descent.
    group_by: what the split keeps on one side, see `groups_of`.
    sampler: a key of SAMPLERS.
    hflip: the probability that a training image is mirrored.
    mean, std: what pixels in [0, 1] are normalised with.
    """

    activation: str = "relu"
    hidden: tuple[int, ...] | None = None
    bias: bool = False
    lr: float | None = None
    n_epochs: int | None = None
    group_by: str = "image"
    sampler: str = "balanced"
    hflip: float | None = None
    mean: float = 0.5
    std: float = 0.5


LOGISTIC, DEEPISH = Settings("none", hidden=()), Settings("none")
RELU, TANH = Settings("relu"), Settings("tanh")
MODELS = {"logistic": LOGISTIC, "deepish": DEEPISH, "relu": RELU, "tanh": TANH}


def networks(
    base: ClaimsBaseline, members: Members, settings: Settings, outputs: int = 1
) -> list[nn.Sequential]:
    """Build a network for each member, float64; outputs are 1, or one for each class."""
    hidden = base.hidden if settings.hidden is None else settings.hidden
    sizes, options = [base.img_size**2, *hidden, outputs], {"dtype": torch.float64}
    return [
        network(sizes, settings.activation, bias=settings.bias, seed=member.weights, **options)
        for member in members
    ]


@lru_cache(maxsize=8)
def data_sets(base: ClaimsBaseline, members: Members, group_by: str = "image") -> list[DataSet]:
    """Draw and split the images of each member.

    Raises:
        InputError: a side of a split lacks a class.
    """
    inputs = every_input(base.img_size)
    return [draw_data_set(inputs, base, m.data, m.split, group_by) for m in members]


@lru_cache(maxsize=8)
def draw_batches(
    base: ClaimsBaseline, members: Members, group_by: str, sampler: str, hflip: float, n_epochs: int
) -> CountedBatches:
    """Draw the mini-batches of each member; arguments as in `Settings`."""
    inputs = every_input(base.img_size)
    labels, x = torch.from_numpy(inputs.labels), inputs.x()
    options = {"hflip": hflip, "n_epochs": n_epochs, "batch_size": base.batch_size}
    parts = []
    for member, data in zip(members, data_sets(base, members, group_by), strict=True):
        shown = torch.from_numpy(np.stack([data.train, inputs.mirror[data.train]], axis=1))
        own_sampler = SAMPLERS[sampler](labels[shown[:, 0]])
        counts = draw_counts(shown, len(labels), own_sampler, seed=member.batches, **options)
        parts.append(CountedBatches(x, labels, counts))
    return concatenated(parts)


def batches_of(base: ClaimsBaseline, members: Members, settings: Settings) -> CountedBatches:
    """Draw the mini-batches of each member, with inputs as networks see them."""
    hflip = base.hflip if settings.hflip is None else settings.hflip
    n_epochs = settings.n_epochs or base.n_epochs
    drawn = draw_batches(base, members, settings.group_by, settings.sampler, hflip, n_epochs)
    return replace(drawn, x=every_input(base.img_size).x(settings.mean, settings.std))


def epochs(
    base: ClaimsBaseline, members: Members, settings: Settings
) -> Iterator[tuple[int, Ensemble]]:
    """Train the members; yield the number of each epoch, from 1, after it, and the ensemble."""
    ensemble = Ensemble(networks(base, members, settings))
    for epoch in ensemble.train(batches_of(base, members, settings), settings.lr or base.lr):
        yield epoch, ensemble


def logits(ensemble: Ensemble, inputs: Inputs, settings: Settings = RELU) -> np.ndarray:
    """Evaluate members as they would be stored on all inputs: float64 (members, n)."""
    x = inputs.x(settings.mean, settings.std).flatten(1)
    return ensemble.values(x, ensemble.stored())["output"][:, 0].numpy()


def final_logits(base: ClaimsBaseline, members: Members, settings: Settings) -> np.ndarray:
    """Train the members and evaluate them on all inputs: float64 (members, n)."""
    *_, (_, ensemble) = epochs(base, members, settings)
    return logits(ensemble, every_input(base.img_size), settings)


def final_outcomes(base: ClaimsBaseline, members: Members, settings: Settings) -> pd.DataFrame:
    """Train the members and evaluate them on the population: `outcomes`."""
    inputs = every_input(base.img_size)
    return outcomes(final_logits(base, members, settings), inputs.labels, inputs.population)
