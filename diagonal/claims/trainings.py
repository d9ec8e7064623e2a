"""Trainings of the lecture's models on the lines, which several experiments look at."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from diagonal.claims.arms import batches, data_set, networks
from diagonal.claims.batches import Batches, DataSet, Inputs, every_input
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import mean
from diagonal.pipeline.params import ClaimsBaseline
from diagonal.training.models import DECIMALS

SHAPES = {  # model -> hidden layers, None for the baseline's, and the activation that follows them
    "logistic": ((), "none"),
    "deepish": (None, "none"),
    "relu": (None, "relu"),
    "tanh": (None, "tanh"),
}


class Arm(NamedTuple):
    """What an arm changes of the lecture's settings.

    The unit of the split, the sampler (of arms.SAMPLERS), the probability of a flip (None for the
    baseline's), and what pixels in [0, 1] are normalised with.
    """

    unit: str = "image"
    sampler: str = "balanced"
    hflip: float | None = None
    mean: float = 0.5
    std: float = 0.5


def inputs_and_data(base: ClaimsBaseline, unit: str = "image") -> tuple[Inputs, DataSet]:
    """List the inputs, and draw and split the baseline's images.

    Raises:
        InputError: a side of the split lacks a class.
    """
    inputs = every_input(base.img_size)
    return inputs, data_set(inputs, base, unit=unit)


@cache
def untrained(base: ClaimsBaseline, n: int, model: str) -> list[nn.Sequential]:
    """Build networks, of the shape that SHAPES gives a model, with seeds 0 to n-1: not to train."""
    hidden, activation = SHAPES[model]
    return networks(base, range(n), activation, hidden)


@cache
def drawn(base: ClaimsBaseline, n: int, unit: str, sampler: str, hflip: float | None) -> Batches:
    """Draw the batches of members with seeds 0 to n-1, as an `Arm` says."""
    inputs, data = inputs_and_data(base, unit)
    return batches(inputs, data, base, range(n), sampler=sampler, hflip=hflip)


@cache
def trained(base: ClaimsBaseline, n: int, model: str, arm: Arm) -> Stack:
    """Train a model, a key of SHAPES, in an arm, with seeds 0 to n-1; not twice the same."""
    stack, draws = Stack(untrained(base, n, model)), drawn(base, n, *arm[:3])
    run(stack, replace(draws, x=inputs_and_data(base)[0].x(arm.mean, arm.std)), base)
    return stack


def run(stack: Stack, batches: Batches, base: ClaimsBaseline) -> None:
    """Train a stack to the end of its batches."""
    for _ in stack.train(batches, base.lr):
        pass


def answers(base: ClaimsBaseline, n: int, model: str, arm: Arm) -> np.ndarray:
    """Find the probability that each member gives to each input: float64 (n, inputs)."""
    x = inputs_and_data(base)[0].x(arm.mean, arm.std)
    return said(trained(base, n, model, arm), x)


def said(stack: Stack, x) -> np.ndarray:
    """Evaluate a stack as it would be stored: float64 (members, inputs), 9 decimals."""
    return stack.values(x, stack.stored())["probability"][:, 0].numpy().round(DECIMALS)


Tables = Mapping[str, Mapping[str, pd.DataFrame]]  # model -> arm -> a row for each seed


def summary(tables: Tables, arm: str, columns: Sequence[str]) -> tuple[dict, pd.DataFrame]:
    """Sum up some columns of the tables of the arms, which a column named `arm` tells apart.

    Returns:
        model -> arm -> column -> its mean over the seeds with interval; all tables as one, with
        the columns model, arm and seed first.
    """
    flat = {
        (model, name): each[[*columns]]
        for model, arms in tables.items()
        for name, each in arms.items()
    }
    means = {model: {} for model in tables}
    for (model, name), each in flat.items():
        means[model][name] = {key: mean(each[key]) for key in columns}
    return means, pd.concat(flat, names=["model", arm, "seed"]).reset_index()
