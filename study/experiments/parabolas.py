"""How often networks of the bonus chapter separate the parabolas, over many seeds."""

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import torch

from diagonal.training.models import PROBABILITY_DECIMALS, network
from study.bonus.points import curves
from study.params import ParabolaClaims, Parabolas
from study.trainings.draws import CountedBatches
from study.trainings.ensembles import Ensemble
from study.trainings.parallel import in_parallel
from study.trainings.statistics import proportion, statement

AT_ONCE = 200  # points at which networks are evaluated, to bound memory


def points(n_points: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Place so many points on each parabola: float64 (2 n, 2); int64 (2 n,), 1 on the lower one.

    Networks that are trained on all of them at once need no shuffle.
    """
    x = torch.from_numpy(curves(n_points).reshape(-1, 2))
    return x, torch.arange(2).repeat_interleave(n_points)


def untrained(hidden: Sequence[int], activation: str, seeds: Sequence[int]) -> Ensemble:
    """Build networks with biases, as the bonus chapter has them, float64."""
    sizes, options = [2, *hidden, 1], {"bias": True, "dtype": torch.float64}
    models = [network(sizes, activation, seed=seed, **options) for seed in seeds]
    return Ensemble(models, rounded=False)  # as the chapter trains


def train(ensemble: Ensemble, settings: Parabolas, n_points: int) -> None:
    """Train as the bonus chapter does, on so many points of each parabola, all at once."""
    x, y = points(n_points)
    counts = torch.ones(()).expand(settings.n_epochs, 1, ensemble.n_members, len(y))
    for _ in ensemble.train(CountedBatches(x, y, counts), settings.lr, momentum=settings.momentum):
        pass


def all_right(ensemble: Ensemble, n_points: int) -> np.ndarray:
    """Tell which members are right about so many points of each parabola: bool (members,)."""
    (x, y), weights = points(n_points), ensemble.stored()
    parts = [ensemble.values(part, weights)["probability"][:, 0] for part in x.split(AT_ONCE)]
    probability = torch.cat(parts, dim=1).numpy().round(PROBABILITY_DECIMALS)
    return ((probability > 0.5) == y.numpy()).all(axis=1)


def shares(settings: ParabolaClaims, chapter: Parabolas, seeds: Sequence[int]) -> pd.DataFrame:
    """Train networks of all widths and depths, and those that the bonus chapter draws.

    Returns:
        A row for each network and seed: network, "grid" or the chapter's name; hidden, units per
        layer joined by "-"; activation; seed; drawn, 1 for the seed that the chapter draws, which
        stands last; perfect, 1 if the network is right about all of the chapter's points.
    """
    seeds_of = {
        ("grid", (width,) * depth, settings.activation): [*seeds]
        for depth, width in product(settings.depths, settings.widths)
    }
    for name, chosen in chapter.networks:
        seeds_of[name, chosen.hidden, chosen.activation] = [*seeds, chosen.seed]

    def perfect(hidden: Sequence[int], activation: str, members: Sequence[int]) -> np.ndarray:
        ensemble = untrained(hidden, activation, members)
        train(ensemble, chapter, settings.n_points)
        return all_right(ensemble, chapter.n_points).astype(int)

    largest_first = sorted(seeds_of, key=lambda shape: -sum(shape[1]))
    runs = {shape: partial(perfect, *shape[1:], seeds_of[shape]) for shape in largest_first}
    by_shape, tables = in_parallel(runs, "parabolas"), []
    for (name, hidden, activation), members in seeds_of.items():
        columns = {"network": name, "hidden": "-".join(map(str, hidden)), "activation": activation}
        drawn = np.arange(len(members)) >= len(seeds)
        columns |= {"seed": members, "drawn": drawn.astype(int)}
        columns["perfect"] = by_shape[name, hidden, activation]
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def summary(table: pd.DataFrame, settings: ParabolaClaims) -> dict:
    """Summarize `shares`, and state of pairs that one network succeeds where the other fails."""
    by_shape = {
        key: rows["perfect"].to_numpy()
        for key, rows in table[table["drawn"] == 0].groupby(["network", "hidden"])
    }
    by_name = {name: perfect for (name, _), perfect in by_shape.items()}
    drawn = table[table["drawn"] == 1].set_index("network")["perfect"]

    def of(width: int, depth: int) -> np.ndarray:
        return by_shape["grid", "-".join([str(width)] * depth)]

    narrow, wide = min(settings.widths), max(settings.widths)
    shallow, deep = min(settings.depths), max(settings.depths)
    pairs = {
        "wide_than_narrow_shallow": (of(wide, shallow), of(narrow, shallow)),
        "wide_than_narrow_deep": (of(wide, deep), of(narrow, deep)),
        "deep_than_shallow_narrow": (of(narrow, deep), of(narrow, shallow)),
        "deep_than_shallow_wide": (of(wide, deep), of(wide, shallow)),
        "deeper_than_tanh": (by_name["deeper"], by_name["tanh"]),
        "wider_than_tanh": (by_name["wider"], by_name["tanh"]),
    }
    return {
        "grid": {
            str(depth): {str(width): proportion(of(width, depth)) for width in settings.widths}
            for depth in settings.depths
        },
        "networks": {
            name: {**proportion(by_name[name]), "drawn_seed_is_perfect": int(perfect)}
            for name, perfect in drawn.items()
        },
        "where_other_fails": {
            name: statement(ours > theirs) for name, (ours, theirs) in pairs.items()
        },
    }
