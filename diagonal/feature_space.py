"""What the layers of a network make of images: points in the space of each layer's units."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np

from diagonal.images import chunks
from diagonal.inference import Layer, probabilities

Network = Mapping[str, Layer]  # layers by name, first to last, as `inference.layers` makes them

SIDE = 160  # of the rasters on which decisions are drawn
DECIMALS = 6  # of coordinates: last bits, in which CPUs differ, must not reach a figure


def representations(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Run images through a network and keep what each layer makes of them.

    Args:
        network: its first layer flattens, its last is the sigmoid.
        x: images, float32 (n, 1, S, S), scaled and normalised.

    Returns:
        Name of each layer between the two -> float64 (n, units), rounded to 6 decimals.
    """
    result = {}
    for name, layer in network.items():
        x = layer(x)
        result[name] = np.round(x, DECIMALS)
    return {name: result[name] for name in list(result)[1:-1]}


def on_a_plane(points: np.ndarray, among: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """Show points in at most two dimensions.

    Args:
        points: (n, units).
        among: (m, units), m at least 2, whose principal components are taken; None for the
            points' own.

    Returns:
        The points themselves where there are one or two units, otherwise their first two
        principal components, signed so that each component's largest loading is positive,
        float64 (n, 1 or 2); and the share of the variance that is shown.
    """
    if points.shape[1] <= 2:
        return points, 1.0
    centre, axes, share = principal_plane(points if among is None else among)
    return np.round((points - centre) @ axes.T, DECIMALS), share


def principal_plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Find the plane that shows most of points (n, units).

    Its axes are the first right singular vectors of the centred points (Pearson, 1901, On lines
    and planes of closest fit to systems of points in space).

    Returns:
        Its centre (units,); its axes, the first two principal components, (2, units) or fewer,
        signed so that each one's largest loading is positive; the share of the variance in it.
    """
    if not np.ptp(points, axis=0).any():  # all on one point, as behind a dead layer
        return points[0], np.zeros((2, points.shape[1])), 1.0
    centre = points.mean(axis=0)
    _, lengths, axes = np.linalg.svd(points - centre, full_matrices=False)
    axes, variances = axes[:2], lengths**2
    largest = axes[range(len(axes)), abs(axes).argmax(axis=1)]
    share = float(variances[:2].sum() / variances.sum())
    return centre, axes * np.sign(largest)[:, None], share


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
    network: Network,
    layer: str,
    points: np.ndarray,
    threshold: float,
    among: np.ndarray | None = None,
) -> View:
    """Look into a layer's space.

    Args:
        network: from `inference.layers`.
        layer: whose output the points are.
        points: (n, units), n at least 2.
        threshold: a line is called diagonal above this probability.
        among: (m, units), such as the points of all epochs, that the box surrounds and that
            principal components are of; None for the points alone.
    """
    among = points if among is None else among
    behind = list(network).index(layer) + 1
    tail, units = dict(list(network.items())[behind:]), points.shape[1]
    rectified, off = layer.startswith("activation"), points == 0
    if units > 3:
        centre, axes, _ = principal_plane(among)
        shown, share = on_a_plane(points, among)
        box = surrounding(on_a_plane(among)[0])
    else:
        centre, axes = np.zeros(units), np.eye(units)
        shown, share, box = points, 1.0, surrounding(among)
    solid = shown.shape[1] == 3
    return View(
        points=shown,
        units=units,
        share=share,
        box=box,
        diagonal=None if solid else called_diagonal(tail, centre, axes, box, threshold),
        plane=deciding_plane(tail, box, threshold) if solid else None,
        dead=tuple(np.flatnonzero(off.all(axis=0)).tolist()) if rectified else (),
        silent=int(off.all(axis=1).sum()) if rectified else 0,
    )


def surrounding(points: np.ndarray) -> np.ndarray:
    """Put a box around points (n, d) with a margin: lower and upper ends (2, d)."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * np.maximum(high - low, 0.25 * (high - low).max() or 1.0)
    return np.round([low - margin, high + margin], DECIMALS)


def called_diagonal(
    tail: Network, centre: np.ndarray, axes: np.ndarray, box: np.ndarray, threshold: float
) -> np.ndarray:
    """Ask on a raster over a box what the rest of a network says: View's `diagonal`.

    Args:
        tail: the layers behind the space, to probabilities.
        centre: of the coordinates, (units,).
        axes: of the coordinates, (1 or 2, units).
        box: in these coordinates, (2, 1 or 2).
        threshold: as in `view`.
    """
    sides = [np.linspace(*ends, SIDE) for ends in box.T]
    raster = np.stack(np.meshgrid(*sides), axis=-1)
    places = raster.reshape(-1, len(sides))
    parts = [
        probabilities(tail, centre + places[part] @ axes)
        for part in chunks(len(places), len(centre))
    ]
    return (np.concatenate(parts) > threshold).reshape(-1, SIDE)


def deciding_plane(tail: Network, box: np.ndarray, threshold: float) -> np.ndarray | None:
    """Cut a box with the plane on which linear layers and a sigmoid give the threshold.

    Args:
        tail: linear layers without bias, then the sigmoid; with others there is no such plane.
        box: (2, 3).
        threshold: as in `view`; at 0 and 1 there is no such plane.

    Returns:
        Its corners (k, 3) in order, where it meets the box's edges; None where it does not.
    """
    if any(name.startswith("activation") for name in tail) or threshold in (0, 1):
        return None
    *linear, _ = tail.values()
    normal = reduce(lambda x, layer: layer(x), linear, np.eye(3))[:, 0]
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


def dead_units(activations: np.ndarray) -> int:
    """Count the units of a ReLU layer, (n, units), that are zero for every image."""
    return int((activations == 0).all(axis=0).sum())


def silent_share(activations: np.ndarray, counts: np.ndarray | None = None) -> float:
    """Compute the share of images for which every unit of a layer is zero.

    Behind a silent last hidden layer the output is sigmoid(0) = 0.5, whatever the image.

    Args:
        activations: (n, units).
        counts: how often each of the n occurs, (n,); None for once.
    """
    return float(np.average((activations == 0).all(axis=1), weights=counts))
