"""Class weights, and the sampler that draws both classes equally often by them."""

import torch
from torch.utils.data import RandomSampler, WeightedRandomSampler

CATEGORIES = 2**24  # weights that torch.multinomial takes at most
AT_ONCE = 2**22  # numbers that are looked up, to bound memory


def class_weights(labels: torch.Tensor) -> torch.Tensor:
    """Weigh classes of labels (N,), 0 or 1, by the inverse of their frequency: float32 (2,)."""
    return 1.0 / labels.bincount(minlength=2).float()


def make_balanced_sampler(y: torch.Tensor) -> WeightedRandomSampler:
    """Make a sampler, for labels (n, 1) or (n,), 0 or 1, that draws both classes equally often."""
    labels = y.flatten().long().cpu()
    return weighted_sampler(class_weights(labels)[labels].double())


def weighted_sampler(weights: torch.Tensor) -> WeightedRandomSampler:
    """Make a sampler of as many indices as there are weights (n,), with its own generator."""
    return WeightedRandomSampler(weights, len(weights), generator=torch.Generator())


def draw(sampler: WeightedRandomSampler | RandomSampler) -> torch.Tensor:
    """Draw the indices of one epoch, int64 (num_samples,), as iterating the sampler would.

    The sampler has a generator of its own; a RandomSampler shuffles all images.
    `torch.multinomial` refuses more than `CATEGORIES` weights. Then its method is applied to the
    same stream: uniform numbers are looked up among the cumulative weights.
    """
    n, generator = sampler.num_samples, sampler.generator
    if isinstance(sampler, RandomSampler):
        permutation = torch.randperm(n, generator=generator)
        torch.randperm(n, generator=generator)  # drawn for a remainder, of which there is none
        return permutation
    weights = sampler.weights
    if len(weights) <= CATEGORIES or not sampler.replacement:
        return torch.multinomial(weights, n, sampler.replacement, generator=generator)
    cumulative = weights.cumsum(0)
    cumulative = cumulative.div_(cumulative[-1].item())
    indices = torch.empty(n, dtype=torch.int64)
    for part in indices.split(AT_ONCE):
        uniform = torch.rand(len(part), dtype=torch.float64, generator=generator)
        uniform, order = uniform.sort()  # numbers in order are found several times faster
        part[order] = torch.searchsorted(cumulative, uniform)
    return indices


def classes_per_batch(
    labels: torch.Tensor, weights: torch.Tensor, *, seed: int, batch_size: int
) -> torch.Tensor:
    """Draw training's first epoch and count both classes in each of its mini-batches.

    Labels are int64 (n,), 0 or 1, weights float64 (n,), the seed that of the sampler's generator.

    Returns:
        int64 (batches, 2): straight lines and diagonals.
    """
    sampler = weighted_sampler(weights)
    sampler.generator.manual_seed(seed)
    batches = labels[draw(sampler)].split(batch_size)
    diagonals = torch.stack([batch.sum() for batch in batches])
    sizes = torch.tensor([len(batch) for batch in batches])
    return torch.stack([sizes - diagonals, diagonals], dim=1)
