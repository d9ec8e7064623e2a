"""The missing bias: what the lecture's layers cannot do without it, by proof and in training."""

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from sklearn.svm import SVC

from diagonal.claims.arms import batches, data_set, networks, parts, side_by_side
from diagonal.claims.batches import Batches, Inputs, every_input
from diagonal.claims.one_matrix import OneMatrix
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import difference, mean, outcomes, proportion
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import ClaimsBaseline

HARD = 1e9  # a support vector machine's penalty, so high that no point is on the wrong side
BIASES = {"without_bias": False, "with_bias": True}


# What a plane can do


def largest_score(x: np.ndarray, labels: np.ndarray, intercept: bool) -> float:
    """Ask a linear program how clearly a plane can part the classes.

    It finds the largest t for which some w and b, no number in them beyond -1 and 1, have
    y (w . x + b) >= t for all points, where y is -1 or 1. Some plane parts the classes just if
    t > 0.

    Args:
        x: float64 (n, features).
        labels: 0 or 1, (n,).
        intercept: whether b may differ from 0, else the plane goes through the origin.

    Returns:
        t, rounded to 6 decimals.
    """
    y = np.where(labels == 1, 1.0, -1.0)[:, None]
    scores = y * (np.column_stack([x, np.ones(len(x))]) if intercept else x)
    n = scores.shape[1]
    answer = linprog(
        c=[*np.zeros(n), -1],  # linprog looks for the smallest
        A_ub=np.column_stack([-scores, np.ones(len(x))]),
        b_ub=np.zeros(len(x)),
        bounds=[*[(-1, 1)] * n, (None, None)],
    )
    return abs(round(answer.fun, 6))


def margin(x: np.ndarray, labels: np.ndarray, intercept: bool) -> float | None:
    """Compute how far the nearest point can at most be from a plane that parts the classes.

    Arguments are those of `largest_score`. A support vector machine with a hard margin finds that
    plane. For one through the origin it is shown every point's opposite, of the other class, too.

    Returns:
        Euclidean distance in units of x, rounded to 6 decimals; None where no plane parts them.
    """
    if largest_score(x, labels, intercept) == 0:
        return None
    if not intercept:
        x, labels = np.concatenate([x, -x]), np.concatenate([labels, 1 - labels])
    machine = SVC(kernel="linear", C=HARD, tol=1e-9).fit(x, labels)
    return float(np.round(1 / np.linalg.norm(machine.coef_), 6))


def planes(inputs: Inputs) -> dict[str, dict]:
    """Find what a plane can do with the generator's lines, and with all mirror images, too.

    Returns:
        drawable and mirrored: lines, their number; without_bias and with_bias: `margin` and
        `largest_score` in units in which a pixel is -1 or 1.
    """
    x, labels = inputs.x().flatten(1).numpy(), inputs.labels
    sets = {"drawable": inputs.population > 0, "mirrored": np.ones(len(x), bool)}
    return {
        name: {
            "lines": int(chosen.sum()),
            **{
                bias: {
                    "margin": margin(x[chosen], labels[chosen], intercept),
                    "largest_score": largest_score(x[chosen], labels[chosen], intercept),
                }
                for bias, intercept in BIASES.items()
            },
        }
        for name, chosen in sets.items()
    }


# What training makes of it


def trainings(base: ClaimsBaseline, seeds: Sequence[int], n_epochs: Sequence[int]) -> pd.DataFrame:
    """Train each model with and without biases on the same batches.

    Returns:
        A row for each model, bias (0 or 1), epoch, one of those given, and seed: `outcomes`.
    """
    inputs, arms = every_input(base.img_size), list(product(MODELS, (0, 1)))
    data = data_set(inputs, base)

    def train(part: Sequence[int]) -> dict[tuple, pd.DataFrame]:
        drawn = batches(inputs, data, base, part, n_epochs=max(n_epochs))
        stacks = {(name, bias): stack_of(name, base, part, bias == 1) for name, bias in arms}
        return {
            (*arm, epoch): table.set_axis(part)
            for arm, stack in stacks.items()
            for epoch, table in _outcomes(stack, inputs, drawn, base.lr, n_epochs).items()
        }

    tables = side_by_side({at: partial(train, part) for at, part in enumerate(parts(seeds))})
    joined = {arm: pd.concat([each[arm] for each in tables.values()]) for arm in tables[0]}
    return pd.concat(joined, names=["model", "bias", "epoch", "seed"]).reset_index()


def stack_of(name: str, base: ClaimsBaseline, seeds: Sequence[int], bias: bool) -> Stack:
    """Build a model of MODELS for each seed; logistic regression has no hidden layers."""
    activation = MODELS[name].activation
    kind = OneMatrix if activation == "none" and not bias else Stack
    hidden = () if name == "logistic" else base.hidden
    return kind(networks(base, seeds, activation, hidden, bias=bias))


def _outcomes(
    stack: Stack, inputs: Inputs, drawn: Batches, lr: float, n_epochs: Sequence[int]
) -> dict[int, pd.DataFrame]:
    return {
        epoch: outcomes(stack.values(drawn.x, stack.stored())["probability"][:, 0], inputs)
        for epoch in stack.train(drawn, lr)
        if epoch in n_epochs
    }


def summary(table: pd.DataFrame) -> dict:
    """Sum up `trainings` by model, bias and epoch, with paired differences after the last epoch."""
    arms = dict(iter(table.groupby(["model", "bias", "epoch"])))
    last = table["epoch"].max()

    def against(ours: tuple, theirs: tuple) -> dict:
        ours, theirs = (arms[*arm, last]["perfect"].to_numpy() for arm in (ours, theirs))
        return difference(ours, theirs, larger_wins=True)

    models: dict = {name: {bias: {} for bias in BIASES} for name in MODELS}
    for (name, bias, epoch), each in arms.items():
        models[name][list(BIASES)[bias]][str(epoch)] = {
            **{key: proportion(each[key]) for key in ("separates", "perfect", "ties")},
            "accuracy": mean(each["accuracy"]),
            "loss": mean(each["loss"]),
        }
    return {
        "models": models,
        "perfect_with_minus_without": {name: against((name, 1), (name, 0)) for name in MODELS},
        "perfect_with_bias_deepish_minus_relu": against(("deepish", 1), ("relu", 1)),
    }
