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


def first_epoch(weights: np.ndarray, seed: int) -> np.ndarray:
    """Draw the indices of training's first epoch, without loading torch.

    `WeightedRandomSampler` draws through `torch.multinomial`, which looks up uniform numbers of
    53 bits from a Mersenne Twister among the cumulative weights. NumPy's legacy stream is the
    same Twister, so these are the same indices.

    Args:
        weights: of each image, (n,), not negative.
        seed: of the sampler's generator, in [0, 2**32).

    Returns:
        int64 (n,), with replacement.
    """
    words = np.random.RandomState(seed).randint(0, 2**32, (len(weights), 2), np.uint32)
    high, low = words.astype(np.uint64).T
    uniform = (high << np.uint64(32) | low) % np.uint64(2**53) / 2.0**53
    cumulative = np.cumsum(weights)
    return np.searchsorted(cumulative / cumulative[-1], uniform)


def per_batch(labels: np.ndarray, batch_size: int) -> np.ndarray:
    """Count both classes in each mini-batch of labels (n,), 0 or 1: int64 (batches, 2)."""
    starts = np.arange(0, len(labels), batch_size)
    diagonals = np.add.reduceat(labels, starts)
    sizes = np.diff([*starts, len(labels)])
    return np.stack([sizes - diagonals, diagonals], axis=1)
