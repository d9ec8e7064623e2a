"""Images of lines, drawn at random.

A line starts at one of 2S-1 places on the border of an S x S image (S-1 rows or S columns) and
runs straight or along one of two diagonals. These 3 (2S-1) cases are all that there is, so they
are drawn once and every data set is a look-up among them.
"""

from collections.abc import Iterator

import numpy as np

STRAIGHT, UP, DOWN = 0, 1, 2  # the targets of the generator; UP and DOWN are diagonals
WHITE = 255
CHUNK = 2**22  # numbers of images that are handled at once


def draw_line(img_size: int, start: int, target: int) -> np.ndarray:
    """Draw one line: uint8 (1, S, S), 255 on it and 0 elsewhere.

    A start in (-S, S) names a row where it is positive, else the column |start|. Target STRAIGHT
    fills that whole row or column; UP and DOWN are the diagonals through it, where column 0 counts
    as column 1.
    """
    image = np.zeros((1, img_size, img_size), np.uint8)
    from_row, place = start > 0, abs(start)
    if target == STRAIGHT:
        pixels = (place, slice(None)) if from_row else (slice(None), place)
    elif from_row:
        steps = np.arange(place + 1 if target == UP else img_size - place)
        pixels = (place - steps if target == UP else place + steps, steps)
    else:
        place = max(place, 1)
        steps = np.arange(img_size - place)
        pixels = (img_size - 1 - steps if target == UP else steps, place + steps)
    image[0][pixels] = WHITE
    return image


def every_line(img_size: int) -> np.ndarray:
    """Draw all lines: uint8 (3 (2S-1), 1, S, S), number 3 (start + S-1) + target."""
    starts, targets = range(1 - img_size, img_size), (STRAIGHT, UP, DOWN)
    return np.stack([draw_line(img_size, start, target) for start in starts for target in targets])


def generate_dataset(
    img_size: int = 10, n_images: int = 100, binary: bool = True, seed: int = 17
) -> tuple[np.ndarray, np.ndarray]:
    """Draw random images of lines, the lecture's for the lecture's arguments.

    Diagonals are labelled 1 and all else 0 if `binary`, otherwise by their targets.

    Returns:
        images, uint8 (N, 1, S, S), 255 on the line and 0 elsewhere; labels, int64 (N,).
    """
    lines = random_lines(img_size, n_images, seed)
    return every_line(img_size).take(lines, axis=0), labels_of(lines, binary)


def random_lines(img_size: int, n_images: int, seed: int) -> np.ndarray:
    """Draw which line each image shows: uint16 (N,), numbered as in `every_line`.

    Starts and targets are uniform and come from NumPy's legacy stream: first all starts, then
    all targets.
    """
    stream = np.random.RandomState(seed)
    lines = stream.randint(1 - img_size, img_size, n_images, np.int64)
    lines += img_size - 1
    lines *= DOWN + 1
    lines += stream.randint(STRAIGHT, DOWN + 1, n_images, np.int64)
    return lines.astype(np.uint16)


def labels_of(lines: np.ndarray, binary: bool = True) -> np.ndarray:
    """Label lines (n,): diagonals 1 and all else 0, or by their targets; int64 (n,)."""
    targets = lines % (DOWN + 1)
    return (np.minimum(targets, 1) if binary else targets).astype(np.int64)


def chunks(n_images: int, n_pixels: int) -> Iterator[slice]:
    """Cut images into parts of a few million numbers, so that they need not be held all at once."""
    size = max(CHUNK // n_pixels, 1)
    return (slice(start, min(start + size, n_images)) for start in range(0, n_images, size))
