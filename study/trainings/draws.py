"""What training draws for many members at once: the numbers that `Batches` draws for each alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn import functional
from torch.utils.data import Sampler

from diagonal.training.sampling import draw


def draw_epochs(
    samplers: Sequence[Sampler], *, seeds: Sequence[int], hflip: float
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Draw, epoch by epoch and without end, the images that each member is trained on.

    Args:
        samplers: one for each member, of n images each, with its own generator.
        seeds: of each member's sampler and flips.
        hflip: probability that an image is mirrored.

    Yields:
        which images, int64 (members, n), and which are mirrored, bool (members, n).
    """
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]  # each a global stream
    for sampler, seed in zip(samplers, seeds, strict=True):
        sampler.generator.manual_seed(seed)
    base_seed = torch.empty((), dtype=torch.int64)
    while True:
        for stream in streams:
            base_seed.random_(generator=stream)  # the training loader's
        drawn = torch.stack([draw(sampler) for sampler in samplers])
        flips = [torch.rand(drawn.shape[1], generator=stream) for stream in streams]
        for stream in streams:
            base_seed.random_(generator=stream)  # the validation loader's
        yield drawn, torch.stack(flips) < hflip


@dataclass(frozen=True)
class CountedBatches:
    """Mini-batches of few distinct inputs, as how often each input occurs.

    x: float64 (n, ...), the inputs, shared by all members; y: int64 (n,), their labels.
    counts: int16 (epochs, batches, members, n).
    """

    x: torch.Tensor
    y: torch.Tensor
    counts: torch.Tensor


def concatenated(parts: Sequence[CountedBatches]) -> CountedBatches:
    """Put the members of several together, who share the inputs and labels.

    Members with fewer batches per epoch than others get empty ones at the end, without effect.
    """
    counts = [part.counts for part in parts]
    most = max(each.shape[1] for each in counts)
    padded = [functional.pad(each, (0, 0, 0, 0, 0, most - each.shape[1])) for each in counts]
    return CountedBatches(parts[0].x, parts[0].y, torch.cat(padded, dim=2))


def draw_counts(
    training_inputs: torch.Tensor,
    n_inputs: int,
    sampler: Sampler,
    *,
    seed: int,
    hflip: float,
    n_epochs: int,
    batch_size: int,
) -> torch.Tensor:
    """Draw what the lecture's loader would draw for one member, and count it.

    Args:
        training_inputs: int64 (n_train, 2), which input each training image is, and which it is
            when mirrored.
        n_inputs: number of distinct inputs.
        sampler: of the training images, with its own generator.
        seed: of the sampler and of the flips.
        hflip: probability that an image is mirrored.
        n_epochs: number of epochs.
        batch_size: images per batch; the last batch may be shorter.

    Returns:
        int16 (n_epochs, batches, 1, n_inputs).
    """
    n_train = len(training_inputs)
    draws = islice(draw_epochs([sampler], seeds=[seed], hflip=hflip), n_epochs)
    drawn, mirrored = (torch.cat(each) for each in zip(*draws, strict=True))
    shape = (n_epochs, -(-n_train // batch_size), 1, n_inputs)
    row = torch.arange(n_epochs)[:, None] * shape[1] + torch.arange(n_train) // batch_size
    cells = row * n_inputs + training_inputs[drawn, mirrored.long()]
    return cells.flatten().bincount(minlength=math.prod(shape)).view(shape).to(torch.int16)
