"""Balanced sampling: what it does to the recall of each class, and to probabilities."""

import numpy as np
import pandas as pd

from diagonal.claims.arms import SAMPLERS, side_by_side
from diagonal.claims.batches import Inputs
from diagonal.claims.statistics import difference, outcomes
from diagonal.claims.trainings import Arm, answers, inputs_and_data, summary
from diagonal.pipeline.params import ClaimsBaseline

MODELS = ("logistic", "relu")
MEASURES = ("recall_straight", "recall_diagonal", "loss", "accuracy", "brier", "bias")


def balancing(base: ClaimsBaseline, n: int) -> tuple[dict, pd.DataFrame]:
    """Train with batches that are balanced by weights, drawn with equal weights, or shuffled.

    Returns:
        means: model -> sampler -> measure; and balanced less equal weights; a row per training.
    """
    inputs, _ = inputs_and_data(base)

    def train(sampler: str) -> dict[str, pd.DataFrame]:
        arm = Arm(sampler=sampler)
        return {model: measures(answers(base, n, model, arm), inputs) for model in MODELS}

    arms = side_by_side({name: lambda name=name: train(name) for name in SAMPLERS})
    tables = {model: {name: arms[name][model] for name in SAMPLERS} for model in MODELS}
    compared = {
        model: {
            key: difference(each["balanced"][key], each["equal"][key], key.startswith("recall"))
            for key in ("recall_straight", "recall_diagonal", "loss")
        }
        for model, each in tables.items()
    }
    means, table = summary(tables, "sampler", MEASURES)
    return {"means": means, "balanced_less_equal": compared}, table


def measures(probability: np.ndarray, inputs: Inputs) -> pd.DataFrame:
    """Evaluate trainings, (trainings, inputs), on the population.

    Returns:
        As `outcomes`, and recall_straight and recall_diagonal, the share of a class that is found;
        brier, the mean squared distance of the probability to what is true (Brier, 1950); bias,
        the mean probability less the share of diagonals.
    """
    counts, labels = inputs.population, inputs.labels
    right = (probability > 0.5) == labels
    columns = {
        f"recall_{name}": np.average(right, axis=1, weights=counts * (labels == label))
        for label, name in enumerate(("straight", "diagonal"))
    }
    columns["brier"] = np.average((probability - labels) ** 2, axis=1, weights=counts)
    columns["bias"] = np.average(probability - labels, axis=1, weights=counts)
    return outcomes(probability, inputs).assign(**columns).round(6)
