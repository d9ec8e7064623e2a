"""What the layers behind a space decide where, on a raster or by a plane."""

from itertools import product

import numpy as np
import torch
from torch import nn

from diagonal.training.models import collapsed, probabilities

COORDINATE_DECIMALS = 6  # of coordinates: last bits, in which CPUs differ, must not reach a figure


def called_diagonal(tail, box: np.ndarray, threshold: float, side: int = 160) -> np.ndarray:
    """Find where in a box (2, 1 or 2) the layers behind a space predict label 1, on a raster.

    Returns bool (side, side), or (1, side) for a space of one unit.
    """
    sides = [np.linspace(*ends, side) for ends in box.T]
    raster = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, len(sides))
    return (probabilities(tail, torch.from_numpy(raster)) > threshold).reshape(-1, side)


def deciding_plane(tail: nn.Sequential, box: np.ndarray, threshold: float) -> np.ndarray | None:
    """Find the plane in a box (2, 3) on which the layers behind a space give the threshold.

    Returns:
        Its corners (k, 3) on the box's edges, in order. None if it does not meet the box, or there
        is no plane: at thresholds 0 and 1, and unless the layers are linear up to the sigmoid.
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
    return np.round(np.array(crossings)[order], COORDINATE_DECIMALS)
