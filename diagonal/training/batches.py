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

ALIGNMENT = 64  # bytes, to which PyTorch allocates on the CPU
GATHER = 2**16  # images are gathered about this many at a time, to bound an epoch's memory


class Batches:
    """Iterate over images and labels as a `DataLoader` would, each epoch drawn at once.

    Args:
        x: images (n, C, H, W) on any device, scaled and normalised.
        y: labels (n, 1) on the same device.
        batch_size: images per batch; the last batch may be shorter.
        sampler: draws which images make an epoch; None takes all of them in order.
        hflip: probability that a drawn image is mirrored left to right; needs a sampler.
    """

    def __init__(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        *,
        batch_size: int,
        sampler: WeightedRandomSampler | None = None,
        hflip: float = 0.0,
    ):
        self.x, self.y = x, y
        self.batch_size, self.sampler, self.hflip = batch_size, sampler, hflip

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        n_images = self.sampler.num_samples if self.sampler else len(self.x)
        return math.ceil(n_images / self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Draw an epoch and yield its batches (x, y), both on the device of the images."""
        torch.empty((), dtype=torch.int64).random_()  # the loader's base seed
        if self.sampler is None:
            yield from self._split(self.x, self.y)
            return
        indices = draw(self.sampler)
        flips = torch.rand(len(indices)) < self.hflip
        chunk = max(GATHER // self.batch_size, 1) * self.batch_size
        device = self.x.device
        for drawn, flipped in zip(indices.split(chunk), flips.split(chunk), strict=True):
            index, mirror = drawn.to(device), flipped.to(device)[:, None, None, None]
            x = self.x[index]
            yield from self._split(torch.where(mirror, x.flip(-1), x), self.y[index])

    def _split(self, x, y):
        parts = (map(_aligned, tensor.split(self.batch_size)) for tensor in (x, y))
        return zip(*parts, strict=True)


def _aligned(part: torch.Tensor) -> torch.Tensor:
    """Move a slice of a tensor to where a tensor of its own would start.

    BLAS may sum in another order where rows start elsewhere, and the bits would differ.
    """
    return part if part.data_ptr() % ALIGNMENT == 0 else part.clone()


def draw(sampler: WeightedRandomSampler) -> torch.Tensor:
    """Draw the indices of one epoch, int64 (num_samples,), as iterating the sampler would."""
    return torch.multinomial(
        sampler.weights, sampler.num_samples, sampler.replacement, generator=sampler.generator
    )


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
