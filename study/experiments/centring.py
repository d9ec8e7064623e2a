"""Normalised inputs: pixels as the lecture normalises them, as they are, and standardised."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from study.experiments.results import higher, lower_loss, summary
from study.params import ClaimsBaseline
from study.trainings.inputs import every_input
from study.trainings.lines import MODELS, Members, final_outcomes
from study.trainings.parallel import in_parallel
from study.trainings.rates import best_rates

TRAINED = ("logistic", "relu", "tanh")
MEASURES = ["loss", "accuracy", "roc_auc_is_1"]


def centring(
    base: ClaimsBaseline, lrs: tuple[float, ...], members: Members
) -> tuple[dict, pd.DataFrame]:
    """Train on pixels in [-1, 1], the lecture's, in [0, 1], and with mean 0 and deviation 1.

    Returns:
        pixels: mean and std of the population's pixels in [0, 1]; rates: model, pixels ->
        `best_rates`; lecture and best: model -> pixels -> `summary` at the lecture's and at the
        best rate, and statements that [-1, 1] is better than [0, 1]; then a row per training.
    """
    inputs = every_input(base.img_size)
    pixels = np.repeat(inputs.images, inputs.population, axis=0) / 255
    center, deviation = float(pixels.mean().round(6)), float(pixels.std().round(6))
    scales = {
        "[-1, 1]": {},
        "[0, 1]": {"mean": 0.0, "std": 1.0},
        "standardised": {"mean": center, "std": deviation},
    }
    settings = {
        f"{model}, {name}": replace(MODELS[model], **scale)
        for model in TRAINED
        for name, scale in scales.items()
    }
    rates = best_rates(base, settings, lrs)
    runs = {
        (which, name): partial(final_outcomes, base, members, replace(each, lr=lr))
        for name, each in settings.items()
        for which, lr in (("lecture", base.lr), ("best", rates[name]["best"]))
    }
    found = in_parallel(runs, "normalised inputs")
    result = {"pixels": {"mean": center, "std": deviation}, "rates": rates}
    for which in ("lecture", "best"):
        result[which] = {}
        for model in TRAINED:
            tables = {name: found[which, f"{model}, {name}"] for name in scales}
            ours, theirs = tables["[-1, 1]"], tables["[0, 1]"]
            result[which][model] = {
                **{name: summary(table[MEASURES]) for name, table in tables.items()},
                "lower_loss": lower_loss(ours["loss"], theirs["loss"]),
                "higher_accuracy": higher(ours["accuracy"], theirs["accuracy"]),
            }
    rows = {key: table[MEASURES] for key, table in found.items()}
    return result, pd.concat(rows, names=["rate", "training", "member"]).reset_index()
