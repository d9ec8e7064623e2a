"""How large the first layer's gradient is beside the last one's: what vanishes with depth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from diagonal.claims import arms
from diagonal.claims.batches import Batches, DataSet, Inputs
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import difference, mean
from diagonal.pipeline.params import ClaimsBaseline

ACTIVATIONS = ("none", "sigmoid", "tanh", "relu", "leaky_relu")
PAIRS = (("relu", "sigmoid"), ("relu", "tanh"), ("tanh", "sigmoid"))
DECIMALS = 6  # of logarithms


def expected_share(inputs: Inputs, data: DataSet, hflip: float) -> torch.Tensor:
    """Compute the share that each input has of a balanced batch, as expected: float64 (n,)."""
    counts = np.bincount(data.train, minlength=len(inputs.images)).astype(float)
    weights = counts / np.bincount(inputs.labels, counts)[inputs.labels] / 2
    return torch.from_numpy((1 - hflip) * weights + hflip * weights[inputs.mirror])


def log_ratio(stack: Stack, batches: Batches, share: torch.Tensor) -> np.ndarray:
    """Compute log10 of the first over the last layer's norm of the gradient of the expected loss.

    Returns:
        float64 (members,); NaN where a gradient is zero: all of a layer's units are dead.
    """
    gradients = stack.gradients(batches.x, batches.y, share[None], stack.stored())
    first, last = (
        gradients[f"{name}.weight"].flatten(1).norm(dim=1).numpy() for name in ("hidden0", "output")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log10(first / last)
    return np.where(np.isfinite(ratio), ratio, np.nan).round(DECIMALS)


def ratios(
    inputs: Inputs,
    data: DataSet,
    base: ClaimsBaseline,
    *,
    n: int,
    depths: int,
    width: int,
    n_epochs: int,
) -> dict[tuple[str, int, int], np.ndarray]:
    """Train networks of one to `depths` hidden layers, n of each activation.

    Returns:
        `log_ratio` by activation, depth and epoch: before training, 0, and after it.
    """
    batches = arms.batches(inputs, data, base, range(n), n_epochs=n_epochs)
    share = expected_share(inputs, data, base.hflip)

    def run(stack: Stack) -> tuple[np.ndarray, np.ndarray]:
        before = log_ratio(stack, batches, share)
        for _ in stack.train(batches, base.lr):
            pass
        return before, log_ratio(stack, batches, share)

    stacks = {}
    for depth in range(1, depths + 1):
        start = Stack(arms.networks(base, range(n), hidden=[width] * depth))
        for activation in ACTIVATIONS:
            shape = arms.networks(base, [0], activation, [width] * depth)
            stacks[activation, depth] = start.shaped(*shape)
    done = arms.side_by_side({key: lambda stack=stack: run(stack) for key, stack in stacks.items()})
    return {
        (*key, epoch): each
        for key, both in done.items()
        for epoch, each in zip((0, n_epochs), both, strict=True)
    }


def table(found: Mapping[tuple[str, int, int], np.ndarray]) -> pd.DataFrame:
    """Put the ratios into a table: their mean logarithm, and the share that have one."""
    rows = []
    for (activation, depth, epoch), each in found.items():
        known = each[np.isfinite(each)]
        row = {"activation": activation, "hidden_layers": depth, "epoch": epoch}
        rows.append({**row, "log10_ratio": known.mean(), "trainable": len(known) / len(each)})
    return pd.DataFrame(rows)


def compare(found: Mapping[tuple[str, int, int], np.ndarray]) -> dict:
    """Say how far gradients vanish in the deepest networks, and for which activation most."""
    depth, last = (max(key[place] for key in found) for place in (1, 2))
    result: dict = {"hidden_layers": depth, "epoch": last}
    for when, epoch in (("at_start", 0), ("after_training", last)):
        logarithms = {each: found[each, depth, epoch] for each in ACTIVATIONS}
        result[when] = {
            each: {
                **mean(values[np.isfinite(values)]),
                "trainable": float(np.isfinite(values).mean()),
            }
            for each, values in logarithms.items()
        }
        for ours, theirs in PAIRS:
            both = np.isfinite(logarithms[ours]) & np.isfinite(logarithms[theirs])
            apart = (logarithms[each][both] for each in (ours, theirs))
            result[when][f"{ours}_minus_{theirs}"] = difference(*apart, larger_wins=True)
    return result
