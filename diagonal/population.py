"""The generator's whole distribution: a finite one, so that expectations over it are exact.

An image is one of 3 (2S-1) equally likely lines. Some of them look the same: what is left are
the distinct patterns, each with the number of lines that it stands for.
"""

import numpy as np

from diagonal.images import STRAIGHT, every_line, patterns


def population(img_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List all images that the generator can draw.

    A straight line fills a row or a column and a diagonal never does, so that no pattern has
    two labels.

    Args:
        img_size: S, height and width in pixels, at least 2.

    Returns:
        images, uint8 (n, 1, S, S), all different; labels, int64 (n,), 1 for a diagonal; counts,
        int64 (n,), how many of the 3 (2S-1) lines each is: its probability is its share.
    """
    lines = every_line(img_size)
    labels = np.tile(np.arange(lines.shape[1]) > STRAIGHT, len(lines)).astype(np.int64)
    images = lines.reshape(-1, *lines.shape[2:])
    _, first, counts = np.unique(patterns(images), return_index=True, return_counts=True)
    return images[first], labels[first], counts
