"""The data of the bonus chapter: points on two parabolas that no straight line separates."""

import numpy as np


def curves(n_points: int) -> np.ndarray:
    """Place points on both parabolas, x2 = x1^2 and x2 = x1^2 - 0.5: float64 (2, n_points, 2).

    x1 rises evenly from -1 to 1.
    """
    x1 = np.linspace(-1, 1, n_points)
    return np.stack([np.stack([x1, x1**2 - shift], axis=1) for shift in (0, 0.5)])


def generate_dataset(n_points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw this many points of each parabola, shuffled by NumPy's legacy stream.

    Returns:
        x, float64 (2 n_points, 2); y, float64 (2 n_points, 1): 1 on the lower parabola.
    """
    order = np.random.RandomState(seed).permutation(2 * n_points)
    labels = np.repeat([0.0, 1.0], n_points)[:, None]
    return curves(n_points).reshape(-1, 2)[order], labels[order]
