"""What varies with which seed: initial weights and batches, or training and data, or split."""

from functools import partial

import numpy as np
import pandas as pd

from study.params import ClaimsBaseline, ClaimsVariation
from study.trainings.lines import LECTURE, MODELS, Member, Members, final_outcomes
from study.trainings.parallel import in_parallel
from study.trainings.statistics import components

TRAINED = ("logistic", "relu")
MEASURES = ("loss", "accuracy")
DESIGNS = {  # name -> what varies by row, and by column
    "training": ("weights", "batches"),
    "data": ("data", "training"),
    "split": ("split", "training"),
}


def variation(base: ClaimsBaseline, claims: ClaimsVariation) -> tuple[dict, pd.DataFrame]:
    """Train with every pair of two kinds of seeds, and part the variance on the population.

    Returns:
        design -> model, or "relu - logistic", the difference with the same seeds -> measure ->
        `statistics.components`; then a row per training.
    """
    keys = [(design, model) for design in DESIGNS for model in TRAINED]
    runs = {
        (design, model): partial(
            final_outcomes, base, crossed(design, claims.levels), MODELS[model]
        )
        for design, model in keys
    }
    row, column = np.divmod(np.arange(claims.levels**2), claims.levels)
    tables = {
        key: table[[*MEASURES]].assign(row=row, column=column)
        for key, table in in_parallel(runs, "variation").items()
    }
    result: dict = {}
    for design, kinds in DESIGNS.items():
        logistic, relu = (tables[design, model] for model in TRAINED)
        compared = {"logistic": logistic, "relu": relu, "relu - logistic": relu - logistic}
        result[design] = {
            name: {
                key: components(table[key].round(6).to_numpy().reshape(claims.levels, -1), *kinds)
                for key in MEASURES
            }
            for name, table in compared.items()
        }
    table = pd.concat(tables, names=["design", "model"]).reset_index(["design", "model"])
    return result, table[["design", "model", "row", "column", *MEASURES]]


def crossed(design: str, levels: int) -> Members:
    """Cross two kinds of seeds, row by row; the other seeds are the lecture's."""
    kinds = DESIGNS[design]

    def member(row: int, column: int) -> Member:
        seeds = dict(zip(kinds, (row, column), strict=True))
        if "training" in seeds:
            seeds["weights"] = seeds["batches"] = seeds.pop("training")
        return LECTURE._replace(**seeds)

    return tuple(member(row, column) for row in range(levels) for column in range(levels))
