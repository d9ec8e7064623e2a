"""Class weights that let a sampler draw both classes equally often."""

import numpy as np

from diagonal.streams import multinomial

DRAWN = 2**18  # indices at once


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


def first_epoch(labels: np.ndarray, weights: np.ndarray, seed: int, batch_size: int) -> np.ndarray:
    """Draw training's first epoch and count both classes in each of its mini-batches.

    Args:
        labels: 0 or 1, (n,).
        weights: of each image in the draw, (n,), not negative.
        seed: of the sampler's generator, in [0, 2**32).
        batch_size: images per batch; the last batch may be shorter.

    Returns:
        int64 (batches, 2): straight lines and diagonals.
    """
    at_once = max(DRAWN // batch_size, 1) * batch_size
    drawn = multinomial(weights, len(weights), seed, at_once)
    return np.concatenate([per_batch(labels[index], batch_size) for index in drawn])


def per_batch(labels: np.ndarray, batch_size: int) -> np.ndarray:
    """Count both classes in each mini-batch of labels (n,), 0 or 1: int64 (batches, 2)."""
    starts = np.arange(0, len(labels), batch_size)
    diagonals = np.add.reduceat(labels, starts, dtype=np.int64)
    sizes = np.diff([*starts, len(labels)])
    return np.stack([sizes - diagonals, diagonals], axis=1)
