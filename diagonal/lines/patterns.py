"""Distinct images: how often each occurs in the data, and in all that the generator can draw.

The generator's distribution is a finite one, so that expectations over it are exact: an image is
one of 3 (2S-1) equally likely lines, of which some look the same.
"""

from collections import defaultdict

import numpy as np

from diagonal.lines.images import STRAIGHT, chunks, every_line
from diagonal.pipeline.data import Patterns


def numbered(images: np.ndarray) -> np.ndarray:
    """Give each distinct image a number.

    Args:
        images: (N, ...) of any dtype; they may lie in a file that is larger than memory.

    Returns:
        int32 (N,): equal for equal images, from 0 in order of first appearance.
    """
    numbers: defaultdict[bytes, int] = defaultdict(lambda: len(numbers))
    result = np.empty(len(images), np.int32)
    for part in chunks(len(images), images[0].size):
        flat = np.ascontiguousarray(images[part]).reshape(part.stop - part.start, -1)
        rows = flat.view(f"V{flat[0].nbytes}")[:, 0].tolist()  # each image as bytes
        result[part] = list(map(numbers.__getitem__, rows))
    return result


def first_places(numbers: np.ndarray) -> np.ndarray:
    """Find where each number first stands in numbers (N,), all from 0 on: int64 (n,)."""
    first = np.empty(numbers.max() + 1, np.int64)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # what is written last stays
    return first


def distinct(
    images: np.ndarray, labels: np.ndarray, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct images, straight ones first, within a class the most frequent first.

    Args:
        images: (N, ...) of any dtype; they may lie in a file that is larger than memory.
        labels: (N,), equal for equal images.
        counts: how often each image occurs, (N,); None for once.

    Returns:
        The index of each pattern's first image, int64 (n,); the pattern of each image, a place
        in the former, int32 (N,).
    """
    numbers = numbered(images)
    first = first_places(numbers)
    order = np.lexsort((-np.bincount(numbers, counts), labels[first]))
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    return first[order], place[numbers]


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
    _, first, counts = np.unique(numbered(images), return_index=True, return_counts=True)
    return images[first], labels[first], counts


def survey(images: np.ndarray, labels: np.ndarray, train: np.ndarray, val: np.ndarray) -> Patterns:
    """List all that is in the data or can be drawn, with how often it occurs.

    Args:
        images: uint8 (N, 1, S, S); they may lie in a file that is larger than memory.
        labels: int64 (N,), 0 or 1, equal for equal images.
        train: indices of the training images.
        val: indices of the validation images.
    """
    order = np.concatenate([train, val])
    numbers = numbered(images)
    first = order[np.sort(first_places(numbers[order]))]
    seen = numbers[first]  # the patterns' numbers, as they first appear in the split
    lines, line_labels, lines_alike = population(images.shape[-1])
    # Number both together: a line that is in the data gets the number that it has there.
    shown = numbered(np.concatenate([images[first], lines]))[len(first) :]
    n = max(len(first), shown.max() + 1)
    result = Patterns(
        images=np.empty((n, *images.shape[1:]), np.uint8),
        labels=np.empty(n, np.int64),
        train=np.zeros(n, np.int64),
        val=np.zeros(n, np.int64),
        population=np.zeros(n, np.int64),
        place=np.full(n, -1),
    )
    for counts, index in ((result.train, train), (result.val, val)):
        counts[: len(seen)] = np.bincount(numbers[index], minlength=len(seen))[seen]
    result.images[shown], result.labels[shown] = lines, line_labels
    result.images[: len(first)], result.labels[: len(first)] = images[first], labels[first]
    result.population[shown], result.place[shown] = lines_alike, np.arange(len(lines))
    return result.chosen(np.lexsort((-(result.train + result.val), result.labels)))
