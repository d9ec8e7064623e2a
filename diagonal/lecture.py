"""The slides' names in one place: `from diagonal.lecture import *`, then any slide's code runs."""

# ruff: noqa: F401  (imports are what it is for)

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

from diagonal.evaluation.figures import loss_curves as _loss_curves
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import split_sizes as _split_sizes
from diagonal.pipeline.style import WIDTH as _WIDTH
from diagonal.pipeline.style import style as _style
from diagonal.pipeline.transforms import ToTensor, TransformTensorDataset
from diagonal.training import architecture as _architecture
from diagonal.training.sampling import make_balanced_sampler


class Architecture(_architecture.Architecture):
    """The pipeline's Architecture, and a picture of its losses."""

    def plot_losses(self):
        """Draw training and validation losses by epoch, as a matplotlib figure of pyplot's.

        So a notebook shows it, as it shows all of pyplot's figures at the end of a cell.
        """
        import matplotlib.pyplot as plt  # here, for it chooses a backend

        with _style():
            figure = plt.figure(figsize=(_WIDTH, 4))
            _loss_curves(figure, self.losses, self.val_losses)
        return figure


def index_splitter(n: int, splits, seed: int = 13) -> list[Subset]:
    """Split the indices 0 to n-1 at random, by positive numbers relative to each other.

    The seed is that of torch's global stream, which this function seeds. Returns a subset of
    `torch.arange(n)` for each split; its `indices` are a list of int.
    """
    torch.manual_seed(seed)
    return random_split(torch.arange(n), _split_sizes(n, splits))
