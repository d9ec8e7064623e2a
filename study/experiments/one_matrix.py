"""Deepish is logistic regression: exactly as a function, and how nearly as a training."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import expit

from diagonal.training.history import shown_epochs
from diagonal.training.models import PROBABILITY_DECIMALS
from study.experiments.results import number, statement
from study.params import ClaimsBaseline, OneMatrixClaims
from study.trainings.inputs import every_input
from study.trainings.lines import DEEPISH, LOGISTIC, Members, Settings, epochs, logits
from study.trainings.parallel import in_parallel

GAPS = ("deepish", "other_batches", "other_weights")


def gaps(base: ClaimsBaseline, claims: OneMatrixClaims, members: Members) -> pd.DataFrame:
    """Measure how far apart trainings of deepish and of logistic regression are.

    Returns:
        A row for each epoch shown and member, with the largest difference of probability over all
        inputs, rounded to 6 decimals, from the logistic regression with the member's images and
        batches. deepish: of deepish. other_weights: of another logistic regression, with other
        initial weights; other_batches: of one whose batches differ, too. And decided_otherwise,
        the number of inputs on whose class deepish and logistic regression disagree.
    """
    shown = shown_epochs(claims.n_epochs, claims.n_shown, logarithmic=True)
    other_weights = tuple(m._replace(weights=m.weights + 10**6) for m in members)
    other_batches = tuple(m._replace(batches=m.batches + 10**6) for m in other_weights)
    runs = {
        "logistic": partial(_probabilities, base, members, LOGISTIC, shown),
        "deepish": partial(_probabilities, base, members, DEEPISH, shown),
        "other_batches": partial(_probabilities, base, other_batches, LOGISTIC, shown),
        "other_weights": partial(_probabilities, base, other_weights, LOGISTIC, shown),
    }
    found = in_parallel(runs, "one matrix")
    index = np.arange(len(members))
    columns = {"epoch": np.repeat(shown, len(index)), "member": np.tile(index, len(shown))}
    for name in GAPS:
        columns[name] = abs(found[name] - found["logistic"]).max(axis=2).ravel().round(6)
    differ = (found["deepish"] > 0.5) != (found["logistic"] > 0.5)
    columns["decided_otherwise"] = differ.sum(axis=2).ravel()
    return pd.DataFrame(columns)


def _probabilities(
    base: ClaimsBaseline, members: Members, settings: Settings, shown: list[int]
) -> np.ndarray:
    """Train; return the probabilities after the epochs shown: (epochs, members, n)."""
    inputs, settings = every_input(base.img_size), replace(settings, n_epochs=shown[-1])
    found = [
        expit(logits(ensemble, inputs))
        for epoch, ensemble in epochs(base, members, settings)
        if epoch in shown
    ]
    return np.stack(found).round(PROBABILITY_DECIMALS)


def summary(table: pd.DataFrame) -> dict:
    """Summarize `gaps` after the last epoch, and state that no input is decided otherwise."""
    last = table[table["epoch"] == table["epoch"].max()]
    differ = last["decided_otherwise"].to_numpy()
    return {
        "epochs": int(table["epoch"].max()),
        "gaps": {name: number(last[name].to_numpy()) for name in GAPS},
        "decided_otherwise": number(differ),
        "same_decisions": statement(differ == 0),
    }
