"""What varies with which seed: initialisation and sampling, or training and data, or split."""

from functools import partial

import numpy as np
import pandas as pd

from diagonal.claims.arms import batches, data_set, side_by_side
from diagonal.claims.batches import Batches, joined
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import components, mean, outcomes
from diagonal.claims.trainings import inputs_and_data, run, said, untrained
from diagonal.pipeline.params import ClaimsBaseline, ClaimsVariation

MODELS = ("logistic", "relu")
MEASURES = ("loss", "accuracy")
DESIGNS = {  # name -> whose seeds vary by row, and by column
    "training": ("initialisation", "sampling"),
    "data": ("data", "training"),
    "split": ("split", "training"),
}


def variation(base: ClaimsBaseline, own: ClaimsVariation) -> tuple[dict, pd.DataFrame]:
    """Train with every pair of two kinds of seeds, and part the variance on the population.

    Returns:
        components: design -> model -> measure -> what `statistics.components` says; baseline: the
        mean with the baseline's data and split; means: of other data and splits, the mean over
        them, and the share that is lower than the baseline's; then a row per training.
    """
    shown = side_by_side({design: partial(drawn, base, own, design) for design in DESIGNS})
    keys = [(design, model) for design in DESIGNS for model in MODELS]
    stacks = side_by_side({key: partial(trained, base, own, *key, shown[key[0]]) for key in keys})
    inputs, _ = inputs_and_data(base)
    row, column = np.divmod(np.arange(own.levels**2), own.levels)
    tables = {
        key: outcomes(said(stack, inputs.x()), inputs)[[*MEASURES]].assign(row=row, column=column)
        for key, stack in stacks.items()
    }
    parts = {design: {} for design in DESIGNS}
    rows = {design: {} for design in DESIGNS}
    for (design, model), table in tables.items():
        squares = {key: table[key].to_numpy().reshape(own.levels, -1) for key in MEASURES}
        parts[design][model] = {
            key: components(values, *DESIGNS[design]) for key, values in squares.items()
        }
        rows[design][model] = {key: each.mean(axis=1).round(6) for key, each in squares.items()}
    baseline = rows.pop("training")  # one data set, one split
    result = {
        "components": parts,
        "baseline": {
            model: {key: each.mean().round(6) for key, each in measures.items()}
            for model, measures in baseline.items()
        },
    }
    result["means"] = {
        design: {
            model: {
                key: {**mean(each), "lower": np.mean(each < result["baseline"][model][key])}
                for key, each in measures.items()
            }
            for model, measures in models.items()
        }
        for design, models in rows.items()
    }
    table = pd.concat(tables, names=["design", "model"]).reset_index(["design", "model"])
    return result, table[["design", "model", "row", "column", *MEASURES]]


def drawn(base: ClaimsBaseline, own: ClaimsVariation, design: str) -> Batches:
    """Draw the batches of a design's members, row by row."""
    inputs, data = inputs_and_data(base)
    levels = range(own.levels)
    if design == "training":
        row = batches(inputs, data, base, levels)
        return joined([row] * own.levels)
    sets = [data_set(inputs, base, **{f"{design}_seed": seed}) for seed in levels]
    return joined([batches(inputs, each, base, levels) for each in sets])


def trained(
    base: ClaimsBaseline, own: ClaimsVariation, design: str, model: str, shown: Batches
) -> Stack:
    """Train a model in a design: a member for each row and column, row by row."""
    row = untrained(base, own.levels, model)
    by_row = [each for each in row for _ in row]
    stack = Stack(by_row if design == "training" else row * own.levels)
    run(stack, shown, base)
    return stack
