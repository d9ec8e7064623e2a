"""split.group_by: what stays on one side: an image alone (the lecture's), copies, mirror images."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import write_params
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from torchvision.transforms.v2.functional import horizontal_flip

from checks import params
from diagonal.errors import InputError
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import groups_of, train_val_split
from diagonal.training.batches import Batches
from diagonal.training.sampling import make_balanced_sampler

ROOT = Path(__file__).parents[1]
RATIOS = ([80, 20], [1, 1], [9, 1], [0.2, 0.8])
GROUPED = ("pattern", "mirror_group")


def cases():
    """Draw 100 data sets: (images, labels, ratios, seed), many of them very small."""
    rng = np.random.default_rng(5)
    for number in range(100):
        img_size, seed = int(rng.integers(2, 13)), int(rng.integers(2**32))
        images, labels = generate_dataset(img_size, int(10 ** rng.uniform(0, 3)), seed=seed)
        yield images, labels, RATIOS[number % len(RATIOS)], seed


def mirrored(images):
    return horizontal_flip(torch.from_numpy(images)).numpy()


def as_set(images):
    return {np.ascontiguousarray(image).tobytes() for image in images}


@pytest.mark.parametrize("hflip", [0, 0.5])
def test_groups_are_what_copies_and_mirror_images_connect(hflip):
    for images, *_ in cases():
        if len(images) > 300:
            continue
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
    assert n_split > 50
    assert n_refused > 5


def drawn_in_training(images, labels, train, hflip, n_epochs=3):
    """Collect all that some epochs of training's batches hold."""
    images, labels, train = map(torch.from_numpy, (images, labels, train))
    sampler = make_balanced_sampler(labels[train])
    options = {"batch_size": 16, "sampler": sampler, "dtype": torch.uint8}
    batches = Batches(images, labels, train, hflip=hflip, **options)
    torch.manual_seed(1)
    sampler.generator.manual_seed(1)
    return set().union(*(as_set(x.numpy()) for _ in range(n_epochs) for x, _ in batches))


@pytest.mark.parametrize(
    ("group_by", "hflip", "leaks"),
    [("mirror_group", 0.5, False), ("pattern", 0.5, True), ("mirror_group", 0, False)],
)
def test_no_image_that_is_validated_was_drawn_in_training(group_by, hflip, leaks):
    """Nor its mirror image, if training mirrors: what was drawn, and what could have been."""
    n_split = n_drawn = n_drawable = 0
    for images, labels, ratios, seed in cases():
        try:
            groups = groups_of(images, group_by, hflip)
            train, val = train_val_split(labels, ratios, seed, groups)
        except InputError:
            continue
        drawn, drawable = drawn_in_training(images, labels, train, hflip), as_set(images[train])
        held_back = as_set(images[val])
        if hflip:
            drawable |= as_set(mirrored(images[train]))
            held_back |= as_set(mirrored(images[val]))
        assert drawn <= drawable
        n_drawn += not held_back.isdisjoint(drawn)
        n_drawable += not held_back.isdisjoint(drawable)
        n_split += 1
    assert n_split > 50
    if leaks:
        assert min(n_drawn, n_drawable) > 25
    else:
        assert (n_drawn, n_drawable) == (0, 0)


def test_patterns_of_the_lectures_images_leak_as_published():
    images, labels = generate_dataset(5, 300, seed=13)
    seen = {}
    for group_by in ("image", *GROUPED):
        groups = groups_of(images, group_by, hflip=0.5)
        train, val = train_val_split(labels, [80, 20], 13, groups)
        shown = as_set(images[train]) | as_set(mirrored(images[train]))
        seen[group_by] = np.mean([image.tobytes() in shown for image in images[val]])
    expected = {"image": 1, "pattern": pytest.approx(0.61, abs=0.005), "mirror_group": 0}
    assert seen == expected


@pytest.mark.parametrize(("group_by", "at_least"), [("pattern", 90), ("mirror_group", 40)])
def test_seeds_split_the_lectures_images_in_many_ways_almost_as_asked(group_by, at_least):
    images, labels = generate_dataset(5, 300, seed=13)
    groups = groups_of(images, group_by, hflip=0.5)
    splits = [train_val_split(labels, [80, 20], seed, groups)[1] for seed in range(100)]
    assert len({frozenset(val.tolist()) for val in splits}) >= at_least
    np.testing.assert_array_equal(train_val_split(labels, [80, 20], 7, groups)[1], splits[7])
    assert np.mean([len(val) for val in splits]) == pytest.approx(60, abs=2)
    for val in splits:
        assert abs(len(val) - 60) <= 15
        assert labels[val].mean() == pytest.approx(labels.mean(), abs=0.15)


def test_an_impossible_split_is_found_before_the_pipeline_starts(tmp_path, monkeypatch):
    """Of the four lines, the first and the last column are straight, and mirror images."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    path = tmp_path / "params.yaml"
    images = {"generate.n_images": 4, "generate.seed": 22}
    write_params(path, {**images, "split.group_by": "mirror_group"})
    line = "params.yaml: split: group_by: expected 2 or more groups of images of label 0, "
    line += "found 1 in 4 images"
    with pytest.raises(InputError, match=f"^{line}$"):
        params.main()
    write_params(path, {"transforms.hflip": 0})
    params.main()
    write_params(path, {"transforms.hflip": 0.5, "split.group_by": "pattern"})
    params.main()
