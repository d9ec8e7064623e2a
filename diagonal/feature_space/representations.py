"""Hidden representations: what the layers of a network make of images, as points in space."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import nn

from diagonal.training.models import collapsed, probabilities

SIDE = 160  # of the rasters on which decisions are drawn
DECIMALS = 6  # of coordinates: last bits, in which CPUs differ, must not reach a figure


@torch.no_grad()
def representations(model: nn.Sequential, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Run images (n, C, S, S) through a network in float64, from flattening to the sigmoid.

    Returns:
        Name of each layer before the last -> what it makes of them, float64 (n, units), rounded to
        6 decimals.
    """
    result, x = {}, x.double()
    for name, layer in model.named_children():
        x = layer(x)
        result[name] = np.round(x.numpy(), DECIMALS)
    return dict(list(result.items())[:-1])


def principal_plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Find the plane that shows most of points (n, units), n at least 2.

    Returns:
        Its centre (units,); its axes, the first two principal components, (2, units), signed so
        that each one's largest loading is positive; the share of the variance in it.
    """
    if not np.ptp(points, axis=0).any():  # all on one point, as behind a dead layer
        return points[0], np.zeros((2, points.shape[1])), 1.0
    from sklearn.decomposition import PCA  # here, as the parabolas need none

    pca = PCA(n_components=2, svd_solver="full").fit(points)  # it fixes the signs
    return pca.mean_, pca.components_, float(pca.explained_variance_ratio_.sum())


@dataclass(frozen=True)
class View:
    """What one layer makes of images, in coordinates that can be drawn.

    points: float64 (n, 1 to 3), the units' values, or principal components (n, 2).
    units: of the layer.
    share: of the variance that the points show.
    box: lower and upper ends of the coordinates, around the points, (2, 1 to 3).
    diagonal: bool (SIDE, SIDE), or (1, SIDE) of a line, where the network calls what lies there
        a diagonal, from the lower left of the box; None in three dimensions.
    plane: corners (k, 3) of the plane between the classes inside the box, where there is one.
    dead: units that are 0 for all images, first to last, behind a ReLU.
    silent: images for which all units are 0, behind a ReLU.
    """

    points: np.ndarray
    units: int
    share: float
    box: np.ndarray
    diagonal: np.ndarray | None
    plane: np.ndarray | None
    dead: tuple[int, ...]
    silent: int


def view(
    model: nn.Sequential, layer: str, points: np.ndarray, threshold: float, among=None
) -> View:
    """Look into a layer's space.

    Args:
        model: as in `representations`.
        layer: whose output the points are.
        points: (n, units), n at least 2.
        threshold: a line is called diagonal above this probability.
        among: (m, units), such as the points of all epochs, that the box surrounds and whose
            principal components are taken; None for the points alone.
    """
    among = points if among is None else among
    names = [name for name, _ in model.named_children()]
    tail, units = model[names.index(layer) + 1 :], points.shape[1]
    rectified, off = isinstance(model.get_submodule(layer), nn.ReLU), points == 0
    centre, axes, share = np.zeros(units), np.eye(units), 1.0
    if units > 3:
        centre, axes, share = principal_plane(among)
        points, among = (np.round((each - centre) @ axes.T, DECIMALS) for each in (points, among))
    box = surrounding(among)
    solid = units == 3
    return View(
        points=points,
        units=units,
        share=share,
        box=box,
        diagonal=None if solid else called_diagonal(tail, box, threshold, centre, axes),
        plane=deciding_plane(tail, box, threshold) if solid else None,
        dead=tuple(np.flatnonzero(off.all(axis=0)).tolist()) if rectified else (),
        silent=int(off.all(axis=1).sum()) if rectified else 0,
    )


def surrounding(points: np.ndarray) -> np.ndarray:
    """Put a box around points (n, d) with a margin: lower and upper ends (2, d)."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * np.maximum(high - low, 0.25 * (high - low).max() or 1.0)
    return np.round([low - margin, high + margin], DECIMALS)


def called_diagonal(tail, box: np.ndarray, threshold: float, centre, axes, side: int = SIDE):
    """Ask on a raster over a box where the layers behind a space say label 1: bool (side, side).

    The box (2, 1 or 2) is in coordinates of this centre (units,) and axes (1 or 2, units); one of
    a single coordinate gives (1, side).
    """
    sides = [np.linspace(*ends, side) for ends in box.T]
    raster = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, len(sides))
    places = torch.from_numpy(centre + raster @ axes)
    return (probabilities(tail, places) > threshold).reshape(-1, side)


def deciding_plane(tail: nn.Sequential, box: np.ndarray, threshold: float) -> np.ndarray | None:
    """Cut a box (2, 3) with the plane on which the layers behind a space give the threshold.

    Returns:
        Its corners (k, 3) in order, where it meets the box's edges; None where it does not, or
        where there is no such plane: at 0 and 1, and unless linear layers without bias come before
        the sigmoid.
    """
    *linear, _ = tail
    if not all(isinstance(layer, nn.Linear) for layer in linear) or threshold in (0, 1):
        return None
    normal = collapsed(tail)[0]
    offset = np.log(threshold / (1 - threshold))  # on the plane: normal . x = offset
    corners = np.array(list(product(*box.T)))
    heights = corners @ normal - offset
    crossings = [
        a + (b - a) * heights[i] / (heights[i] - heights[j])
        for (i, a), (j, b) in product(enumerate(corners), repeat=2)
        if (a != b).sum() == 1 and heights[i] < 0 <= heights[j]
    ]
    if len(crossings) < 3:
        return None
    across = np.array(crossings) - np.mean(crossings, axis=0)
    first = across[0]
    second = np.cross(normal, first)
    order = np.argsort(np.arctan2(across @ second, across @ first * np.linalg.norm(normal)))
    return np.round(np.array(crossings)[order], DECIMALS)
