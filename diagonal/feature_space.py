"""What the layers of a network make of images: points in the space of each layer's units."""

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import nn

DECIMALS = 6  # of coordinates: last bits, in which CPUs differ, must not reach a figure


@torch.no_grad()
def representations(model: nn.Sequential, x: np.ndarray) -> dict[str, np.ndarray]:
    """Run images through a network and keep what each layer makes of them.

    Args:
        model: in float64; its first module flattens, its last is the sigmoid.
        x: images, float32 (n, 1, S, S), scaled and normalised.

    Returns:
        Name of each layer between the two -> float64 (n, units), rounded to 6 decimals.
    """
    values, result = torch.from_numpy(x).double(), {}
    for name, layer in model.named_children():
        values = layer(values)
        result[name] = np.round(values.numpy(), DECIMALS)
    return {name: result[name] for name in list(result)[1:-1]}


def on_a_plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Show points in at most two dimensions.

    Args:
        points: (n, units), n at least 2.

    Returns:
        The points themselves where there are one or two units, otherwise their first two
        principal components, signed so that each component's largest loading is positive,
        float64 (n, 1 or 2); and the share of the variance that is shown.
    """
    if points.shape[1] <= 2:
        return points, 1.0
    if not np.ptp(points, axis=0).any():
        return np.zeros((len(points), 2)), 1.0  # all on one point, as behind a dead layer
    pca = PCA(n_components=min(2, len(points)), svd_solver="full")
    plane = pca.fit_transform(points)
    largest = pca.components_[range(len(pca.components_)), abs(pca.components_).argmax(axis=1)]
    share = float(pca.explained_variance_ratio_.sum())
    return np.round(plane * np.sign(largest), DECIMALS), share


def dead_units(activations: np.ndarray) -> int:
    """Count the units of a ReLU layer, (n, units), that are zero for every image."""
    return int((activations == 0).all(axis=0).sum())


def silent_share(activations: np.ndarray) -> float:
    """Compute the share of images, (n, units), for which every unit of a layer is zero.

    Behind a silent last hidden layer the output is sigmoid(0) = 0.5, whatever the image.
    """
    return float((activations == 0).all(axis=1).mean())
