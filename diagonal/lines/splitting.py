"""Random splits of a data set into training and validation."""

import numpy as np
import torch

from diagonal.lines.patterns import orbits
from diagonal.pipeline.errors import InputError


def split_sizes(n: int, splits) -> list[int]:
    """Share n indices out among splits, any positive numbers relative to each other.

    The sizes are those of `random_split`: rounded down in float32, and what is left one by one from
    the first on. But it refuses ratios whose float32 sum comes out just above one.
    """
    ratios = torch.as_tensor(splits)
    total = ratios.sum().float()
    if not total.isclose(torch.ones(())):
        ratios = ratios / total
    sizes = [int(n * ratio) for ratio in ratios]
    for place in range(n - sum(sizes)):
        sizes[place % len(sizes)] += 1
    return sizes


def split_by_unit(
    images: np.ndarray, labels: np.ndarray, ratios, seed: int, unit: str, hflip: float
) -> tuple[np.ndarray, np.ndarray]:
    """Split images (N, 1, S, S) with labels (N,) at random so that no unit is on both sides.

    The unit is one of params.yaml's; hflip is the probability that training mirrors an image. For
    the rest see `train_val_split`.
    """
    return train_val_split(labels, ratios, seed, units(images, unit, hflip))


def units(images: np.ndarray, unit: str, hflip: float) -> np.ndarray | None:
    """Give images (N, ..., S, S) that must stay together a number: int32 (N,) from 0, or None.

    The unit `image` keeps none together, hence None; `pattern` all copies of one; `orbit` mirror
    images, too, where training mirrors (hflip > 0) and so takes both to have one label.
    """
    if unit == "image":
        return None
    return orbits(images, hflip if unit == "orbit" else 0)


def train_val_split(
    labels: np.ndarray, ratios, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split a labelled data set into training and validation at random, by their ratios.

    Labels are 0 or 1, (N,). Groups, integers (N,) from 0 without gaps, are equal for images of one
    label that must stay together; without them each goes its own way, as in the lecture.

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
                f"expected both classes in {name}, found {found[0]} straight lines and "
                f"{found[1]} diagonals with ratios {list(ratios)} and seed {seed} "
                f"of {len(labels)} images"
            )
    return train, val


def validation_groups(labels, ratios, groups, shuffled: np.ndarray) -> np.ndarray:
    """Choose whole groups for validation, for each class about as many images as the ratios say.

    Groups come in `shuffled` order, and each goes to validation while there is room for it; then
    the smallest of those left, too, if that brings the class closer to the ratios. Of
    scikit-learn's splitters, GroupShuffleSplit counts groups instead of images and
    StratifiedGroupKFold knows folds instead of ratios. The other arguments are those of
    `train_val_split`. Returns bool (number of groups,).

    Raises:
        InputError: a class has fewer than two groups, so that a side would lack it.
    """
    first = np.unique(groups, return_index=True)[1]
    sizes, kinds = np.bincount(groups), labels[first]
    share = ratios[1] / sum(ratios)
    validated = np.zeros(len(first), bool)
    for label, name in enumerate(("straight lines", "diagonals")):
        members = shuffled[kinds[shuffled] == label]
        if len(members) < 2:
            raise InputError(
                f"unit: expected at least 2 groups of {name} to keep training and validation "
                f"apart, found {len(members)} in {len(labels)} images"
            )
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
