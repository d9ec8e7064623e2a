import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from torch.utils.data import random_split
from torchvision.transforms.v2.functional import horizontal_flip

from diagonal.errors import InputError
from diagonal.lecture import index_splitter
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import groups_of, split_sizes, train_val_split


def slide_splitter(n, splits, seed=13):
    """Split as the slide does, to the letter."""
    idx = torch.arange(n)
    splits_tensor = torch.as_tensor(splits)
    total = splits_tensor.sum().float()
    if not total.isclose(torch.ones(1)[0]):
        splits_tensor = splits_tensor / total
    torch.manual_seed(seed)
    return random_split(idx, splits_tensor)


@pytest.mark.filterwarnings("ignore:Length of split at index")
@pytest.mark.parametrize(("n", "splits"), [(300, [80, 20]), (1001, [70, 20, 10])])
def test_indices_are_split_as_on_the_slide(n, splits):
    ours = [subset.indices for subset in index_splitter(n, splits)]
    assert ours == [subset.indices for subset in slide_splitter(n, splits)]


@pytest.mark.parametrize(
    ("n", "ratios", "seed"), [(300, (80, 20), 13), (1001, (0.3, 0.1), 2**32 - 1)]
)
def test_training_and_validation_are_those_of_random_split(n, ratios, seed):
    labels = np.random.default_rng(n).integers(0, 2, n)
    before = torch.get_rng_state()
    ours = train_val_split(labels, ratios, seed)
    assert torch.equal(torch.get_rng_state(), before), "the global stream was drawn from"
    expected = slide_splitter(n, ratios, seed)
    assert [side.tolist() for side in ours] == [subset.indices for subset in expected]
    assert sorted(np.concatenate(ours)) == list(range(n))
    assert {side.dtype for side in ours} == {np.dtype(np.int64)}


@pytest.mark.filterwarnings("ignore:Length of split at index")
def test_sizes_are_those_of_random_split_wherever_it_takes_the_ratios():
    random, refused = np.random.default_rng(0), 0
    for _ in range(300):
        n, k = int(random.integers(1, 500)), int(random.integers(2, 5))
        splits = np.round(random.random(k) + 0.01, int(random.integers(2, 5))).tolist()
        sizes = split_sizes(n, splits)
        assert sum(sizes) == n
        try:
            assert sizes == [len(subset) for subset in slide_splitter(n, splits)]
        except ValueError:
            refused += 1
    assert 0 < refused < 75


def test_ratios_that_stop_the_slides_code_are_split_too():
    refused = [0.01, 0.29, 0.01]  # as float32, divided by their sum, they add up to above one
    with pytest.raises(ValueError, match="Sum of input lengths"):
        slide_splitter(300, refused)
    assert [len(subset) for subset in index_splitter(300, refused)] == [10, 281, 9]


@pytest.mark.parametrize(
    ("n", "ratios", "message"),
    [
        (300, (1, 1000), "both classes in training, found 0 of label 0 and 1 of label 1"),
        (300, (1000, 0.001), "both classes in training|both classes in validation"),
        (2, (1, 1), "both classes in training"),
    ],
)
def test_a_split_that_lacks_a_class_is_refused(n, ratios, message):
    labels = np.arange(n) % 3 > 0
    with pytest.raises(InputError, match=message):
        train_val_split(labels.astype(np.int64), ratios, seed=1)


# Groups: copies of an image, or its mirror image as well, stay on one side

RATIOS = ([80, 20], [1, 1], [9, 1], [0.2, 0.8])
GROUPED = ("pattern", "mirror_group")


def cases():
    """Draw 40 data sets: (images, labels, ratios, seed), many of them very small."""
    rng = np.random.default_rng(5)
    for number in range(40):
        img_size, seed = int(rng.integers(2, 13)), int(rng.integers(2**32))
        images, labels = generate_dataset(img_size, int(10 ** rng.uniform(0, 2.5)), seed=seed)
        yield images, labels, RATIOS[number % len(RATIOS)], seed


def mirrored(images):
    return horizontal_flip(torch.from_numpy(images)).numpy()


@pytest.mark.parametrize("hflip", [0, 0.5])
def test_groups_are_what_copies_and_mirror_images_connect(hflip):
    for images, *_ in cases():
        flat, other = (each.reshape(len(images), -1) for each in (images, mirrored(images)))
        same = cdist(flat, flat, "cityblock") == 0
        mirror = same | (cdist(flat, other, "cityblock") == 0) if hflip else same
        for group_by, graph in {"pattern": same, "mirror_group": mirror}.items():
            expected, _ = pd.factorize(connected_components(graph)[1])
            np.testing.assert_array_equal(groups_of(images, group_by, hflip), expected)
        assert groups_of(images, "image", hflip) is None


@pytest.mark.parametrize("group_by", GROUPED)
def test_no_group_is_on_both_sides_and_each_class_is_at_most_half_a_group_off_the_ratio(group_by):
    n_split = n_refused = 0
    for images, labels, ratios, seed in cases():
        groups = groups_of(images, group_by, hflip=0.5)
        sizes = [np.unique(groups[labels == label], return_counts=True)[1] for label in (0, 1)]
        lacking = [len(each) for each in sizes if len(each) < 2]
        if lacking:
            message = f"found {lacking[0]} in {len(labels)} images"
            with pytest.raises(InputError, match=re.escape(message)):
                train_val_split(labels, ratios, seed, groups)
            n_refused += 1
            continue
        n_split += 1
        train, val = train_val_split(labels, ratios, seed, groups)
        assert not np.isin(groups[val], groups[train]).any()
        assert sorted([*train, *val]) == list(range(len(labels)))
        assert all(set(labels[side]) == {0, 1} for side in (train, val))
        for label in (0, 1):
            of_label = [groups[side][labels[side] == label] for side in (train, val)]
            if min(len(np.unique(side)) for side in of_label) > 1:  # else it may have to be there
                target = ratios[1] / sum(ratios) * (labels == label).sum()
                assert abs(len(of_label[1]) - target) <= sizes[label].max() / 2
    assert min(n_split, n_refused) > 5


def test_seeds_split_the_lectures_images_in_many_ways_almost_as_asked():
    images, labels = generate_dataset(5, 300, seed=13)
    groups = groups_of(images, "mirror_group", hflip=0.5)
    splits = [train_val_split(labels, [80, 20], seed, groups)[1] for seed in range(100)]
    assert len({frozenset(val.tolist()) for val in splits}) >= 40
    np.testing.assert_array_equal(train_val_split(labels, [80, 20], 7, groups)[1], splits[7])
    assert np.mean([len(val) for val in splits]) == pytest.approx(60, abs=2)
    for val in splits:
        assert abs(len(val) - 60) <= 15
        assert labels[val].mean() == pytest.approx(labels.mean(), abs=0.15)
