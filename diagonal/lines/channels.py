"""An image's colour channels."""

import numpy as np


def color_bands(img_size: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the slides' channels red, green and blue as vertical bands, uint8 (S, S) each.

    Each falls off over two columns on both sides: 255 at its centre, 128 beside it.
    """
    columns = np.arange(img_size)
    centres = (0, img_size // 2, img_size - 1)
    levels = np.array([255, 128] + [0] * img_size, np.uint8)
    red, green, blue = (np.tile(levels[abs(columns - centre)], (img_size, 1)) for centre in centres)
    return red, green, blue


def grayscale(image: np.ndarray) -> np.ndarray:
    """Turn a colour image, uint8 (..., 3), gray: 0.2126 R + 0.7152 G + 0.0722 B, truncated.

    The weights are those of ITU-R BT.709. Integers keep the sum exact: white stays 255.
    """
    return (image.astype(np.int64) @ np.array([2126, 7152, 722]) // 10_000).astype(np.uint8)
