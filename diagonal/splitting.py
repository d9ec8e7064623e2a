"""Random splits of a data set into training and validation."""

import numpy as np
import torch
from torch.utils.data import Subset, random_split

from diagonal.errors import InputError


def index_splitter(n: int, splits, seed: int = 13) -> list[Subset]:
    """Split the indices 0 to n-1 at random, the lecture's way.

    Args:
        n: number of indices.
        splits: sizes of the splits relative to each other, any positive numbers.
        seed: of torch's global stream, which this function seeds.

    Returns:
        A subset of `torch.arange(n)` for each split; its `indices` are a list of int.
    """
    ratios = torch.as_tensor(splits)
    total = ratios.sum().float()
    if not total.isclose(torch.ones(1)[0]):
        ratios = ratios / total
    # random_split would do the same with the ratios themselves, but takes them for numbers of
    # images where their float32 sum comes out just above one.
    sizes = [int(n * ratio) for ratio in ratios]
    for place in range(n - sum(sizes)):
        sizes[place % len(sizes)] += 1
    torch.manual_seed(seed)
    return random_split(torch.arange(n), sizes)


def train_val_split(labels: np.ndarray, ratios, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split a labelled data set into training and validation.

    Args:
        labels: classes (N,), 0 or 1.
        ratios: training and validation, relative to each other.
        seed: of the random split.

    Returns:
        The indices of training and of validation, int64, a partition of 0 to N-1.

    Raises:
        InputError: a split is empty or lacks a class.
    """
    subsets = index_splitter(len(labels), ratios, seed)
    train, val = (np.array(subset.indices, np.int64) for subset in subsets)
    for name, index in (("training", train), ("validation", val)):
        found = np.bincount(labels[index], minlength=2).tolist()
        if not all(found):
            raise InputError(
                f"expected both classes in {name}, found {found[0]} straight lines and "
                f"{found[1]} diagonals with ratios {list(ratios)} and seed {seed} "
                f"of {len(labels)} images"
            )
    return train, val
