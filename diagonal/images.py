"""Images of lines: drawn, counted, coloured, and laid out in memory.

A line starts at one of 2S-1 places on the border of an S x S image (S-1 rows or S columns) and
runs straight or along one of two diagonals. These 3 (2S-1) cases are all that there is, so they
are drawn once and every data set is a look-up among them.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from diagonal.streams import LegacyIntegers

STRAIGHT, UP, DOWN = 0, 1, 2  # the targets of the generator; UP and DOWN are diagonals
WHITE = 255
CHUNK = 2**22  # numbers of images that are handled at once


def draw_line(img_size: int, start: int, target: int) -> np.ndarray:
    """Draw one line.

    Args:
        img_size: S, height and width in pixels, at least 2.
        start: in (-S, S). A positive start names a row, any other the column |start|.
        target: STRAIGHT fills that whole row or column; UP and DOWN are the diagonals through
            it, where column 0 counts as column 1.

    Returns:
        uint8 (1, S, S), 255 on the line and 0 elsewhere.
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
    """Draw all lines: uint8 (2S-1, 3, 1, S, S), first axis start + S-1, second axis target."""
    return np.stack(
        [
            [draw_line(img_size, start, target) for target in (STRAIGHT, UP, DOWN)]
            for start in range(1 - img_size, img_size)
        ]
    )


def generate_dataset(
    img_size: int = 10, n_images: int = 100, binary: bool = True, seed: int = 17
) -> tuple[np.ndarray, np.ndarray]:
    """Draw random images of lines, the lecture's for the lecture's arguments.

    Args:
        img_size: S, height and width in pixels, at least 2.
        n_images: N, at least 1.
        binary: label diagonals 1 and all else 0; otherwise the label is the target.
        seed: of the random stream, in [0, 2**32).

    Returns:
        images, uint8 (N, 1, S, S), 255 on the line and 0 elsewhere; labels, int64 (N,).
    """
    lines = random_lines(img_size, n_images, seed)
    return images_of(lines, every_line(img_size)), labels_of(lines, binary)


def random_lines(img_size: int, n_images: int, seed: int) -> np.ndarray:
    """Draw which line each image shows.

    Starts and targets are uniform and come from NumPy's legacy stream: first all starts, then
    all targets. Arguments as in `generate_dataset`.

    Returns:
        uint16 (N,): 3 (start + S-1) + target, a place among all lines.
    """
    stream = LegacyIntegers(seed)
    lines = stream.draw(2 * img_size - 2, n_images)
    lines *= DOWN + 1
    lines += stream.draw(DOWN, n_images)
    return lines


def images_of(lines: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Look up the images (n, 1, S, S) of lines (n,) among all that `every_line` has drawn."""
    return drawn.reshape(-1, *drawn.shape[2:]).take(lines, axis=0)


def labels_of(lines: np.ndarray, binary: bool = True) -> np.ndarray:
    """Label lines (n,): diagonals 1 and all else 0, or by their targets; int64 (n,)."""
    targets = np.arange(lines.max() + 1, dtype=np.int64) % (DOWN + 1)  # of every line
    return (np.minimum(targets, 1) if binary else targets).take(lines)


def chunks(n_images: int, n_pixels: int) -> Iterator[slice]:
    """Cut images into parts of a few million numbers, so that they need not be held all at once."""
    size = max(CHUNK // n_pixels, 1)
    return (slice(start, min(start + size, n_images)) for start in range(0, n_images, size))


def patterns(images: np.ndarray) -> np.ndarray:
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
    numbers = patterns(images)
    first = first_places(numbers)
    order = np.lexsort((-np.bincount(numbers, counts), labels[first]))
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    return first[order], place[numbers]


# Channels and layouts


def color_bands(img_size: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the slides' three channels: vertical bands of red, green and blue.

    Each band falls off over two columns on both sides: 255 at its centre, 128 beside it.

    Returns:
        red, green, blue: each uint8 (S, S).
    """
    columns = np.arange(img_size)
    centres = (0, img_size // 2, img_size - 1)
    levels = np.array([255, 128] + [0] * img_size, np.uint8)
    red, green, blue = (np.tile(levels[abs(columns - centre)], (img_size, 1)) for centre in centres)
    return red, green, blue


def rgb(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """Stack three channels (H, W) as the last axis: (H, W, 3)."""
    return np.stack([red, green, blue], axis=-1)


def grayscale(image: np.ndarray) -> np.ndarray:
    """Turn a colour image gray: 0.2126 R + 0.7152 G + 0.0722 B, truncated.

    The weights are those of ITU-R BT.709. Integers keep the sum exact: white stays 255.

    Args:
        image: uint8 (..., 3), colours last.

    Returns:
        uint8 (...).
    """
    return (image.astype(np.int64) @ np.array([2126, 7152, 722]) // 10_000).astype(np.uint8)


def nchw_to_nhwc(images: np.ndarray) -> np.ndarray:
    """Move channels last, PyTorch's layout to TensorFlow's: (N, C, H, W) to (N, H, W, C)."""
    return np.transpose(images, (0, 2, 3, 1))


def nhwc_to_nchw(images: np.ndarray) -> np.ndarray:
    """Move channels first, TensorFlow's layout to PyTorch's: (N, H, W, C) to (N, C, H, W)."""
    return np.transpose(images, (0, 3, 1, 2))


def chw_to_hwc(image: np.ndarray) -> np.ndarray:
    """Move channels last, PyTorch's layout to PIL's: (C, H, W) to (H, W, C)."""
    return np.transpose(image, (1, 2, 0))


def hwc_to_chw(image: np.ndarray) -> np.ndarray:
    """Move channels first, PIL's layout to PyTorch's: (H, W, C) to (C, H, W)."""
    return np.transpose(image, (2, 0, 1))
