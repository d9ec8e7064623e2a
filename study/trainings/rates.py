"""The learning rate that suits a network: chosen on other members than those it is judged on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from study.params import ClaimsBaseline
from study.trainings.ensembles import Ensemble
from study.trainings.inputs import every_input
from study.trainings.lines import Settings, logits, members, networks, trained
from study.trainings.outcomes import outcomes
from study.trainings.parallel import in_parallel

CHOOSING = members(32, first=100_000)  # by whom a rate is chosen
PERTURBATION = 1e-13  # relative, of the initial weights
STABLE = 1e-5  # nats by which a perturbed training may end apart


def best_rates(
    base: ClaimsBaseline, settings: Mapping[str, Settings], rates: Sequence[float]
) -> dict[str, dict]:
    """Choose the rate with the lowest median loss on the population for each of some settings.

    A rate is left out if a perturbation of the initial weights by about the last bit, in which CPUs
    differ, changes a loss: then the outcome is not reproducible.

    Returns:
        name -> best, the rate; at_end, whether it is the smallest or the largest of the stable
        ones; by rate: median loss, and stable, 1 or 0.
    """
    runs = {
        (name, lr): partial(_losses, base, replace(each, lr=lr))
        for name, each in settings.items()
        for lr in rates
    }
    found, result = in_parallel(runs, "learning rates"), {}
    for name in settings:
        by_rate = {
            lr: {
                "loss": float(np.median(found[name, lr][0]).round(6)),
                "stable": int(abs(np.subtract(*found[name, lr])).max() < STABLE),
            }
            for lr in rates
        }
        stable = [lr for lr in rates if by_rate[lr]["stable"]]
        best = min(stable, key=lambda lr: by_rate[lr]["loss"])
        result[name] = {
            "best": best,
            "at_end": int(best in (stable[0], stable[-1])),
            "by_rate": {f"{lr:g}": row for lr, row in by_rate.items()},
        }
    return result


def _losses(base: ClaimsBaseline, settings: Settings) -> list[np.ndarray]:
    """Train with and without a perturbation: two arrays of losses, (members,) each."""
    inputs, result = every_input(base.img_size), []
    for factor in (1.0, 1.0 + PERTURBATION):
        ensemble = Ensemble(networks(base, CHOOSING, settings))
        ensemble.weights = {name: weight * factor for name, weight in ensemble.weights.items()}
        z = logits(trained(base, CHOOSING, settings, ensemble), inputs, settings)
        result.append(outcomes(z, inputs.labels, inputs.population)["loss"].to_numpy())
    return result
