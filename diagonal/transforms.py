"""Images become tensors: the lecture's dataset and transforms, through torchvision's v2.

torchvision takes about as long to import as torch, so only who transforms images imports this.
"""

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision.transforms.v2 import Compose, Normalize, RandomHorizontalFlip, ToDtype, ToImage


def ToTensor() -> Compose:  # noqa: N802  (the lecture's name, after torchvision's old class)
    """Make the transform from an HWC image, uint8 in [0, 255], to CHW float32 in [0, 1]."""
    return Compose([ToImage(), ToDtype(torch.float32, scale=True)])


class TransformTensorDataset(Dataset):
    """Pairs of an image and its label, the image transformed each time that it is read.

    Args:
        x: images (n, C, H, W).
        y: labels (n, 1).
        transform: applied to one image (C, H, W); None leaves it as it is.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor, transform=None):
        self.x, self.y, self.transform = x, y, transform

    def __getitem__(self, index):
        x = self.x[index]
        if self.transform:
            x = self.transform(x)
        return x, self.y[index]

    def __len__(self) -> int:
        return len(self.x)


def scaled_and_normalised(images: np.ndarray, mean: float, std: float) -> torch.Tensor:
    """Scale images to [0, 1], subtract the mean and divide by the standard deviation.

    Args:
        images: uint8 (n, 1, S, S).
        mean: in units of the scaled image.
        std: in units of the scaled image, above 0.

    Returns:
        float32 (n, 1, S, S).
    """
    transform = Compose([ToDtype(torch.float32, scale=True), Normalize(mean=(mean,), std=(std,))])
    return transform(torch.from_numpy(images))


def preparation(image: np.ndarray, mean: float, std: float) -> dict[str, np.ndarray]:
    """Follow one image through the lecture's transforms, mirrored for certain.

    Args:
        image: uint8 (1, S, S).
        mean: as in `scaled_and_normalised`.
        std: as in `scaled_and_normalised`.

    Returns:
        Name of each step -> (S, S): uint8 as drawn, then float32.
    """
    steps = {
        "scaled": ToDtype(torch.float32, scale=True),
        "flipped": RandomHorizontalFlip(p=1.0),
        "normalised": Normalize(mean=(mean,), std=(std,)),
    }
    tensor = torch.from_numpy(image)
    result = {"as drawn": image[0]}
    for name, step in steps.items():
        tensor = step(tensor)
        result[name] = tensor[0].numpy()
    return result
