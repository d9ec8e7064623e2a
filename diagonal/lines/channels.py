"""An image's colour channels, and where its layouts keep them."""

import numpy as np


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
