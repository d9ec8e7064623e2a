"""The bonus chapter: two parabolas that no line separates, and small networks that bend space.

Each network ends in a hidden layer of two units, so that its whole feature space can be drawn:
where the input's points go, where its grid lines go, and which side of the output they are on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn, optim

from diagonal.feature_space.decisions import COORDINATE_DECIMALS, called_diagonal
from diagonal.training.architecture import Architecture
from diagonal.training.history import History, shown_epochs
from diagonal.training.models import probabilities
from study.bonus.points import curves

SIDE = 120  # of the rasters on which decisions are drawn
State = Mapping[str, torch.Tensor]  # a network's weights


def train(
    model: nn.Sequential, x: np.ndarray, y: np.ndarray, *, lr: float, momentum: float, n_epochs: int
) -> dict[int, State]:
    """Train on all points at once by stochastic gradient descent.

    The model, of points (n, 2) to probabilities (n, 1) in float64, is changed.

    Returns:
        Its weights after each of the epochs that are shown, and before the first, 0: rounded as
        stored and held in float64.
    """
    history = History(model, n_epochs)
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    architecture = Architecture(model, nn.BCELoss(), optimizer)
    architecture.set_loaders([(torch.from_numpy(x), torch.from_numpy(y))])  # all in one batch
    architecture.train(n_epochs, on_epoch=lambda *_: history.keep())
    kept = zip(shown_epochs(n_epochs), history.states, strict=True)
    return {epoch: {name: w.double() for name, w in state.items()} for epoch, state in kept}


@torch.no_grad()
def accuracy_and_loss(model: nn.Sequential, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Compute the share of points (n, 2) on the right side, and the mean cross-entropy in nats."""
    probability, labels = model(torch.from_numpy(x)), torch.from_numpy(y)
    right = (probabilities(model, torch.from_numpy(x)) > 0.5) == y[:, 0]
    return float(right.mean()), nn.BCELoss()(probability, labels).item()


# Feature space


@dataclass(frozen=True)
class Space:
    """One view of a network: the input, or what its last hidden layer makes of it.

    curves: float64 (2, n, 2), both parabolas, x1 rising; lattice: float64 (lines, n, 2), the
    input's straight grid lines. Both are divided by `largest`, the largest coordinate of the
    curves, which grows while a network trains; it is 1 for the input.
    lower: bool (SIDE, SIDE), where the lower parabola is predicted, from the box's lower left.
    """

    curves: np.ndarray
    lattice: np.ndarray
    largest: float
    lower: np.ndarray


def spaces(
    model: nn.Sequential, history: Sequence[State], n_points: int = 60
) -> tuple[list[dict[str, Space]], dict[str, np.ndarray]]:
    """Follow points, grid and decisions through the spaces of a network, state by state.

    Returns:
        For each state its spaces by name, "input", "affine" and, if there is an activation,
        "activation"; and for each space a box around all states' curves, (2, 2): lower and
        upper ends.
    """
    placed = []
    for state in history:
        model.load_state_dict(state)
        on_curves, on_lattice = embedded(model, curves(n_points)), embedded(model, lattice())
        scales = {n: 1.0 if n == "input" else abs(p).max() or 1.0 for n, p in on_curves.items()}
        placed.append({n: (on_curves[n] / s, on_lattice[n] / s, s) for n, s in scales.items()})
    boxes = {name: _box(np.stack([points[name][0] for points in placed])) for name in placed[0]}
    result = []
    for state, points in zip(history, placed, strict=True):
        model.load_state_dict(state)
        result.append({})
        for name, (_, tail) in _parts(model).items():
            on_curves, on_lattice, largest = points[name]
            lower = called_diagonal(tail, boxes[name] * largest, 0.5, SIDE)
            result[-1][name] = Space(on_curves, on_lattice, largest, lower)
    return result, boxes


def lattice() -> np.ndarray:
    """Draw twelve lines across and twelve up, of 45 points each, to be bent: (24, 45, 2)."""
    (across, many_across), (up, many_up) = (
        [np.linspace(low, 1.1, n) for n in (12, 45)] for low in (-1.1, -0.6)
    )
    grids = np.meshgrid(many_across, up), np.meshgrid(across, many_up, indexing="ij")
    return np.concatenate([np.stack(grid, axis=-1) for grid in grids])


def _box(points: np.ndarray) -> np.ndarray:
    low, high = points.reshape(-1, 2).min(axis=0), points.reshape(-1, 2).max(axis=0)
    margin = 0.08 * np.maximum(high - low, 0.1)
    return np.round([low - margin, high + margin], COORDINATE_DECIMALS)


def _parts(model: nn.Sequential) -> dict[str, tuple[nn.Sequential, nn.Sequential]]:
    """Cut a network at each space: name -> (layers up to it, layers from it on)."""
    layers = model[1:]  # points are flat, in arrays of any shape
    activated = not isinstance(layers[-3], nn.Linear)
    cuts = {"input": 0, "affine": len(layers) - 2 - activated}
    cuts |= {"activation": len(layers) - 2} if activated else {}
    return {name: (layers[:cut], layers[cut:]) for name, cut in cuts.items()}


@torch.no_grad()
def embedded(model: nn.Sequential, points: np.ndarray) -> dict[str, np.ndarray]:
    """Compute where points (..., 2) of the input lie in each space: name -> (..., 2)."""
    x = torch.from_numpy(points)
    return {
        name: np.round(head(x).numpy(), COORDINATE_DECIMALS)
        for name, (head, _) in _parts(model).items()
    }
