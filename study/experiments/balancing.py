"""Balanced sampling: what mini-batches hold, and what it does to recall and losses."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from study.experiments.results import higher, lower_loss, number, statement, summary
from study.params import ClaimsBaseline
from study.trainings.inputs import every_input
from study.trainings.lines import MODELS, SAMPLERS, Members, Settings, batches_of, final_outcomes
from study.trainings.parallel import in_parallel

TRAINED = ("logistic", "relu", "tanh")
MEASURES = ["loss", "class_loss", "accuracy", "recall_straight", "recall_diagonal"]
ROUGHLY = 0.05  # how far a share of diagonals may be from a half


def balancing(base: ClaimsBaseline, members: Members) -> tuple[dict, pd.DataFrame]:
    """Train with batches that are balanced by weights, drawn with equal weights, or shuffled.

    Returns:
        batches: sampler -> share of diagonals in a batch, and the statement that it is roughly a
        half; models: model -> sampler -> `summary`; balanced against equal weights: statements;
        then a row per training.
    """
    runs = {
        (model, sampler): partial(final_outcomes, base, members, _settings(model, sampler))
        for model in TRAINED
        for sampler in SAMPLERS
    }
    found, batches = in_parallel(runs, "balanced batches"), {}
    counts = {name: partial(diagonals_in_batches, base, members, name) for name in SAMPLERS}
    for sampler, share in in_parallel(counts, "diagonals per batch").items():
        balanced = statement(abs(share - 0.5) <= ROUGHLY)
        batches[sampler] = {"diagonals": number(share), "roughly_half": balanced}
    result = {"batches": batches, "models": {}, "balanced_against_equal": {}}
    for model in TRAINED:
        tables = {sampler: found[model, sampler] for sampler in SAMPLERS}
        result["models"][model] = {name: summary(t[MEASURES]) for name, t in tables.items()}
        balanced, equal = tables["balanced"], tables["equal"]
        result["balanced_against_equal"][model] = {
            "higher_recall_straight": higher(balanced["recall_straight"], equal["recall_straight"]),
            "higher_recall_diagonal": higher(balanced["recall_diagonal"], equal["recall_diagonal"]),
            "lower_loss": lower_loss(balanced["loss"], equal["loss"]),
            "lower_class_loss": lower_loss(balanced["class_loss"], equal["class_loss"]),
        }
    rows = {key: table[MEASURES] for key, table in found.items()}
    return result, pd.concat(rows, names=["model", "sampler", "member"]).reset_index()


def _settings(model: str, sampler: str) -> Settings:
    return replace(MODELS[model], sampler=sampler)


def diagonals_in_batches(base: ClaimsBaseline, members: Members, sampler: str) -> np.ndarray:
    """Compute the mean share of diagonals in the mini-batches of each member: (members,)."""
    counts = batches_of(base, members, Settings(sampler=sampler)).counts.double()
    diagonal = every_input(base.img_size).labels == 1
    return (counts[..., diagonal].sum(-1) / counts.sum(-1)).mean(dim=(0, 1)).numpy().round(6)
