"""The distinct images that training can show, and data sets as indices into them."""

from dataclasses import dataclass

import numpy as np
import torch

from diagonal.lines.images import DOWN, every_line, generate_dataset
from diagonal.lines.patterns import first_places, numbered
from diagonal.lines.splitting import groups_of, train_val_split
from diagonal.pipeline.transforms import scale_and_normalize
from study.params import ClaimsBaseline

RATIOS = (80, 20)  # training : validation


@dataclass(frozen=True)
class Inputs:
    """The distinct images that training can show: the generator's lines and their mirror images.

    images: uint8 (n, 1, S, S).
    targets: int64 (n,), 0 for straight lines, 1 and 2 for diagonals that go up and down.
    population: int64 (n,), how many of the 3 (2S-1) equally likely lines look like this; 0 for the
        mirror images that the generator never draws, which come last.
    mirror: int64 (n,), the index of each one's mirror image.
    """

    images: np.ndarray
    targets: np.ndarray
    population: np.ndarray
    mirror: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """1 for diagonals, 0 for straight lines: int64 (n,)."""
        return np.minimum(self.targets, 1)

    def x(self, mean: float = 0.5, std: float = 0.5) -> torch.Tensor:
        """Prepare the images as networks see them: float64 (n, 1, S, S)."""
        return scale_and_normalize(mean, std)(torch.from_numpy(self.images)).double()


def find(images: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Find the index of each image, uint8 (N, ...), among distinct ones, (n, ...): int64 (N,)."""
    return numbered(np.concatenate([among, images]))[len(among) :].astype(np.int64)


def every_input(img_size: int) -> Inputs:
    """List the inputs of a size. Mirrored, a diagonal that goes up goes down."""
    lines, targets = every_line(img_size), np.tile(np.arange(DOWN + 1), 2 * img_size - 1)
    both = np.concatenate([lines, lines[..., ::-1]])
    numbers = numbered(both)
    first = first_places(numbers)
    return Inputs(
        images=both[first],
        targets=np.concatenate([targets, np.array([0, 2, 1])[targets]])[first],
        population=np.bincount(numbers[: len(lines)], minlength=len(first)),
        mirror=find(both[first][..., ::-1], both[first]),
    )


@dataclass(frozen=True)
class DataSet:
    """Which inputs a data set holds.

    train: int64 (n_train,), the input that each training image is, in the order of the split.
    val: int64 (n,), how many validation images each input is.
    """

    train: np.ndarray
    val: np.ndarray


def draw_data_set(
    inputs: Inputs, base: ClaimsBaseline, data_seed: int, split_seed: int, group_by: str = "image"
) -> DataSet:
    """Draw images and split them; what `group_by` names is on one side, see `groups_of`.

    Raises:
        InputError: a side of the split lacks a class.
    """
    images, labels = generate_dataset(base.img_size, base.n_images, seed=data_seed)
    index = find(images, inputs.images)
    # Trainings without flips share the split of those with flips, hence 1.
    groups = groups_of(images, group_by, hflip=1)
    train, val = train_val_split(labels, RATIOS, split_seed, groups)
    return DataSet(index[train], np.bincount(index[val], minlength=len(inputs.images)))


def balanced_share(inputs: Inputs, data: DataSet, hflip: float) -> torch.Tensor:
    """Compute the share that each input has of a balanced batch on average: float64 (n,)."""
    counts = np.bincount(data.train, minlength=len(inputs.images)).astype(float)
    weights = counts / np.bincount(inputs.labels, counts)[inputs.labels] / 2
    return torch.from_numpy((1 - hflip) * weights + hflip * weights[inputs.mirror])
