"""Networks that differ in their activation alone: how well they end, and how fast."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from study.experiments.results import lower, lower_loss, number, share, statement, summary
from study.params import ClaimsBaseline
from study.trainings.inputs import every_input
from study.trainings.lines import LOGISTIC, Members, Settings, epochs, logits
from study.trainings.outcomes import outcomes
from study.trainings.parallel import in_parallel
from study.trainings.rates import best_rates

ACTIVATIONS = ("none", "sigmoid", "tanh", "relu", "leaky_relu", "prelu")
TRAINED = {"logistic": LOGISTIC, **{name: Settings(name) for name in ACTIVATIONS}}
PAIRS = (
    ("relu", "none"), ("tanh", "sigmoid"), ("relu", "tanh"), ("leaky_relu", "relu"),
    ("prelu", "leaky_relu"), ("relu", "logistic"),
)  # fmt: skip
FASTER = (("relu", "sigmoid"), ("relu", "tanh"), ("tanh", "sigmoid"))


class Result(NamedTuple):
    """What came of one activation at one learning rate.

    losses: float64 (epochs, members), on the population after each epoch.
    table: `outcomes` after the last one.
    slopes: float64 (members, layers), PReLU's, or no layers.
    """

    losses: np.ndarray
    table: pd.DataFrame
    slopes: np.ndarray


Results = Mapping[str, Result]  # by activation


def train(
    base: ClaimsBaseline, lrs: tuple[float, ...], members: Members
) -> tuple[dict[str, dict], dict[str, Results]]:
    """Train each activation, at the lecture's learning rate and at the one that suits it best.

    Returns:
        `best_rates` by activation; "lecture" and "best" -> results.
    """
    rates = best_rates(base, TRAINED, lrs)
    runs = {}
    for name, settings in TRAINED.items():
        for which, lr in (("lecture", base.lr), ("best", rates[name]["best"])):
            runs[which, name] = partial(_train_one, base, members, replace(settings, lr=lr))
    found = in_parallel(runs, "activations")
    return rates, {
        which: {name: found[which, name] for name in TRAINED} for which in ("lecture", "best")
    }


def _train_one(base: ClaimsBaseline, members: Members, settings: Settings) -> Result:
    inputs, losses = every_input(base.img_size), []
    for _, ensemble in epochs(base, members, settings):
        table = outcomes(logits(ensemble, inputs), inputs.labels, inputs.population)
        losses.append(table["loss"])
    slopes = [w[:, 0] for name, w in ensemble.stored().items() if name.startswith("activation")]
    no_layers = np.empty((ensemble.n_members, 0))
    return Result(np.array(losses), table, torch.stack(slopes, 1).numpy() if slopes else no_layers)


def compare(results: Results) -> dict:
    """Summarize the final outcomes, and state which activation of a pair has the lower loss."""
    loss = {name: result.table["loss"].to_numpy() for name, result in results.items()}
    return {
        "activations": {name: summary(result.table) for name, result in results.items()},
        "lower_loss": {
            f"{ours}_than_{theirs}": lower_loss(loss[ours], loss[theirs]) for ours, theirs in PAIRS
        },
    }


def epochs_to(losses: np.ndarray, level: float) -> np.ndarray:
    """Find the first epoch after which a loss is below a level, from (epochs, members).

    Returns:
        float64 (members,), from 1; infinity if it never is.
    """
    below = losses < level
    return np.where(below.any(axis=0), below.argmax(axis=0) + 1, np.inf)


def convergence(results: Results, level: float) -> dict:
    """Summarize in how many epochs losses fall below a level, and state which fall first.

    `first_of_both` counts the members alone of whom both get there.
    """
    reached = {name: epochs_to(result.losses, level) for name, result in results.items()}
    never = len(results["relu"].losses) + 1
    fewer, first = {}, {}
    for ours, theirs in FASTER:
        pair = [np.minimum(reached[name], never) for name in (ours, theirs)]
        both = (np.maximum(*pair) < never) & (pair[0] != pair[1])
        fewer[f"{ours}_than_{theirs}"] = lower(*pair)
        first[f"{ours}_than_{theirs}"] = statement(pair[0] < pair[1], both)
    return {
        "activations": {
            name: {"reached": share(np.isfinite(own)), "epochs": number(own)}
            for name, own in reached.items()
        },
        "fewer_epochs": fewer,
        "first_of_both": first,
    }


def reached_by_epoch(results: Results, level: float) -> pd.DataFrame:
    """Compute the share of members below a loss after each epoch: a column per activation."""
    columns = {
        name: (result.losses[:, :-1] < level).mean(axis=1) for name, result in results.items()
    }
    return pd.DataFrame({"epoch": range(1, len(columns["relu"]) + 1), **columns})


def learned_slopes(prelu: Result, start: float = 0.25) -> dict:
    """Summarize the slopes that PReLU learned, by layer, and state that they are negative."""
    converged = np.isfinite(prelu.slopes).all(axis=1)  # a few runs diverge
    layers = prelu.slopes[converged].round(6).T
    return {
        f"layer{place}": {
            **number(slopes),
            "above_start": share(slopes > start),
            "negative": statement(slopes < 0),
        }
        for place, slopes in enumerate(layers)
    }
