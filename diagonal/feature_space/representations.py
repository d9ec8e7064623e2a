"""Hidden representations: what the layers of a network make of images, as points in space."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import nn

from diagonal.feature_space.decisions import COORDINATE_DECIMALS, called_diagonal, deciding_plane
from diagonal.training.models import dead_units

SPAN = 0.025  # of an axis at least: what lies closer together is one place to a reader


@torch.no_grad()
def representations(model: nn.Sequential, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Run images (n, C, S, S) through a network in float64.

    Returns:
        Name of each layer but the last -> its output, float64 (n, units), with 6 decimals.
    """
    result, x = {}, x.double()
    for name, layer in model.named_children():
        x = layer(x)
        result[name] = np.round(x.numpy(), COORDINATE_DECIMALS)
    return dict(list(result.items())[:-1])


def principal_plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Find the plane that shows most of points (n, units), n at least 2.

    Returns:
        Its centre (units,); its axes, the first two principal components, (2, units), signed so
        that each one's largest loading is positive; the share of the variance in it.
    """
    if not np.ptp(points, axis=0).any():  # all on one point, as behind a dead layer
        return points[0], np.zeros((2, points.shape[1])), 1.0
    pca = PCA(n_components=2, svd_solver="full").fit(points)  # it fixes the signs
    return pca.mean_, pca.components_, float(pca.explained_variance_ratio_.sum())


@dataclass(frozen=True)
class View:
    """What one layer makes of images, in coordinates that can be drawn.

    points: float64 (n, 1 to 3), the units' values, or principal components (n, 2).
    units, share: how many the layer has, and of the variance that the points show.
    box: lower and upper ends of the coordinates, around the points, (2, 1 to 3).
    diagonal: where in the box the network predicts a diagonal, from its lower left: bool (160, 160)
        for two units, (1, 160) for one; None for more.
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


def view(model: nn.Sequential, layer: str, points, threshold: float, among=None) -> View:
    """Prepare a picture of a layer's output, points (n, units), n at least 2.

    The box and the principal components are those of the points `among` (m, units), such as those
    of all epochs; of the points alone if None.
    """
    among = points if among is None else among
    names = [name for name, _ in model.named_children()]
    tail, units = model[names.index(layer) + 1 :], points.shape[1]
    rectified, values = isinstance(model.get_submodule(layer), nn.ReLU), points
    share = 1.0
    if units > 3:
        centre, axes, share = principal_plane(among)
        both = ((place - centre) @ axes.T for place in (points, among))
        points, among = (np.round(place, COORDINATE_DECIMALS) for place in both)
    box = surrounding(among)
    return View(
        points=points,
        units=units,
        share=share,
        box=box,
        diagonal=called_diagonal(tail, box, threshold) if units < 3 else None,
        plane=deciding_plane(tail, box, threshold) if units == 3 else None,
        dead=tuple(np.flatnonzero(dead_units(values, 0)).tolist()) if rectified else (),
        silent=int(dead_units(values, 1).sum()) if rectified else 0,
    )


def surrounding(points: np.ndarray) -> np.ndarray:
    """Put a box with a margin around points (n, d): lower and upper ends (2, d), SPAN apart."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * np.maximum(high - low, 0.25 * (high - low).max())
    margin = np.maximum(margin, (SPAN - (high - low)) / 2)
    return np.round([low - margin, high + margin], COORDINATE_DECIMALS)
