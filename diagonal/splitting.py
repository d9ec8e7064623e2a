"""Random splits of a data set into training and validation."""

import numpy as np
import torch
from torch.utils.data import Subset, random_split

from diagonal.shell.errors import InputError


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


def train_val_split(
    labels: np.ndarray, ratios, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split a labelled data set into training and validation.

    Args:
        labels: classes (N,), 0 or 1.
        ratios: training and validation, relative to each other.
        seed: of the random split.
        groups: int64 (N,), from 0 without gaps: equal for images that must stay together, which
            have one label; None where each image may go its own way, as in the lecture.

    Returns:
        The indices of training and of validation, int64, a partition of 0 to N-1.

    Raises:
        InputError: a split is empty or lacks a class.
    """
    if groups is None:
        subsets = index_splitter(len(labels), ratios, seed)
        train, val = (np.array(subset.indices, np.int64) for subset in subsets)
    else:
        train, val = group_splitter(labels, ratios, seed, groups)
    for name, index in (("training", train), ("validation", val)):
        found = np.bincount(labels[index], minlength=2).tolist()
        if not all(found):
            raise InputError(
                f"expected both classes in {name}, found {found[0]} straight lines and "
                f"{found[1]} diagonals with ratios {list(ratios)} and seed {seed} "
                f"of {len(labels)} images"
            )
    return train, val


def group_splitter(labels, ratios, seed: int, groups) -> tuple[np.ndarray, np.ndarray]:
    """Split so that no group is on both sides, each class as close to the ratios as they admit.

    Of scikit-learn's splitters, GroupShuffleSplit counts groups instead of images and
    StratifiedGroupKFold knows folds instead of ratios.

    Args, Returns:
        As `train_val_split`, in random order on both sides.

    Raises:
        InputError: a class has fewer than two groups, so that a side would lack it.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator).numpy()
    first = np.unique(groups, return_index=True)[1]
    shuffled = torch.randperm(len(first), generator=generator).numpy()
    sizes, kinds = np.bincount(groups), labels[first]
    share = ratios[1] / sum(ratios)
    validated = np.zeros(len(first), bool)
    for label, name in enumerate(("straight lines", "diagonals")):
        members = shuffled[kinds[shuffled] == label]
        if len(members) < 2:
            raise InputError(
                f"unit: expected at least 2 different {name} to keep training and validation "
                f"apart, found {len(members)} in {len(labels)} images"
            )
        validated[members] = _closest(sizes[members], share * sizes[members].sum())
    aside = validated[groups[order]]
    return order[~aside], order[aside]


def _closest(sizes: np.ndarray, target: float) -> np.ndarray:
    """Choose the groups whose sum is closest to the target, at least one and not all of them.

    This is the subset-sum problem, solved by listing the sums that the first groups can have.
    The order of the groups decides among choices with equal sums.
    """
    last = np.full(sizes.sum() + 1, -1)  # of the groups that make this sum; -1: none do yet
    last[0] = len(sizes)
    for place, size in enumerate(sizes):
        sums = np.flatnonzero(last[:-size] >= 0) + size
        last[sums[last[sums] < 0]] = place
    sums = np.flatnonzero(last >= 0)[1:-1]
    left = sums[abs(sums - target).argmin()]
    chosen = np.zeros(len(sizes), bool)
    while left:
        chosen[last[left]] = True
        left -= sizes[last[left]]
    return chosen
