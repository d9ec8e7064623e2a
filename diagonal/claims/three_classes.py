"""Straight, up or down: mirrored, a diagonal is of the other class, and its label must change."""

from functools import cache

import numpy as np
import pandas as pd
import torch
from torch import nn

from diagonal.claims.arms import networks, side_by_side
from diagonal.claims.batches import Batches, Inputs, draw_counts
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import difference, mean
from diagonal.claims.trainings import inputs_and_data, run
from diagonal.pipeline.params import ClaimsBaseline
from diagonal.training.models import DECIMALS
from diagonal.training.sampling import make_balanced_sampler

CLASSES = ("straight", "up", "down")
ARMS = ("off", "naive", "swapped")


def three_classes(base: ClaimsBaseline, n: int) -> tuple[dict, pd.DataFrame]:
    """Train relu to tell three classes, without flips, with labels left as they are, and swapped.

    Returns:
        means: arm -> loss, accuracy; confusion: arm -> class -> said -> share, the mean over the
        trainings; differences of accuracy and loss; a row per training.
    """
    inputs, _ = inputs_and_data(base)
    arms = side_by_side({arm: lambda arm=arm: trained(base, n, arm) for arm in ARMS})
    tables, confusion = {}, {}
    for arm, stack in arms.items():
        said = stack.values(inputs.x(), stack.stored())["probability"].numpy()
        tables[arm], shares = measures(said.round(DECIMALS), inputs)
        confusion[arm] = {
            actual: dict(zip(CLASSES, row.tolist(), strict=True))
            for actual, row in zip(CLASSES, shares.mean(axis=0), strict=True)
        }
    result = {
        "means": {
            arm: {key: mean(each[key]) for key in ("loss", "accuracy")}
            for arm, each in tables.items()
        },
        "confusion": confusion,
        "differences": {
            f"{ours}_less_{theirs}": {
                key: difference(tables[ours][key], tables[theirs][key], key == "accuracy")
                for key in ("loss", "accuracy")
            }
            for ours, theirs in (("naive", "off"), ("swapped", "off"), ("swapped", "naive"))
        },
    }
    return result, pd.concat(tables, names=["flips", "seed"]).reset_index()


def trained(base: ClaimsBaseline, n: int, arm: str) -> Stack:
    """Train a stack of networks with a softmax in an arm, with seeds 0 to n-1."""
    stack = Stack(untrained(base, n))
    run(stack, drawn(base, n, arm), base)
    return stack


@cache
def untrained(base: ClaimsBaseline, n: int) -> list[nn.Sequential]:
    """Build the networks with seeds 0 to n-1: not to train."""
    return networks(base, range(n), "relu", outputs=len(CLASSES))


def drawn(base: ClaimsBaseline, n: int, arm: str) -> Batches:
    """Draw the batches of an arm's members.

    Each input occurs twice among what is shown: as drawn and as a mirror image, as which it has
    the label of what was mirrored (naive) or its own (swapped).
    """
    inputs, data = inputs_and_data(base)
    targets, n_inputs = torch.from_numpy(inputs.targets), len(inputs.targets)
    counts = draw_counts(
        np.stack([data.train, n_inputs + inputs.mirror[data.train]], axis=1),
        2 * n_inputs,
        [make_balanced_sampler(targets[data.train]) for _ in range(n)],
        seeds=range(n),
        hflip=0.0 if arm == "off" else base.hflip,
        n_epochs=base.n_epochs,
        batch_size=base.batch_size,
    )
    of_mirrored = targets[inputs.mirror] if arm == "naive" else targets
    x = inputs.x()
    return Batches(torch.cat([x, x]), torch.cat([targets, of_mirrored]), counts)


def measures(probability: np.ndarray, inputs: Inputs) -> tuple[pd.DataFrame, np.ndarray]:
    """Evaluate probabilities (trainings, 3, inputs) on the population.

    Where several classes are equally probable, each is said to its share.

    Returns:
        loss in nats and accuracy of each training, rounded to 6 decimals; confusion, float64
        (trainings, 3, 3): of each class in rows, how much of it is said to be of which.
    """
    counts, targets = inputs.population, inputs.targets
    largest = probability == probability.max(axis=1, keepdims=True)
    said = largest / largest.sum(axis=1, keepdims=True)
    of_class = np.eye(len(CLASSES))[targets] * counts[:, None]  # (inputs, 3)
    confusion = (said @ (of_class / of_class.sum(axis=0))).swapaxes(1, 2)
    true = probability[:, targets, np.arange(len(targets))]
    loss = -np.log(true.clip(min=1e-9))
    columns = {
        "loss": np.average(loss, axis=1, weights=counts),
        "accuracy": np.einsum("tkk,k->t", confusion, of_class.sum(axis=0) / counts.sum()),
    }
    return pd.DataFrame(columns).round(6), confusion
