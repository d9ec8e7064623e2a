"""Distinct images: how often each occurs in the data, and in all that the generator can draw.

The generator's distribution is a finite one, so that expectations over it are exact: an image is
one of 3 (2S-1) equally likely lines, of which some look the same. Training with flips is on another
one: it mirrors images, and two of 5 x 5 pixels are then like none that the generator draws.
"""

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from diagonal.errors import InputError
from diagonal.lines.images import chunks, every_line, labels_of
from diagonal.pipeline.data import Patterns


def numbered(images: np.ndarray) -> np.ndarray:
    """Give equal images of (N, ...) one number: int32 (N,), from 0 by first appearance."""
    numbers: defaultdict[bytes, int] = defaultdict(lambda: len(numbers))
    result = np.empty(len(images), np.int32)
    for part in chunks(len(images), images[0].size):
        flat = np.ascontiguousarray(images[part]).reshape(part.stop - part.start, -1)
        rows = flat.view(f"V{flat[0].nbytes}")[:, 0].tolist()  # each image as bytes
        result[part] = list(map(numbers.__getitem__, rows))
    return result


def first_places(numbers: np.ndarray) -> np.ndarray:
    """Find the first index of each number in numbers (N,), which are 0 to n-1: int64 (n,)."""
    first = np.empty(numbers.max() + 1, np.int64)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # what is written last stays
    return first


def augmented(images: np.ndarray, hflip: float) -> np.ndarray:
    """Add to images (n, ..., S, S) their mirror images, if training shows them (hflip > 0)."""
    return np.concatenate([images, images[..., ::-1]]) if hflip > 0 else images


def mirror_groups(images: np.ndarray, hflip: float) -> np.ndarray:
    """Give each image (N, ..., S, S) its mirror group's number: int32 (N,), from 0.

    A mirror group is an image with all that `augmented` makes of it.
    """
    numbers = numbered(images)
    patterns = images[first_places(numbers)]
    by_version = numbered(augmented(patterns, hflip)).reshape(-1, len(patterns))
    return numbered(by_version.min(axis=0))[numbers]  # mirrored twice, an image is itself again


def distinct(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct ones of images (N, ...) with labels (N,).

    Returns:
        The index of each pattern's first image, int64 (n,), straight ones first, within a class
        the most frequent first; the pattern of each image, a place in the former, int32 (N,).

    Raises:
        InputError: equal images have different labels.
    """
    numbers = numbered(images)
    first, counts = first_places(numbers), np.bincount(numbers)
    labelled_1 = np.bincount(numbers[labels == 1], minlength=len(counts))
    both = np.flatnonzero((labelled_1 > 0) & (labelled_1 < counts))
    if len(both):
        alike = np.flatnonzero(numbers == both[0])
        there, here = (alike[labels[alike] == label][0] for label in (0, 1))
        found = f"0 for image {there} and 1 for image {here}"
        raise InputError(f"expected one label for equal images, found {found}")
    order = np.lexsort((-counts, labels[first]))
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    return first[order], place[numbers]


def population(img_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the distinct images that the generator can draw.

    Returns:
        images, uint8 (n, 1, S, S); labels, int64 (n,), 1 for a diagonal; counts, int64 (n,), how
        many of the 3 (2S-1) equally likely lines each is.
    """
    lines = every_line(img_size)
    _, first, counts = np.unique(numbered(lines), return_index=True, return_counts=True)
    return lines[first], labels_of(first), counts


def drawable(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the `population` of images (n, C, S, S) with labels (n,).

    It is empty if one of them is none of the generator's lines, or has another label.
    """
    lines, line_labels, counts = population(images.shape[-1])
    if images.shape[1] == 1:
        places = numbered(np.concatenate([lines, images]))[len(lines) :]
        if places.max() < len(lines) and (line_labels[places] == labels).all():
            return lines, line_labels, counts
    return images[:0], labels[:0], counts[:0]


def count_shown(lines: np.ndarray, images: np.ndarray, hflip: float) -> tuple[int, int]:
    """Count the distinct images that training on images (n, C, S, S) shows, see `augmented`.

    Returns:
        How many there are, and how many of those are none of the distinct lines (k, C, S, S).
    """
    numbers = numbered(np.concatenate([lines, augmented(images, hflip)]))
    shown = np.unique(numbers[len(lines) :])
    return len(shown), int((shown >= len(lines)).sum())


def survey(images: np.ndarray, labels: np.ndarray, train, val, transform: Callable) -> Patterns:
    """List all that is in the data or can be drawn, with how often it occurs.

    Images are uint8 (N, C, S, S), labels int64 (N,), equal for equal images; train and val,
    indices of a split, hold all of them. The transform turns arrays of images into what
    networks see.
    """
    order, numbers = np.concatenate([train, val]), numbered(images)
    first = order[np.sort(first_places(numbers[order]))]
    lines, line_labels, lines_alike = drawable(images[first], labels[first])
    # Numbered together, a line that is in the data gets the number that it has there.
    known = np.concatenate([images[first], lines])
    together = numbered(known)
    where, drawn = first_places(together), together[len(first) :]
    place = np.full(len(where), -1)
    place[drawn] = np.arange(len(lines))
    train_counts, val_counts = (
        np.pad(np.bincount(numbers[index], minlength=len(first)), (0, len(where) - len(first)))
        for index in (train, val)
    )
    seen = np.append(numbers[first], np.arange(len(first), len(where)))
    result = Patterns(
        images=known[where],
        x=transform(known[where]),
        labels=np.append(labels[first], line_labels)[where],
        train=train_counts[seen],
        val=val_counts[seen],
        population=np.bincount(drawn, lines_alike, len(where)).astype(np.int64),
        place=place,
    )
    return result.chosen(np.lexsort((-(result.train + result.val), result.labels)))
