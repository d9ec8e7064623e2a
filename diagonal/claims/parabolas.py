"""How often networks of the bonus chapter separate the parabolas, over many seeds."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd
import torch

from diagonal.claims.arms import side_by_side
from diagonal.claims.batches import Batches
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import difference, proportion
from diagonal.lines.parabolas import curves
from diagonal.pipeline.params import ParabolaClaims, ParabolaNetworks, Parabolas
from diagonal.training.models import DECIMALS, network

AT_ONCE = 200  # points at which networks are evaluated, to bound memory


def points(n_points: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Place so many points on each parabola: float64 (2 n, 2); int64 (2 n,), 1 on the lower one.

    Networks that are trained on all of them at once need no shuffle.
    """
    x = torch.from_numpy(curves(n_points).reshape(-1, 2))
    return x, torch.arange(2).repeat_interleave(n_points)


def stack_of(hidden: Sequence[int], activation: str, seeds: Sequence[int]) -> Stack:
    """Build networks with biases, as the bonus chapter has them, float64."""
    sizes, options = [2, *hidden, 1], {"bias": True, "dtype": torch.float64}
    return Stack([network(sizes, activation, seed=seed, **options) for seed in seeds])


def train(stack: Stack, settings: Parabolas, n_points: int) -> None:
    """Train as the bonus chapter does, on so many points of each parabola, all at once."""
    x, y = points(n_points)
    members = len(stack.weights["output.weight"])
    counts = torch.ones(()).expand(settings.n_epochs, 1, members, len(y))
    for _ in stack.train(Batches(x, y, counts), settings.lr, momentum=settings.momentum):
        pass


def separates(stack: Stack, n_points: int) -> np.ndarray:
    """Tell which members are right about so many points of each parabola: bool (members,)."""
    weights, result = stack.stored(), True
    for x, y in zip(*(each.split(AT_ONCE) for each in points(n_points)), strict=True):
        probability = stack.values(x, weights)["probability"][:, 0].round(decimals=DECIMALS)
        result &= ((probability > 0.5) == (y == 1)).all(dim=1)
    return result.numpy()


def shares(settings: ParabolaClaims, chapter: Parabolas, seeds: Sequence[int]) -> pd.DataFrame:
    """Train networks of all widths and depths, and those that the bonus chapter draws.

    Returns:
        A row for each network and seed: network, "grid" or the chapter's name; hidden, units per
        layer joined by "-"; activation; seed; drawn, 1 for the seed that the chapter draws, which
        stands last; separates, 1 where the network is right about all of the chapter's points.
    """
    arms = {
        ("grid", (width,) * depth, settings.activation): [*seeds]
        for depth, width in product(settings.depths, settings.widths)
    }
    for name in ParabolaNetworks.model_fields:
        drawn = getattr(chapter.networks, name)
        arms[name, drawn.hidden, drawn.activation] = [*seeds, drawn.seed]

    def run(stack: Stack) -> Callable[[], np.ndarray]:
        def result() -> np.ndarray:
            train(stack, chapter, settings.n_points)
            return separates(stack, chapter.n_points)

        return result

    largest_first = sorted(arms, key=lambda arm: -sum(arm[1]))
    found = side_by_side({arm: run(stack_of(*arm[1:], arms[arm])) for arm in largest_first})
    tables = []
    for arm, own in arms.items():
        name, hidden, activation = arm
        columns = {"network": name, "hidden": "-".join(map(str, hidden)), "activation": activation}
        drawn = np.arange(len(own)) >= len(seeds)
        columns |= {"seed": own, "drawn": drawn.astype(int), "separates": found[arm].astype(int)}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def summary(table: pd.DataFrame, settings: ParabolaClaims) -> dict:
    """Sum up `shares`, with paired differences between the ends of the grid and to one layer."""
    arms = {
        key: each["separates"].to_numpy()
        for key, each in table[table["drawn"] == 0].groupby(["network", "hidden"])
    }
    networks = {
        name: {
            **proportion(arms[name, hidden]),
            "drawn_seed_separates": int(each.loc[each["drawn"] == 1, "separates"].iloc[0]),
        }
        for (name, hidden), each in table[table["network"] != "grid"].groupby(
            ["network", "hidden"], sort=False
        )
    }
    by_name = {name: arm for (name, _), arm in arms.items()}

    def of(width: int, depth: int) -> np.ndarray:
        return arms["grid", "-".join([str(width)] * depth)]

    narrow, wide = min(settings.widths), max(settings.widths)
    shallow, deep = min(settings.depths), max(settings.depths)
    pairs = {
        "wide_minus_narrow_shallow": (of(wide, shallow), of(narrow, shallow)),
        "wide_minus_narrow_deep": (of(wide, deep), of(narrow, deep)),
        "deep_minus_shallow_narrow": (of(narrow, deep), of(narrow, shallow)),
        "deep_minus_shallow_wide": (of(wide, deep), of(wide, shallow)),
        "deeper_minus_tanh": (by_name["deeper"], by_name["tanh"]),
        "wider_minus_tanh": (by_name["wider"], by_name["tanh"]),
    }
    return {
        "grid": {
            str(depth): {str(width): proportion(of(width, depth)) for width in settings.widths}
            for depth in settings.depths
        },
        "networks": networks,
        "differences": {name: difference(*pair, larger_wins=True) for name, pair in pairs.items()},
    }
