"""Class weights that let a sampler draw both classes equally often."""

import numpy as np


def class_weights(labels: np.ndarray) -> dict[int, float]:
    """Weigh each class by the inverse of its frequency.

    The reciprocals are rounded to float32, as the lecture's are: its sampler then draws the
    same images.

    Args:
        labels: classes (N,).

    Returns:
        class -> 1 / number of its labels.
    """
    classes, counts = np.unique(labels, return_counts=True)
    weights = np.float32(1) / counts.astype(np.float32)
    return dict(zip(classes.astype(int).tolist(), weights.tolist(), strict=True))


def sample_weights(labels: np.ndarray, weights: dict[int, float]) -> np.ndarray:
    """Give each label the weight of its class: float64 (N,) for labels (N,)."""
    result = np.empty(len(labels), np.float64)
    for label, weight in weights.items():
        result[labels == label] = weight
    return result


def expected_share(labels: np.ndarray, weights: np.ndarray) -> float:
    """Compute the share of label 1 that draws by these weights (N,) have on average."""
    return float(weights[labels == 1].sum() / weights.sum())
