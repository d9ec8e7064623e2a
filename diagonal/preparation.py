"""Images become what networks see: scaled to [0, 1] and normalised, in float32.

These are torchvision's ToDtype and Normalize, bit for bit but without importing torchvision and
torch, which takes longer than all that the stages compute with them.
"""

import numpy as np


def scaled_and_normalised(images: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Scale images to [0, 1], subtract the mean and divide by the standard deviation.

    Args:
        images: uint8 (n, 1, S, S).
        mean: in units of an image scaled to [0, 1].
        std: in the same units, above 0.

    Returns:
        float32 (n, 1, S, S).
    """
    return (scaled(images) - np.float32(mean)) / np.float32(std)


def scaled(images: np.ndarray) -> np.ndarray:
    """Scale uint8 images to float32 in [0, 1], by a product, as torchvision does."""
    return images.astype(np.float32) * np.float32(1 / 255)


def steps(image: np.ndarray, mean: float, std: float) -> dict[str, np.ndarray]:
    """Follow one image through the lecture's transforms, mirrored for certain.

    Args:
        image: uint8 (S, S).
        mean: as in `scaled_and_normalised`.
        std: as in `scaled_and_normalised`.

    Returns:
        Name of each step -> (S, S): uint8 as drawn, then float32.
    """
    flipped = image[:, ::-1]
    return {
        "as drawn": image,
        "scaled": scaled(image),
        "flipped": scaled(flipped),
        "normalised": scaled_and_normalised(flipped, mean, std),
    }
