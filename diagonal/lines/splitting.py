"""Random splits of a data set into training and validation."""

import numpy as np
import torch

from diagonal.errors import InputError
from diagonal.lines.patterns import mirror_groups


def split_sizes(n: int, splits) -> list[int]:
    """Divide n indices among splits, any positive numbers relative to each other.

    The sizes are those of `random_split`, which refuses ratios whose float32 sum is just above 1:
    rounded down in float32, and what is left is added one by one from the first on.
    """
    ratios = torch.as_tensor(splits)
    total = ratios.sum().float()
    if not total.isclose(torch.ones(())):
        ratios = ratios / total
    sizes = [int(n * ratio) for ratio in ratios]
    for place in range(n - sum(sizes)):
        sizes[place % len(sizes)] += 1
    return sizes


def groups_of(images: np.ndarray, group_by: str, hflip: float) -> np.ndarray | None:
    """Give images (N, ..., S, S) their group's number, to be kept together: int32 (N,), or None.

    By "image" none are kept together, hence None; by "pattern" all copies of an image; by
    "mirror_group" mirror images, too, if training mirrors any, with probability hflip.
    """
    if group_by == "image":
        return None
    return mirror_groups(images, hflip if group_by == "mirror_group" else 0)


def train_val_split(
    labels: np.ndarray, ratios, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split a labelled data set into training and validation at random.

    Labels are 0 or 1, (N,), ratios two numbers. Groups, see `groups_of`, are of one label each.

    Returns:
        The indices of training and of validation, int64, a partition of 0 to N-1.

    Raises:
        InputError: a split lacks a class.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator).numpy()  # as in `random_split`
    if groups is None:
        n_train, _ = split_sizes(len(labels), ratios)
        train, val = order[:n_train], order[n_train:]
    else:
        shuffled = torch.randperm(groups.max() + 1, generator=generator).numpy()
        aside = validation_groups(labels, ratios, groups, shuffled)[groups[order]]
        train, val = order[~aside], order[aside]
    for name, index in (("training", train), ("validation", val)):
        found = np.bincount(labels[index], minlength=2).tolist()
        if not all(found):
            raise InputError(
                f"expected both classes in {name}, found {found[0]} of label 0 and {found[1]} of "
                f"label 1 with ratios {list(ratios)} and seed {seed} of {len(labels)} images"
            )
    return train, val


def validation_groups(labels, ratios, groups, shuffled: np.ndarray) -> np.ndarray:
    """Choose whole groups for validation, for each class about as many images as the ratios say.

    Groups come in `shuffled` order, and each goes to validation while there is room for it; then
    the smallest of those left, too, if that brings the class closer to the ratios, which no
    splitter of scikit-learn does. The other arguments are those of `train_val_split`. Returns bool
    (number of groups,).

    Raises:
        InputError: a class has fewer than two groups, so that a side would lack it.
    """
    first = np.unique(groups, return_index=True)[1]
    sizes, kinds = np.bincount(groups), labels[first]
    share = ratios[1] / sum(ratios)
    validated = np.zeros(len(first), bool)
    for label in (0, 1):
        members = shuffled[kinds[shuffled] == label]
        if len(members) < 2:
            expected = f"expected 2 or more groups of images of label {label}"
            raise InputError(f"group_by: {expected}, found {len(members)} in {len(labels)} images")
        lacking = share * sizes[members].sum()
        for group in members:
            if sizes[group] <= lacking:
                validated[group] = True
                lacking -= sizes[group]
        left = members[~validated[members]]
        smallest = left[sizes[left].argmin()]
        if sizes[smallest] < 2 * lacking or not validated[members].any():
            validated[smallest] = len(left) > 1  # one is training's, whatever the ratios
    return validated
