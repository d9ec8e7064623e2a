"""How images become what networks see: torchvision's v2 transforms, and the lecture's dataset."""

import torch
from torch.utils.data import Dataset
from torchvision.transforms.v2 import Compose, Normalize, ToDtype, ToImage


def ToTensor() -> Compose:  # noqa: N802  (the lecture's name, after torchvision's old class)
    """Make the transform from an HWC image, uint8 in [0, 255], to CHW float32 in [0, 1]."""
    return Compose([ToImage(), ToDtype(torch.float32, scale=True)])


def scale_and_normalize(mean: float, std: float) -> Compose:
    """Make the transform from images, uint8 (..., C, H, W), to what networks see, float32.

    The mean is subtracted from pixels in [0, 1], and the difference divided by std.
    """
    return Compose([ToDtype(torch.float32, scale=True), Normalize(mean=(mean,), std=(std,))])


class TransformTensorDataset(Dataset):
    """Pairs of an image (C, H, W) and its label, the image transformed each time it is read."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, transform=None):
        self.x, self.y, self.transform = x, y, transform

    def __getitem__(self, index):
        x = self.x[index]
        if self.transform:
            x = self.transform(x)
        return x, self.y[index]

    def __len__(self) -> int:
        return len(self.x)
