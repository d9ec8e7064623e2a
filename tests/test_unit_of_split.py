"""split.unit: what stays on one side, be it each image alone (the lecture's), copies, or orbits."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from torchvision.transforms.v2.functional import horizontal_flip

from checks import params
from diagonal.lines.images import generate_dataset
from diagonal.lines.patterns import numbered
from diagonal.lines.splitting import split_by_unit, train_val_split, units
from diagonal.pipeline.errors import InputError
from diagonal.training.batches import Batches
from diagonal.training.sampling import make_balanced_sampler

ROOT = Path(__file__).parents[1]
RATIOS = ([80, 20], [1, 1], [9, 1], [0.2, 0.8])
GROUPED = ("pattern", "orbit")


def cases():
    """Draw 200 data sets: (images, labels, ratios, seed), many of them very small."""
    rng = np.random.default_rng(5)
    for number in range(200):
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
        alike = {"pattern": same, "orbit": same}
        if hflip:
            alike["orbit"] = same | (cdist(flat, other, "cityblock") == 0)
        for unit, graph in alike.items():
            expected, _ = pd.factorize(connected_components(graph)[1])
            np.testing.assert_array_equal(units(images, unit, hflip), expected)


@pytest.mark.parametrize("unit", GROUPED)
def test_no_unit_is_on_both_sides_or_the_error_says_why(unit):
    n_split = n_refused = 0
    for images, labels, ratios, seed in cases():
        groups = units(images, unit, hflip=0.5)
        distinct = [len(np.unique(groups[labels == label])) for label in (0, 1)]
        if min(distinct) < 2:
            which = f"found {distinct[0] if distinct[0] < 2 else distinct[1]} in {len(labels)}"
            with pytest.raises(InputError, match=re.escape(which)):
                split_by_unit(images, labels, ratios, seed, unit, hflip=0.5)
            n_refused += 1
            continue
        train, val = split_by_unit(images, labels, ratios, seed, unit, hflip=0.5)
        assert not np.isin(groups[val], groups[train]).any()
        assert sorted([*train, *val]) == list(range(len(labels)))
        assert all(set(labels[side]) == {0, 1} for side in (train, val))
        n_split += 1
    assert n_split > 100
    assert n_refused > 10


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
    ("unit", "hflip", "leaks"), [("orbit", 0.5, False), ("pattern", 0.5, True), ("orbit", 0, False)]
)
def test_no_image_that_is_validated_was_drawn_in_training(unit, hflip, leaks):
    """Nor its mirror image, if training mirrors: what was drawn, and what could have been."""
    n_split = n_drawn = n_drawable = 0
    for images, labels, ratios, seed in cases():
        try:
            train, val = split_by_unit(images, labels, ratios, seed, unit, hflip)
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
    assert n_split > 100
    if leaks:
        assert min(n_drawn, n_drawable) > 50
    else:
        assert (n_drawn, n_drawable) == (0, 0)


def test_patterns_of_the_lectures_images_leak_as_published():
    images, labels = generate_dataset(5, 300, seed=13)
    seen = {}
    for unit in ("image", *GROUPED):
        train, val = split_by_unit(images, labels, [80, 20], 13, unit, hflip=0.5)
        shown = as_set(images[train]) | as_set(mirrored(images[train]))
        seen[unit] = np.mean([image.tobytes() in shown for image in images[val]])
    assert seen == {"image": 1, "pattern": pytest.approx(0.61, abs=0.005), "orbit": 0}


@pytest.mark.parametrize("unit", GROUPED)
def test_each_class_is_at_most_half_a_unit_off_the_ratio(unit):
    n_compared = 0
    for images, labels, ratios, seed in cases():
        groups = units(images, unit, hflip=0.5)
        sizes = [np.unique(groups[labels == label], return_counts=True)[1] for label in (0, 1)]
        if min(map(len, sizes)) < 2:
            continue
        train, val = train_val_split(labels, ratios, seed, groups)
        for label in (0, 1):
            of_label = [groups[side][labels[side] == label] for side in (train, val)]
            if min(len(np.unique(side)) for side in of_label) == 1:
                continue  # it may be there whatever the ratio, so that no side is empty
            target = ratios[1] / sum(ratios) * (labels == label).sum()
            assert abs(len(of_label[1]) - target) <= sizes[label].max() / 2
            n_compared += 1
    assert n_compared > 100


@pytest.mark.parametrize(("unit", "at_least"), [("pattern", 90), ("orbit", 40)])
def test_seeds_split_the_lectures_images_in_many_ways_almost_as_asked(unit, at_least):
    images, labels = generate_dataset(5, 300, seed=13)
    splits = [split_by_unit(images, labels, [80, 20], seed, unit, 0.5)[1] for seed in range(100)]
    assert len({frozenset(val.tolist()) for val in splits}) >= at_least
    assert np.mean([len(val) for val in splits]) == pytest.approx(60, abs=2)
    for val in splits:
        assert abs(len(val) - 60) <= 15
        assert labels[val].mean() == pytest.approx(labels.mean(), abs=0.15)


def test_the_seed_decides_and_nothing_else():
    images, labels = generate_dataset(10, 200, seed=1)
    groups = numbered(images)
    np.random.seed(0)
    once = train_val_split(labels, [80, 20], 7, groups)
    np.random.seed(1)
    again = train_val_split(labels, [80, 20], 7, groups)
    other = train_val_split(labels, [80, 20], 8, groups)
    assert [side.tolist() for side in once] == [side.tolist() for side in again]
    assert set(once[1].tolist()) != set(other[1].tolist())


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Check params.yaml with replacements in it."""

    def check(**replaced):
        text = (ROOT / "params.yaml").read_text()
        for key, value in replaced.items():
            text, n = re.subn(rf"(?m)^(  {key}:) \S+", rf"\1 {value}", text, count=1)
            assert n == 1
        (tmp_path / "params.yaml").write_text(text)
        shutil.copy(ROOT / "dvc.yaml", tmp_path)
        monkeypatch.chdir(tmp_path)
        params.main()

    return check


@pytest.mark.parametrize("unit", GROUPED)
def test_an_impossible_split_is_found_before_the_pipeline_starts(check, unit):
    line = (
        r"params.yaml: split: unit: expected at least 2 groups of (straight lines|diagonals) to "
        r"keep training and validation apart, found \d in 3 images"
    )
    with pytest.raises(InputError, match=f"^{line}$"):
        check(unit=unit, n_images=3)


def test_a_pattern_and_its_mirror_image_are_two_units_only_without_flips(check):
    images = {"n_images": 4, "seed": 22}  # in which the first and the last column are straight
    with pytest.raises(InputError, match="found 1 in 4 images"):
        check(unit="orbit", **images)
    check(unit="pattern", **images)
    check(unit="orbit", hflip=0, **images)
