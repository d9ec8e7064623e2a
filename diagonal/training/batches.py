"""Mini-batches drawn for a whole epoch at once, with the numbers that a DataLoader would draw.

A `DataLoader` with a `WeightedRandomSampler` and torchvision's `RandomHorizontalFlip` takes its
random numbers image by image, from two streams, in this order per epoch:

1. torch's global stream: one int64, the loader's base seed;
2. the sampler's own generator: one multinomial draw of all indices;
3. the global stream: one float32 per drawn image, which is flipped where that is below p.

`Batches` asks the same streams for the same numbers, but all of them together.
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch.utils.data import WeightedRandomSampler

from diagonal.training.sampling import draw

ALIGNMENT = 64  # bytes, to which PyTorch allocates on the CPU
GATHER = 2**22  # pixels that are gathered at a time, to bound an epoch's memory


class Batches:
    """Iterate over images and labels as a `DataLoader` would, each epoch drawn at once.

    Args:
        images: (N, C, H, W), which may be a memory map.
        labels: (N,) on the same device.
        index: which images make up the data set, int64 (n,); None for all.
        batch_size: images per batch; the last batch may be shorter.
        sampler: draws which of the n make an epoch; None takes all of them in order.
        hflip: probability that a drawn image is mirrored left to right; needs a sampler.
        transform: applied to what is gathered (b, C, H, W); None leaves it as it is.
        dtype: of the batches.
        share: (k, n) to yield the k-th of n parts of each batch's rows alone, k from 0.
    """

    def __init__(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        index: torch.Tensor | None = None,
        *,
        batch_size: int,
        sampler: WeightedRandomSampler | None = None,
        hflip: float = 0.0,
        transform: Callable[[torch.Tensor], torch.Tensor] | None = None,
        dtype: torch.dtype = torch.float32,
        share: tuple[int, int] = (0, 1),
    ):
        self.images, self.labels = images, labels
        self.index = torch.arange(len(labels)) if index is None else index
        self.batch_size, self.sampler, self.hflip = batch_size, sampler, hflip
        self.transform, self.dtype, self.share = transform or (lambda x: x), dtype, share
        self.n_drawn = sampler.num_samples if sampler else len(self.index)

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return math.ceil(self.n_drawn / self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Draw an epoch and yield its batches: images (b, C, H, W) and labels (b, 1)."""
        torch.empty((), dtype=torch.int64).random_()  # the loader's base seed
        rows, mirrored = self.index, torch.tensor(False)
        if self.sampler:
            rows = rows[draw(self.sampler)]
            mirrored = torch.rand(self.n_drawn) < self.hflip
        mirrored = mirrored.expand(self.n_drawn)
        at_once = max(GATHER // (self.images[0].numel() * self.batch_size), 1) * self.batch_size
        k, n = self.share
        for part in torch.arange(self.n_drawn).split(at_once):
            batches = [
                batch[len(batch) * k // n : len(batch) * (k + 1) // n]
                for batch in part.split(self.batch_size)
            ]
            drawn, sizes = torch.cat(batches), list(map(len, batches))
            x, y = self.gather(rows[drawn], mirrored[drawn])
            yield from zip(*(map(_aligned, part.split(sizes)) for part in (x, y)), strict=True)

    def gather(self, rows: torch.Tensor, mirrored: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Gather the images of rows, int64 (b,), some mirrored, bool (b,), and labels (b, 1)."""
        rows, mirrored = rows.to(self.images.device), mirrored.to(self.images.device)
        x, y = self.images[rows], self.labels[rows, None]
        x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
        return self.transform(x).to(self.dtype), y.to(self.dtype)


def _aligned(part: torch.Tensor) -> torch.Tensor:
    """Move a slice of a tensor to where a tensor of its own would start.

    BLAS may sum in another order where rows start elsewhere, and the bits would differ.
    """
    return part if part.data_ptr() % ALIGNMENT == 0 else part.clone()
