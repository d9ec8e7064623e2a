"""Networks that differ in their activation alone: how well they end, and how fast."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from diagonal.claims import arms
from diagonal.claims.batches import Batches, Inputs
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import difference, losses, mean, median, outcomes, proportion
from diagonal.pipeline.params import ClaimsBaseline

ACTIVATIONS = ("none", "sigmoid", "tanh", "relu", "leaky_relu", "prelu")
PAIRS = (("relu", "none"), ("tanh", "sigmoid"), ("relu", "tanh"), ("leaky_relu", "relu"))
FASTER = (("relu", "tanh"), ("relu", "sigmoid"), ("tanh", "sigmoid"))


@dataclass(frozen=True)
class Arm:
    """What came out of one activation at one learning rate.

    losses: float64 (epochs, members), on the population after each epoch.
    table: `outcomes` after the last one.
    slopes: float64 (members, layers), PReLU's, or no layers.
    """

    losses: np.ndarray
    table: pd.DataFrame
    slopes: np.ndarray


def train(
    inputs: Inputs,
    batches: Batches,
    base: ClaimsBaseline,
    n: int,
    lrs: Iterable[float],
    sigmoid_lr: float,
) -> dict[tuple[str, float], Arm]:
    """Train n networks of each activation at each learning rate, on the same batches.

    The sigmoid has one rate more, PReLU the baseline's alone. Training must be stable at a rate, or
    its outcome hangs on the last bits, in which CPUs differ: tanh's does at 1, PReLU's at 0.3.
    """
    rates = {"sigmoid": sorted({*lrs, sigmoid_lr}), "prelu": [base.lr]}
    runs, start = {}, Stack(arms.networks(base, range(n)))
    for activation in ACTIVATIONS:
        for lr in rates.get(activation, sorted(lrs)):
            stack = start.shaped(*arms.networks(base, [0], activation))
            runs[activation, lr] = lambda stack=stack, lr=lr: _arm(stack, inputs, batches, lr)
    return arms.side_by_side(runs)


def _arm(stack: Stack, inputs: Inputs, batches: Batches, lr: float) -> Arm:
    by_epoch = []
    for _ in stack.train(batches, lr):
        weights = stack.stored()
        probability = stack.values(batches.x, weights)["probability"][:, 0].numpy()
        by_epoch.append(losses(probability, inputs))
    slopes = [each[:, 0] for name, each in weights.items() if name.startswith("activation")]
    return Arm(
        losses=np.array(by_epoch),
        table=outcomes(probability, inputs),
        slopes=torch.stack(slopes, 1).numpy() if slopes else np.empty((len(probability), 0)),
    )


def best(trained: Mapping[tuple[str, float], Arm]) -> dict[str, float]:
    """Find the learning rate with the lowest mean loss for each activation."""
    found = {}
    for (activation, lr), arm in trained.items():
        loss = round(arm.table["loss"].mean(), 6)
        found[activation] = min(found.get(activation, (loss, lr)), (loss, lr))
    return {activation: lr for activation, (_, lr) in found.items()}


def compare(
    trained: Mapping[tuple[str, float], Arm], lrs: Mapping[str, float]
) -> dict[str, dict[str, dict]]:
    """Say how each activation ends at its learning rate, and how pairs of them differ in loss."""
    tables = {activation: trained[activation, lr].table for activation, lr in lrs.items()}
    return {
        "activations": {
            activation: {
                "lr": lrs[activation],
                "loss": mean(table["loss"]),
                "accuracy": mean(table["accuracy"]),
                "separates": proportion(table["separates"]),
                "perfect": proportion(table["perfect"]),
            }
            for activation, table in tables.items()
        },
        "loss_differences": {
            f"{ours}_minus_{theirs}": difference(tables[ours]["loss"], tables[theirs]["loss"])
            for ours, theirs in PAIRS
        },
    }


def epochs_to(losses: np.ndarray, level: float) -> np.ndarray:
    """Find the first epoch after which a loss is below a level, from (epochs, members).

    Returns:
        int64 (members,), from 1; one more than there are epochs where it never is.
    """
    below = losses < level
    return np.where(below.any(axis=0), below.argmax(axis=0), len(losses)) + 1


def convergence(
    trained: Mapping[tuple[str, float], Arm], lrs: Mapping[str, float], level: float
) -> dict[str, dict[str, dict]]:
    """Say in how many epochs each activation gets below a loss, and which gets there first."""
    epochs = {each: epochs_to(trained[each, lr].losses, level) for each, lr in lrs.items()}
    last = len(next(iter(trained.values())).losses)
    return {
        "activations": {
            activation: {
                "lr": lrs[activation],
                "reached": proportion(each <= last),
                "epochs": median(each, at_most=last),
            }
            for activation, each in epochs.items()
        },
        "epochs_differences": {
            f"{ours}_minus_{theirs}": difference(epochs[ours], epochs[theirs])
            for ours, theirs in FASTER
        },
    }


def reached_by_epoch(
    trained: Mapping[tuple[str, float], Arm], lrs: Mapping[str, float], level: float
) -> pd.DataFrame:
    """Compute the share of members below a loss after each epoch: a column per activation."""
    columns = {each: (trained[each, lr].losses < level).mean(axis=1) for each, lr in lrs.items()}
    n_epochs = len(next(iter(columns.values())))
    return pd.DataFrame({"epoch": range(1, n_epochs + 1), **columns})


def learned_slopes(prelu: Arm, leaky: Arm, start: float = 0.25) -> dict:
    """Say which slopes PReLU learned, layer by layer, and whether its loss is the lower one."""
    layers = prelu.slopes.round(6).T
    return {
        "slopes": {
            f"layer{place}": {
                **mean(each),
                "p5": np.quantile(each, 0.05),
                "p95": np.quantile(each, 0.95),
                "above_start": proportion(each > start),
                "negative": proportion(each < 0),
            }
            for place, each in enumerate(layers)
        },
        "loss_difference": difference(prelu.table["loss"], leaky.table["loss"]),
    }


def per_arm(trained: Mapping[tuple[str, float], Arm], columns: Sequence[str]) -> pd.DataFrame:
    """Put the means of outcomes into a table with a row per activation and learning rate."""
    rows = [
        {"activation": each, "lr": lr, **arm.table[list(columns)].mean()}
        for (each, lr), arm in trained.items()
    ]
    return pd.DataFrame(rows)
