"""The bonus chapter: two parabolas that no line separates, and small networks that bend space.

Each network ends in a hidden layer of two units, so that its whole feature space can be drawn:
where the input's points go, where its grid lines go, and which side of the output they are on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn, optim

from diagonal.training import models
from diagonal.training.architecture import Architecture

SHIFT = 0.5  # between the parabolas
SIDE = 120  # of the rasters on which decisions are drawn
DECIMALS = 6  # of coordinates: last bits, in which CPUs differ, must not reach a figure


def parabolas(n_points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw both parabolas, shuffled by NumPy's legacy stream.

    Args:
        n_points: of each parabola, x1 evenly spaced in [-1, 1].
        seed: of the shuffle, in [0, 2**32).

    Returns:
        x, float64 (2 n_points, 2); y, float64 (2 n_points, 1): 0 where x2 = x1^2, 1 where
        x2 = x1^2 - 0.5.
    """
    x1 = np.linspace(-1, 1, n_points)
    curves = [np.stack([x1, x1**2 - shift], axis=1) for shift in (0, SHIFT)]
    order = np.random.RandomState(seed).permutation(2 * n_points)
    labels = np.repeat([0.0, 1.0], n_points)[:, None]
    return np.concatenate(curves)[order], labels[order]


def train(
    model: nn.Sequential, x: np.ndarray, y: np.ndarray, *, lr: float, momentum: float,
    n_epochs: int, seed: int,
) -> list[dict[str, torch.Tensor]]:  # fmt: skip
    """Train on all points at once, and keep the weights of every epoch.

    Args:
        model: of points (n, 2) to probabilities (n, 1), in float64; it is changed.
        x: points (n, 2).
        y: labels (n, 1).
        lr: learning rate of stochastic gradient descent.
        momentum: of the descent, in [0, 1).
        n_epochs: updates.
        seed: of training's random streams, of which full batches need none.

    Returns:
        The weights before training and after each epoch, rounded as stored and held in float64.
    """

    def keep(*_) -> None:
        weights = models.quantized_weights(model)
        history.append({name: weight.double() for name, weight in weights.items()})

    history: list[dict[str, torch.Tensor]] = []
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    architecture = Architecture(model, nn.BCELoss(), optimizer)
    architecture.set_loaders([(torch.from_numpy(x), torch.from_numpy(y))])  # all in one batch
    keep()
    architecture.train(n_epochs, seed, keep)
    return history


# Feature space


@dataclass(frozen=True)
class Space:
    """One view of a network: the input, or what its last hidden layer makes of it.

    curves: float64 (2, n, 2), both parabolas, x1 rising.
    lattice: float64 (lines, n, 2), the input's straight grid lines.
    lower: bool (SIDE, SIDE), where the lower parabola is predicted, from the box's lower left.
    """

    curves: np.ndarray
    lattice: np.ndarray
    lower: np.ndarray


def spaces(
    model: nn.Sequential, history: Iterable[Mapping[str, torch.Tensor]], n_points: int = 60
) -> tuple[list[dict[str, Space]], dict[str, np.ndarray]]:
    """Follow points, grid and decisions through the spaces of a network, state by state.

    Args:
        model: as in `train`; its weights are changed.
        history: its states.
        n_points: of each parabola.

    Returns:
        For each state its spaces by name, "input", "affine" and, if there is an activation,
        "activation"; and for each space a box around all states' points, (2, 2): lower and
        upper ends.
    """
    x1 = np.linspace(-1, 1, n_points)
    curves = np.stack([np.stack([x1, x1**2 - shift], axis=1) for shift in (0, SHIFT)])
    across, up = np.linspace(-1.1, 1.1, 12), np.linspace(-0.6, 1.1, 12)
    lattice = np.concatenate(
        [np.stack(np.meshgrid(across, up, indexing=order), axis=-1) for order in ("xy", "ij")]
    )
    # bent lines need more points than their corners
    lattice = np.stack([_refined(line) for line in lattice])
    states = list(history)
    placed = []
    for state in states:
        model.load_state_dict(state)
        placed.append((embedded(model, curves), embedded(model, lattice)))
    boxes = {
        name: _box(np.concatenate([on_curves[name] for on_curves, _ in placed]))
        for name in placed[0][0]
    }
    result = []
    for state, (on_curves, on_lattice) in zip(states, placed, strict=True):
        model.load_state_dict(state)
        decided = {name: predicted(model, name, box) for name, box in boxes.items()}
        views = {k: Space(on_curves[k], on_lattice[k], decided[k]) for k in boxes}
        result.append(views)
    return result, boxes


def _refined(line: np.ndarray) -> np.ndarray:
    steps = np.linspace(0, len(line) - 1, 45)
    return np.stack([np.interp(steps, range(len(line)), each) for each in line.T], axis=1)


def _box(points: np.ndarray) -> np.ndarray:
    low, high = points.reshape(-1, 2).min(axis=0), points.reshape(-1, 2).max(axis=0)
    margin = 0.08 * np.maximum(high - low, 0.1)
    return np.round([low - margin, high + margin], DECIMALS)


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
    return {name: np.round(head(x).numpy(), DECIMALS) for name, (head, _) in _parts(model).items()}


@torch.no_grad()
def predicted(model: nn.Sequential, space: str, box: np.ndarray) -> np.ndarray:
    """Ask on a raster over a box of a space what is predicted there: Space's `lower`."""
    raster = np.stack(np.meshgrid(*(np.linspace(*ends, SIDE) for ends in box.T)), axis=-1)
    _, tail = _parts(model)[space]
    probability = tail(torch.from_numpy(raster))[..., 0].numpy()
    return np.round(probability, models.DECIMALS) > 0.5


@torch.no_grad()
def accuracy_and_loss(model: nn.Sequential, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Compute the share of points (n, 2) on the right side, and the mean cross-entropy in nats."""
    probability, labels = model(torch.from_numpy(x)), torch.from_numpy(y)
    right = (np.round(probability.numpy(), models.DECIMALS) > 0.5) == y
    return float(right.mean()), nn.BCELoss()(probability, labels).item()
