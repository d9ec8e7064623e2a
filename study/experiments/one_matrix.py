"""Deepish is logistic regression: exactly as a function, and how nearly as a training."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import expit

from diagonal.training.history import shown_epochs
from diagonal.training.models import PROBABILITY_DECIMALS
from study.experiments.results import lower, number
from study.params import ClaimsBaseline, OneMatrixClaims
from study.trainings.ensembles import OneMatrix
from study.trainings.inputs import every_input
from study.trainings.lines import DEEPISH, LOGISTIC, Members, Settings, epochs, logits, networks
from study.trainings.parallel import in_parallel

GAPS = ("deepish", "other_batches")


def gaps(base: ClaimsBaseline, claims: OneMatrixClaims, members: Members) -> pd.DataFrame:
    """Measure how far apart trainings of deepish and of logistic regression are.

    Returns:
        A row for each epoch shown and member, with the largest difference of probability over all
        inputs, rounded to 6 decimals. deepish: from the logistic regression with the same images
        and batches. other_batches: of this logistic regression from one with other initial weights
        and batches on the same images.
    """
    shown = shown_epochs(claims.n_epochs, claims.n_shown, logarithmic=True)
    others = tuple(
        m._replace(weights=m.weights + 10**6, batches=m.batches + 10**6) for m in members
    )
    runs = {
        "deepish": partial(_probabilities, base, members, DEEPISH, shown),
        "logistic": partial(_probabilities, base, members, LOGISTIC, shown),
        "other": partial(_probabilities, base, others, LOGISTIC, shown),
    }
    found = in_parallel(runs, "one matrix")
    apart = (found["deepish"] - found["logistic"], found["other"] - found["logistic"])
    index = np.arange(len(members))
    columns = {"epoch": np.repeat(shown, len(index)), "member": np.tile(index, len(shown))}
    for name, gap in zip(GAPS, apart, strict=True):
        columns[name] = abs(gap).max(axis=2).ravel().round(6)
    return pd.DataFrame(columns)


def _probabilities(
    base: ClaimsBaseline, members: Members, settings: Settings, shown: list[int]
) -> np.ndarray:
    """Train; return the probabilities after the epochs shown: (epochs, members, n)."""
    inputs, settings = every_input(base.img_size), replace(settings, n_epochs=shown[-1])
    ensemble = OneMatrix(networks(base, members, settings))
    found = [
        expit(logits(ensemble, inputs))
        for epoch, _ in epochs(base, members, settings, ensemble)
        if epoch in shown
    ]
    return np.stack(found).round(PROBABILITY_DECIMALS)


def summary(table: pd.DataFrame) -> dict:
    """Summarize `gaps` after the last epoch, and state that deepish's is the smaller one."""
    last = table[table["epoch"] == table["epoch"].max()]
    deepish, other = (last[name].to_numpy() for name in GAPS)
    return {
        "epochs": int(table["epoch"].max()),
        "gaps": {name: number(last[name].to_numpy()) for name in GAPS},
        "deepish_is_nearer": lower(deepish, other),
    }
