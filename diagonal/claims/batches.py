"""Mini-batches as counts: how often each distinct input occurs in each batch of each member."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Sampler

from diagonal.lines.images import DOWN, every_line
from diagonal.lines.patterns import first_places, numbered
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.ensembles import draw_epochs


@dataclass(frozen=True)
class Inputs:
    """The distinct images that training can show: the generator's lines and their mirror images.

    images: uint8 (n, 1, S, S).
    targets: int64 (n,), 0 for straight lines, 1 and 2 for diagonals that go up and down.
    population: int64 (n,), how many of the 3 (2S-1) equally likely lines look like this; none for
        the mirror images that the generator never draws, which come last.
    mirror: int64 (n,), the place of each one's mirror image.
    """

    images: np.ndarray
    targets: np.ndarray
    population: np.ndarray
    mirror: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Tell diagonals, 1, from straight lines, 0: int64 (n,)."""
        return np.minimum(self.targets, 1)

    def x(self, mean: float = 0.5, std: float = 0.5) -> torch.Tensor:
        """Prepare the images as networks see them: float64 (n, 1, S, S)."""
        return scale_and_normalize(mean, std)(torch.from_numpy(self.images)).double()

    def find(self, images: np.ndarray) -> np.ndarray:
        """Find the place of each image, uint8 (N, 1, S, S), among the inputs: int64 (N,)."""
        return numbered(np.concatenate([self.images, images]))[len(self.images) :].astype(np.int64)


def every_input(img_size: int) -> Inputs:
    """List the inputs of a size. Mirrored, a diagonal that goes up goes down."""
    lines, targets = every_line(img_size), np.tile(np.arange(DOWN + 1), 2 * img_size - 1)
    both = np.concatenate([lines, lines[..., ::-1]])
    numbers = numbered(both)
    first = first_places(numbers)
    result = Inputs(
        images=both[first],
        targets=np.concatenate([targets, np.array([0, 2, 1])[targets]])[first],
        population=np.bincount(numbers[: len(lines)], minlength=len(first)),
        mirror=first,  # until the inputs are there to be found
    )
    return Inputs(
        result.images, result.targets, result.population, result.find(result.images[..., ::-1])
    )


@dataclass(frozen=True)
class DataSet:
    """Which inputs a data set holds.

    train: int64 (n_train,), the input that each training image is, in the order of the split.
    val: int64 (n,), how many validation images each input is.
    """

    train: np.ndarray
    val: np.ndarray


@dataclass(frozen=True)
class Batches:
    """What the members of a stack are shown, and by which labels.

    x: float64 (n, 1, S, S), the inputs; y: int64 (n,).
    counts: int16 (epochs, batches, members, n).
    """

    x: torch.Tensor
    y: torch.Tensor
    counts: torch.Tensor


def joined(parts: Sequence[Batches]) -> Batches:
    """Put the members of several together, who are shown the same inputs by the same labels.

    Who has fewer batches per epoch than others has empty ones, without effect, at the end.
    """
    most = max(each.counts.shape[1] for each in parts)
    counts = [
        functional.pad(each.counts, (0, 0, 0, 0, 0, most - each.counts.shape[1])) for each in parts
    ]
    return Batches(parts[0].x, parts[0].y, torch.cat(counts, dim=2))


def draw_counts(
    shown: np.ndarray,
    n_inputs: int,
    samplers: Sequence[Sampler],
    *,
    seeds: Sequence[int],
    hflip: float,
    n_epochs: int,
    batch_size: int,
) -> torch.Tensor:
    """Draw what the lecture's loader would draw for each member, and count it.

    Args:
        shown: int64 (n_train, 2), the input that each training image is, and that it is mirrored.
        n_inputs: number of distinct inputs.
        samplers: one for each member, of the training images, with its own generator.
        seeds: of the members' samplers and flips.
        hflip: probability that an image is mirrored.
        n_epochs: number of epochs.
        batch_size: images per batch; the last batch may be shorter.

    Returns:
        int16 (n_epochs, batches, members, n_inputs).
    """
    n_train, n_members, table = len(shown), len(seeds), torch.from_numpy(shown)
    shape = (-(-n_train // batch_size), n_members, n_inputs)
    batch, member = torch.arange(n_train) // batch_size, torch.arange(n_members)[:, None]
    first = (batch * n_members + member) * n_inputs
    counts = torch.empty(n_epochs, *shape, dtype=torch.int16)
    draws = islice(draw_epochs(samplers, seeds=seeds, hflip=hflip), n_epochs)
    for epoch, (drawn, mirrored) in enumerate(draws):
        places = first + table[drawn, mirrored.long()]
        counts[epoch] = places.flatten().bincount(minlength=counts[epoch].numel()).view(shape)
    return counts
