"""Units that are silent for every input: when they die, whether they revive, what a leak does."""

from functools import partial

import numpy as np
import pandas as pd
import torch

from diagonal.training.models import dead_units
from study.experiments.results import statement
from study.params import ClaimsBaseline, DeadUnitClaims
from study.trainings.ensembles import Ensemble
from study.trainings.lines import Members, Settings, batches_of, networks
from study.trainings.parallel import in_parallel

PART = 128  # members that one process watches
Layers = list[np.ndarray]  # bool (epochs + 1, members, units) for each hidden layer: what is dead


def dead(ensemble: Ensemble, x: torch.Tensor) -> list[np.ndarray]:
    """Find the dead units: bool (members, units) by hidden layer.

    Sums of rounded weights are exact, so that no pre-activation is above 0 by a rounding error.
    """
    values = ensemble.values(x.flatten(1), ensemble.stored())
    hidden = [value for name, value in values.items() if name.startswith("hidden")]
    return [dead_units(value.numpy(), axis=2) for value in hidden]


def watch(
    base: ClaimsBaseline, members: Members, n_epochs: int, leak: float = 0.0, deaths=np.inf
) -> Layers:
    """Train ReLU networks, and find the dead units before training and after each epoch.

    A member's ReLUs leak from one epoch on, deaths (members,). They are PReLUs, whose slopes are
    set instead of learned.
    """
    batches = batches_of(base, members, Settings(n_epochs=n_epochs))
    ensemble = Ensemble(networks(base, members, Settings("prelu")))
    slopes = frozenset(name for name in ensemble.weights if name.startswith("activation"))
    deaths = torch.as_tensor(deaths).expand(len(members))

    def set_slopes(epoch: int) -> None:
        for name in slopes:
            ensemble.weights[name][:, 0] = torch.where(deaths <= epoch, leak, 0.0)

    set_slopes(0)
    states = [dead(ensemble, batches.x)]
    for epoch in ensemble.train(batches, base.lr, fixed=slopes):
        states.append(dead(ensemble, batches.x))
        set_slopes(epoch)
    return [np.stack(layer) for layer in zip(*states, strict=True)]


def died_at(states: np.ndarray, last: int) -> np.ndarray:
    """Find the first epoch, up to the last one, at which a unit is dead that was not at the start.

    States are bool (epochs + 1, members, units); infinity where there is no such epoch.
    """
    early = states[: last + 1]
    died = early.any(axis=0) & ~early[0]
    return np.where(died, early.argmax(axis=0), np.inf)


def measure(
    base: ClaimsBaseline, claims: DeadUnitClaims, members: Members
) -> tuple[dict, pd.DataFrame]:
    """Watch ReLU networks for long, and with a leak from a member's first death on.

    Returns:
        by layer: shares of units, the mean length of a first death in epochs, and statements on
        members with units that died within the baseline's epochs, `stuck`: half of them or more
        are dead at the end; by leak, `half_active`: half or more of those that died first are
        active `claims.patience` epochs later. Then the share of dead units by epoch.
    """
    short = min(base.n_epochs, claims.n_epochs - claims.patience)
    parts = [members[first : first + PART] for first in range(0, len(members), PART)]
    runs = {part: partial(watch, base, part, claims.n_epochs) for part in parts}
    watched = in_parallel(runs, "dead units")
    states = [np.concatenate(layer, axis=1) for layer in zip(*watched.values(), strict=True)]
    deaths = [died_at(layer, short) for layer in states]
    first_death = np.min([epochs.min(axis=1) for epochs in deaths], axis=0)
    leaking = in_parallel(
        {
            leak: partial(watch, base, members, short + claims.patience, leak, first_death)
            for leak in claims.leaks
        },
        "leaks",
    )

    metrics: dict = {}
    for place, (layer, epochs) in enumerate(zip(states, deaths, strict=True)):
        died, end = np.isfinite(epochs), layer[-1]
        some = died.any(axis=1)
        still_dead = (died & end).sum(axis=1) / np.maximum(died.sum(axis=1), 1)
        first = died & (epochs == first_death[:, None])
        without = active_share(layer, epochs, first, claims.patience)
        metrics[f"layer{place}"] = {
            "dead_at_start": float(layer[0, :-1].mean()),
            f"died_by_{short}": float(died[:-1].mean()),
            f"of_those_dead_at_{claims.n_epochs}": _mean(end[:-1][died[:-1]]),
            "epochs_of_a_first_death": _mean(lengths(layer[:, :-1], epochs[:-1])),
            "stuck": statement(still_dead >= 0.5, some),
            "active_again": {
                "no_leak": _mean(without[:-1][first[:-1].any(axis=1)]),
                **{
                    f"leak_{leak:g}": revived(layers[place], epochs, first, claims.patience)
                    for leak, layers in leaking.items()
                },
            },
        }
    columns = {
        f"layer{place}": layer[:, :-1].mean(axis=(1, 2)) for place, layer in enumerate(states)
    }
    return metrics, pd.DataFrame({"epoch": range(claims.n_epochs + 1), **columns})


def _mean(values) -> float | None:
    return float(np.mean(values)) if len(values) else None


def lengths(states: np.ndarray, epochs: np.ndarray) -> list[int]:
    """Count for how many epochs each unit that died stays dead at first."""
    result = []
    for member, unit in np.argwhere(np.isfinite(epochs)):
        after = states[int(epochs[member, unit]) :, member, unit]
        result.append(len(after) if after.all() else int(after.argmin()))
    return result


def active_share(states, epochs: np.ndarray, chosen: np.ndarray, patience: int) -> np.ndarray:
    """Compute each member's share of the chosen units that is active `patience` epochs after death.

    States are (epochs + 1, members, units), epochs and chosen (members, units). Returns (members,),
    0 for members of whom none is chosen.
    """
    then = np.where(chosen, epochs, 0).astype(int) + patience
    active = ~np.take_along_axis(states, then[None], axis=0)[0]
    return (active & chosen).sum(axis=1) / np.maximum(chosen.sum(axis=1), 1)


def revived(states, epochs, chosen: np.ndarray, patience: int) -> dict:
    """State that half or more of the chosen units are active again, among members with any."""
    some = chosen.any(axis=1)
    share = active_share(states, epochs, chosen, patience)
    return {"mean": _mean(share[:-1][some[:-1]]), "half_active": statement(share >= 0.5, some)}
