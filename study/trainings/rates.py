"""The learning rate that suits a network: chosen on other members than those it is judged on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from study.params import ClaimsBaseline
from study.trainings.lines import Settings, final_outcomes, members
from study.trainings.parallel import in_parallel

CHOOSING = members(32, first=100_000)  # by whom a rate is chosen


def best_rates(
    base: ClaimsBaseline, settings: Mapping[str, Settings], rates: Sequence[float]
) -> dict[str, dict]:
    """Choose the rate with the lowest median loss on the population for each of some settings.

    Returns:
        name -> best, the rate; at_end, whether it is the smallest or the largest of them; by_rate,
        the median loss at each.
    """
    runs = {
        (name, lr): partial(final_outcomes, base, CHOOSING, replace(each, lr=lr))
        for name, each in settings.items()
        for lr in rates
    }
    found, result = in_parallel(runs, "learning rates"), {}
    for name in settings:
        by_rate = {lr: float(found[name, lr]["loss"].median().round(6)) for lr in rates}
        best = min(rates, key=by_rate.get)
        result[name] = {
            "best": best,
            "at_end": int(best in (rates[0], rates[-1])),
            "by_rate": {f"{lr:g}": loss for lr, loss in by_rate.items()},
        }
    return result
