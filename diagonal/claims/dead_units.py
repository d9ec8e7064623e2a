"""Units that are silent for every input: when they die, whether they revive, what a leak does."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from diagonal.claims import arms
from diagonal.claims.batches import Batches, DataSet, Inputs
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import proportion
from diagonal.pipeline.params import ClaimsBaseline

Layers = list[np.ndarray]  # bool (epochs + 1, members, units) for each hidden layer: what is dead


def dead(stack: Stack, x: torch.Tensor) -> list[np.ndarray]:
    """Find units with no positive pre-activation for any input: bool (members, units) by layer.

    Sums of rounded weights are exact, so that none is above zero by a rounding error.
    """
    values = stack.values(x, stack.stored())
    hidden = [each for name, each in values.items() if name.startswith("hidden")]
    return [(each <= 0).all(dim=2).numpy() for each in hidden]


def watch(stack: Stack, batches: Batches, lr: float) -> Layers:
    """Train, and find the dead units before training and after each epoch."""
    states = [dead(stack, batches.x)]
    states += [dead(stack, batches.x) for _ in stack.train(batches, lr)]
    return [np.stack(layer) for layer in zip(*states, strict=True)]


def watch_leaking(
    stack: Stack, batches: Batches, lr: float, leak: float, deaths: np.ndarray
) -> Layers:
    """Train members whose ReLUs start to leak at one epoch each, deaths (members,), from 0 on.

    The stack's activations are PReLUs, whose slopes are set instead of learned.
    """
    slopes = [name for name in stack.weights if name.startswith("activation")]

    def set_slopes(epoch: int) -> None:
        for name in slopes:
            stack.weights[name][:, 0] = torch.from_numpy(np.where(deaths <= epoch, leak, 0.0))

    set_slopes(0)
    states = [dead(stack, batches.x)]
    for epoch in stack.train(batches, lr, fixed=slopes):
        states.append(dead(stack, batches.x))
        set_slopes(epoch)
    return [np.stack(layer) for layer in zip(*states, strict=True)]


def died_at(states: np.ndarray) -> np.ndarray:
    """Find the epoch at which each unit was first dead, from (epochs + 1, ...); -1: at none."""
    return np.where(states.any(axis=0), states.argmax(axis=0), -1)


def measure(
    inputs: Inputs,
    data: DataSet,
    base: ClaimsBaseline,
    *,
    n: int,
    n_epochs: int,
    leaks: Sequence[float],
    patience: int,
) -> tuple[dict, pd.DataFrame]:
    """Watch n ReLU networks for long, and what a leak from a member's first death on does to it.

    A leak has `patience` epochs, fewer than n_epochs, to wake a unit that died within the
    baseline's number of epochs.

    Returns:
        proportions of units for each layer, and the share of dead units by epoch.
    """
    short, seeds = min(base.n_epochs, n_epochs - patience), range(n)

    def start(members: Sequence[int], activation: str, n_epochs: int) -> tuple[Stack, Batches]:
        stack = Stack(arms.networks(base, members)).shaped(*arms.networks(base, [0], activation))
        return stack, arms.batches(inputs, data, base, members, n_epochs=n_epochs)

    watched = arms.side_by_side(
        {
            part: lambda part=part: watch(*start(part, "relu", n_epochs), base.lr)
            for part in arms.parts(seeds)
        }
    )
    states = [np.concatenate(layer, axis=1) for layer in zip(*watched.values(), strict=True)]
    deaths = [died_at(layer[: short + 1]) for layer in states]
    first = np.min([np.where(each < 0, n_epochs, each).min(axis=1) for each in deaths], axis=0)
    leaking = arms.side_by_side(
        {
            f"leak_{leak:g}": lambda leak=leak: watch_leaking(
                *start(seeds, "prelu", short + patience), base.lr, leak, first
            )
            for leak in leaks
        }
    )

    metrics = {}
    for place, layer in enumerate(states):
        later = died_at(layer)
        ever = later >= 0
        # Dead once and alive at some later epoch.
        revived = ((layer.cumsum(axis=0) > 0) & ~layer).any(axis=0)
        metrics[f"layer{place}"] = {
            "dead_at_start": proportion(layer[0].ravel()),
            f"died_by_{short}": proportion((deaths[place] >= 0).ravel()),
            f"died_by_{n_epochs}": proportion(ever.ravel()),
            f"dead_at_{n_epochs}": proportion(layer[-1].ravel()),
            "revived": proportion(revived[ever]) if ever.any() else None,
            # Of the units that died first in their member, for there the leak starts with them.
            "active_again": {
                name: _active_again(each[place], deaths[place], first, patience)
                for name, each in {"no_leak": states, **leaking}.items()
            },
        }
    columns = {f"layer{place}": layer.mean(axis=(1, 2)) for place, layer in enumerate(states)}
    return metrics, pd.DataFrame({"epoch": range(n_epochs + 1), **columns})


def _active_again(states: np.ndarray, deaths: np.ndarray, first, patience: int) -> dict | None:
    member, unit = np.nonzero((deaths >= 0) & (deaths == first[:, None]))
    if not len(member):
        return None
    return {
        "units": len(member),
        **proportion(~states[deaths[member, unit] + patience, member, unit]),
    }
