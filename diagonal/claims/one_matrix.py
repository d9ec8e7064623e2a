"""Deepish is logistic regression: exactly as a function, and how nearly as a training."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pandas as pd
import torch

from diagonal.claims.arms import batches, data_set, networks, side_by_side
from diagonal.claims.batches import Batches, DataSet, Inputs, every_input
from diagonal.claims.stacks import Stack, Weights
from diagonal.claims.statistics import difference, mean
from diagonal.pipeline.params import ClaimsBaseline, OneMatrixClaims
from diagonal.training.models import DECIMALS
from diagonal.training.sampling import make_balanced_sampler

GAPS = ("deepish", "other_seed", "all_images")


class OneMatrix(Stack):
    """Members without activations and biases: each is the one matrix that its layers multiply to.

    So little passes through the layers that this takes half of a Stack's time.
    """

    def gradients(
        self, x: torch.Tensor, y: torch.Tensor, share: torch.Tensor, weights: Weights | None = None
    ) -> dict[str, torch.Tensor]:
        """Differentiate the members' losses by the chain rule through their one matrix.

        It is A W B for a layer W, where the layers above multiply to A and those below to B, so
        that dL/dW = A^T dL/d(A W B) B^T. Arguments and result are those of `Stack.gradients`.
        """
        weights = self.weights if weights is None else weights
        products = list(accumulate(weights.values(), lambda below, weight: weight @ below))
        flat, matrix = x.flatten(1), products[-1][:, 0]
        gradient = (((matrix @ flat.t()).sigmoid() - y) * share @ flat)[:, None]
        result, above = {}, None
        for place, (name, weight) in reversed(list(enumerate(weights.items()))):
            by_below = gradient @ products[place - 1].mT if place else gradient
            result[name] = by_below if above is None else above.mT * by_below
            above = weight if above is None else above @ weight
        return result


def shown_epochs(n_epochs: Sequence[int], n_shown: int) -> list[int]:
    """Choose epochs from 1 to the last of those given, evenly spaced on a logarithmic axis.

    Those given are among them.
    """
    return sorted({*n_epochs, *map(round, np.geomspace(1, max(n_epochs), n_shown).tolist())})


def gaps(base: ClaimsBaseline, settings: OneMatrixClaims, seeds: Sequence[int]) -> pd.DataFrame:
    """Measure how far apart trainings of deepish and of logistic regression are.

    Returns:
        A row for each epoch shown and seed, with the largest difference of probability over all
        inputs, rounded to 6 decimals. deepish: from the logistic regression of the same seed and
        batches. other_seed: of this logistic regression from that of the next seed. all_images: as
        deepish, with one step an epoch on the mean over all batches that could be drawn.
    """
    inputs, last = every_input(base.img_size), max(settings.n_epochs)
    data = data_set(inputs, base)
    drawn = batches(inputs, data, base, seeds, n_epochs=last)
    whole = mean_batch(inputs, data, base).expand(last, 1, len(seeds), -1)
    whole = Batches(drawn.x, drawn.y, whole)
    shown = shown_epochs(settings.n_epochs, settings.n_shown)

    def run(hidden: Sequence[int], batches: Batches, momentum: float = 0.0):
        stack = OneMatrix(networks(base, seeds, "none", hidden))
        return lambda: _probabilities(stack, batches, base.lr, momentum, shown)

    said = side_by_side(
        {
            "deepish": run(base.hidden, drawn),
            "logistic": run([], drawn),
            "deepish, all images": run(base.hidden, whole, settings.momentum),
            "logistic, all images": run([], whole, settings.momentum),
        }
    )
    logistic = said["logistic"]
    apart = (
        said["deepish"] - logistic,
        np.roll(logistic, -1, axis=1) - logistic,
        said["deepish, all images"] - said["logistic, all images"],
    )
    columns = {"epoch": np.repeat(shown, len(seeds)), "seed": np.tile(seeds, len(shown))}
    for name, each in zip(GAPS, apart, strict=True):
        columns[name] = abs(each).max(axis=2).ravel().round(6)
    return pd.DataFrame(columns)


def mean_batch(inputs: Inputs, data: DataSet, base: ClaimsBaseline) -> torch.Tensor:
    """Compute how often each input occurs in a batch on average, float64 (n,)."""
    labels = torch.from_numpy(inputs.labels[data.train])
    weights = make_balanced_sampler(labels).weights.numpy()
    share = np.bincount(data.train, weights / weights.sum(), minlength=len(inputs.images))
    share = (1 - base.hflip) * share + base.hflip * share[inputs.mirror]
    return torch.from_numpy(base.batch_size * share)


def _probabilities(
    stack: Stack, batches: Batches, lr: float, momentum: float, shown: Sequence[int]
) -> np.ndarray:
    """Train; return what the members say after the epochs shown: (epochs, members, n)."""
    said = [
        stack.values(batches.x, stack.stored())["probability"][:, 0]
        for epoch in stack.train(batches, lr, momentum=momentum)
        if epoch in shown
    ]
    return torch.stack(said).numpy().round(DECIMALS)


def summary(table: pd.DataFrame, n_epochs: Sequence[int]) -> dict:
    """Sum up `gaps` after some epochs, and compare the last of them with the first."""
    first, *_, last = [
        table[table["epoch"] == epoch].reset_index(drop=True) for epoch in sorted(n_epochs)
    ]
    return {
        "gaps": {
            str(each["epoch"][0]): {name: mean(each[name]) for name in GAPS}
            for each in (first, last)
        },
        "last_minus_first": difference(last["deepish"], first["deepish"]),
        "deepish_minus_other_seed": difference(last["deepish"], last["other_seed"]),
    }
