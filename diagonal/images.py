"""Images of lines: drawn, counted, coloured, and laid out in memory.

A line starts at one of 2S-1 places on the border of an S x S image (S-1 rows or S columns) and
runs straight or along one of two diagonals. These 3 (2S-1) cases are all that there is, so they
are drawn once and every data set is a look-up among them.
"""

import numpy as np

STRAIGHT, UP, DOWN = 0, 1, 2  # the targets of the generator; UP and DOWN are diagonals
WHITE = 255


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

    Starts and targets are uniform and come from NumPy's legacy stream: first all starts, then
    all targets.

    Args:
        img_size: S, height and width in pixels, at least 2.
        n_images: N, at least 1.
        binary: label diagonals 1 and all else 0; otherwise the label is the target.
        seed: of the random stream, in [0, 2**32).

    Returns:
        images, uint8 (N, 1, S, S), 255 on the line and 0 elsewhere; labels, int64 (N,).
    """
    stream = np.random.RandomState(seed)
    starts = stream.randint(1 - img_size, img_size, size=n_images, dtype=np.int64)
    targets = stream.randint(STRAIGHT, DOWN + 1, size=n_images, dtype=np.int64)
    lines = every_line(img_size).reshape(-1, 1, img_size, img_size)
    images = lines.take((starts + img_size - 1) * 3 + targets, axis=0)
    return images, (targets > STRAIGHT).astype(np.int64) if binary else targets


def patterns(images: np.ndarray) -> np.ndarray:
    """Give each distinct image a number.

    Args:
        images: (N, ...) of any dtype.

    Returns:
        int64 (N,): equal for equal images, from 0 in order of first appearance.
    """
    numbers: dict[bytes, int] = {}
    return np.fromiter(
        (numbers.setdefault(image.tobytes(), len(numbers)) for image in images),
        np.int64,
        count=len(images),
    )


def distinct(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct images, straight ones first, within a class the most frequent first.

    Args:
        images: (N, ...) of any dtype.
        labels: (N,), equal for equal images.

    Returns:
        int64, both: the index of each pattern's first image (n,); the pattern of each image
        (N,), a place in the former.
    """
    numbers = patterns(images)
    _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    order = np.lexsort((-counts, labels[first]))
    return first[order], np.argsort(order)[numbers]


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
