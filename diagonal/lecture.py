"""The slides' names in one place: `from diagonal.lecture import *`, then any slide's code runs."""

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import (
    DataLoader,
    Dataset,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    random_split,
)
from torchvision.transforms.v2 import (
    Compose,
    Normalize,
    RandomHorizontalFlip,
    Resize,
    ToDtype,
    ToImage,
    ToPILImage,
)

from diagonal.evaluation.figures import loss_curves
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import split_sizes
from diagonal.pipeline.style import style
from diagonal.training import architecture
from diagonal.training.sampling import make_balanced_sampler
from diagonal.training.transforms import ToTensor, TransformTensorDataset


class Architecture(architecture.Architecture):
    """The pipeline's Architecture, and a picture of its losses."""

    def plot_losses(self):
        """Draw training and validation losses by epoch, as a matplotlib figure."""
        with style():
            return loss_curves(self.losses, self.val_losses)


def index_splitter(n: int, splits, seed: int = 13) -> list[Subset]:
    """Split the indices 0 to n-1 at random.

    Args:
        n: number of indices.
        splits: sizes of the splits relative to each other, any positive numbers.
        seed: of torch's global stream, which this function seeds.

    Returns:
        A subset of `torch.arange(n)` for each split; its `indices` are a list of int.
    """
    torch.manual_seed(seed)
    return random_split(torch.arange(n), split_sizes(n, splits))


__all__ = [
    "Architecture",
    "Compose",
    "DataLoader",
    "Dataset",
    "Normalize",
    "RandomHorizontalFlip",
    "Resize",
    "SubsetRandomSampler",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToTensor",
    "TransformTensorDataset",
    "WeightedRandomSampler",
    "generate_dataset",
    "index_splitter",
    "make_balanced_sampler",
    "nn",
    "np",
    "optim",
    "random_split",
    "torch",
]
