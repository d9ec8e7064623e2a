"""Mini-batches drawn for a whole epoch at once, with the numbers that a DataLoader would draw.

A `DataLoader` with a `WeightedRandomSampler` and torchvision's `RandomHorizontalFlip` takes its
random numbers image by image, from two streams, in this order per epoch:

1. torch's global stream: one int64, the loader's base seed;
2. the sampler's own generator: one multinomial draw of all indices;
3. the global stream: one float32 per drawn image, which is flipped where that is below p.

`Batches` asks the same streams for the same numbers, but all of them together. So it yields the
same batches and leaves both streams where the loader leaves them.
"""

import math
from collections.abc import Iterator

import torch
from torch.utils.data import WeightedRandomSampler

from diagonal.balancing import class_weights, sample_weights
from diagonal.streams import AT_ONCE, WeightedLookup

ALIGNMENT = 64  # bytes, to which PyTorch allocates on the CPU
GATHER = 2**22  # pixels that are gathered at a time, to bound an epoch's memory
FEW = 2**16  # weights: torch.multinomial draws from more than that more slowly
CATEGORIES = 2**24  # weights that torch.multinomial takes at most


class Batches:
    """Iterate over images and labels as a `DataLoader` would, each epoch drawn at once.

    Args:
        x: images (n, C, H, W) on any device, scaled and normalised; they may lie in a file that
            is mapped into memory, for only what is gathered is read.
        y: labels (n, 1) on the same device.
        batch_size: images per batch; the last batch may be shorter.
        sampler: draws which images make an epoch; None takes all of them in order.
        hflip: probability that a drawn image is mirrored left to right; needs a sampler.
        dtype: of the batches; None keeps that of x and y.
    """

    def __init__(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        *,
        batch_size: int,
        sampler: WeightedRandomSampler | None = None,
        hflip: float = 0.0,
        dtype: torch.dtype | None = None,
    ):
        self.x, self.y, self.dtype = x, y, dtype
        self.batch_size, self.sampler, self.hflip = batch_size, sampler, hflip
        self.n_drawn = sampler.num_samples if sampler else len(x)

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return math.ceil(self.n_drawn / self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Draw an epoch and yield its batches (x, y), both on the device of the images."""
        torch.empty((), dtype=torch.int64).random_()  # the loader's base seed
        if self.sampler:
            indices = draw(self.sampler)
            flips = torch.rand(self.n_drawn) < self.hflip
        at_once = max(GATHER // (self.x[0].numel() * self.batch_size), 1) * self.batch_size
        for start in range(0, self.n_drawn, at_once):
            part = slice(start, min(start + at_once, self.n_drawn))
            rows, sizes = self._own(part.stop - start)
            if self.sampler:
                x, y = self._gather(indices[part][rows], flips[part][rows])
            else:
                x, y = self.x[part][rows], self.y[part][rows]
            batches = (map(_aligned, each.to(self.dtype).split(sizes)) for each in (x, y))
            yield from zip(*batches, strict=True)

    def _own(self, n_rows: int) -> tuple:
        """Tell which of some batches' rows to yield, and how many in each batch: here, all."""
        return slice(n_rows), self.batch_size

    def _gather(self, indices, flips) -> tuple[torch.Tensor, torch.Tensor]:
        index, mirror = (each.to(self.x.device) for each in (indices, flips))
        x = self.x[index]
        return torch.where(mirror[:, None, None, None], x.flip(-1), x), self.y[index]


def _aligned(part: torch.Tensor) -> torch.Tensor:
    """Move a slice of a tensor to where a tensor of its own would start.

    BLAS may sum in another order where rows start elsewhere, and the bits would differ.
    """
    return part if part.data_ptr() % ALIGNMENT == 0 else part.clone()


def draw(sampler: WeightedRandomSampler) -> torch.Tensor:
    """Draw the indices of one epoch, int64 (num_samples,), as iterating the sampler would.

    `torch.multinomial` bisects, which takes long among many weights, and refuses more than
    `CATEGORIES`. Above `FEW` the same uniform numbers of the same stream are looked up in a faster
    way: the same indices, and beyond torch's limit the same distribution.
    """
    if sampler.replacement and len(sampler.weights) > FEW:
        return _look_up(sampler)
    return torch.multinomial(
        sampler.weights, sampler.num_samples, sampler.replacement, generator=sampler.generator
    )


def _look_up(sampler: WeightedRandomSampler) -> torch.Tensor:
    lookup = WeightedLookup(sampler.weights.numpy())
    indices = torch.empty(sampler.num_samples, dtype=torch.int64)
    for part in indices.split(AT_ONCE):
        uniform = torch.rand(len(part), dtype=torch.float64, generator=sampler.generator)
        part.copy_(torch.from_numpy(lookup.find(uniform.numpy())))
    return indices


def make_balanced_sampler(y: torch.Tensor) -> WeightedRandomSampler:
    """Make a sampler that draws both classes equally often, with a generator of its own.

    Args:
        y: labels (n, 1) or (n,), 0 or 1.

    Returns:
        A sampler of n indices with replacement, each weighed by the inverse of its class's
        frequency.
    """
    labels = y.flatten().long().cpu().numpy()
    return weighted_sampler(sample_weights(labels, class_weights(labels)))


def weighted_sampler(weights) -> WeightedRandomSampler:
    """Make a sampler of as many indices as there are weights (n,), with its own generator."""
    return WeightedRandomSampler(
        weights=torch.as_tensor(weights),
        num_samples=len(weights),
        generator=torch.Generator(),
        replacement=True,
    )
