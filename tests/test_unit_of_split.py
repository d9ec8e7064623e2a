"""split.unit: pattern keeps all copies of a pattern on one side; image is the lecture's split."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diagonal.lines.images import generate_dataset
from diagonal.lines.patterns import numbered
from diagonal.lines.splitting import train_val_split
from diagonal.pipeline.errors import InputError

RATIOS = ([80, 20], [1, 1], [9, 1], [0.2, 0.8])


def cases():
    """Draw 200 data sets: (labels, patterns, ratios, seed), many of them very small."""
    rng = np.random.default_rng(5)
    for number in range(200):
        img_size, seed = int(rng.integers(2, 13)), int(rng.integers(2**32))
        images, labels = generate_dataset(img_size, int(10 ** rng.uniform(0, 3)), seed=seed)
        yield labels, numbered(images), RATIOS[number % len(RATIOS)], seed


def test_no_pattern_is_on_both_sides_or_the_error_says_why():
    n_split = n_refused = 0
    for labels, groups, ratios, seed in cases():
        distinct = [len(np.unique(groups[labels == label])) for label in (0, 1)]
        if min(distinct) < 2:
            which = f"found {distinct[0] if distinct[0] < 2 else distinct[1]} in {len(labels)}"
            with pytest.raises(InputError, match=re.escape(which)):
                train_val_split(labels, ratios, seed, groups)
            n_refused += 1
            continue
        train, val = train_val_split(labels, ratios, seed, groups)
        assert not np.isin(groups[val], groups[train]).any()
        assert sorted([*train, *val]) == list(range(len(labels)))
        assert all(set(labels[side]) == {0, 1} for side in (train, val))
        n_split += 1
    assert n_split > 100
    assert n_refused > 10


def test_no_other_choice_of_patterns_is_closer_to_the_ratio():
    """Against all subsets, where those can be listed."""
    n_compared = 0
    for labels, groups, ratios, seed in cases():
        sizes = [np.unique(groups[labels == label], return_counts=True)[1] for label in (0, 1)]
        if min(map(len, sizes)) < 2 or max(map(len, sizes)) > 12:
            continue
        _, val = train_val_split(labels, ratios, seed, groups)
        for label in (0, 1):
            target = ratios[1] / sum(ratios) * (labels == label).sum()
            subsets = itertools.product((0, 1), repeat=len(sizes[label]))
            sums = [np.dot(subset, sizes[label]) for subset in subsets][1:-1]
            gap = abs((labels[val] == label).sum() - target)
            assert gap == pytest.approx(min(abs(np.array(sums) - target)))
            n_compared += 1
    assert n_compared > 50


def test_the_lectures_images_split_almost_as_asked():
    images, labels = generate_dataset(5, 300, seed=13)
    _, val = train_val_split(labels, [80, 20], 13, numbered(images))
    assert abs(len(val) - 60) <= 2
    assert labels[val].mean() == pytest.approx(labels.mean(), abs=0.02)


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


def test_an_impossible_split_is_found_before_the_pipeline_starts(tmp_path):
    params = Path("params.yaml").read_text()
    params = params.replace("unit: image", "unit: pattern").replace("n_images: 300", "n_images: 3")
    (tmp_path / "params.yaml").write_text(params)
    command = [sys.executable, "-m", "checks.params"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"params.yaml: split: unit: expected at least 2 different (straight lines|diagonals) to "
        r"keep training and validation apart, found \d in 3 images\n",
        done.stderr,
    )
