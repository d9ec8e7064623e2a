import numpy as np
import pytest
import torch
from torch.utils.data import random_split

from diagonal.errors import InputError
from diagonal.lecture import index_splitter
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import split_sizes, train_val_split

# The training labels as the slides print them.
SLIDE_LABELS = """
1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1,
1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1,
0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1,
1, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1,
1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1,
1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1,
0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1,
1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1,
1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1,
1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1"""


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
@pytest.mark.parametrize(("n", "splits"), [(300, [80, 20]), (7, [0.8, 0.2]), (1001, [70, 20, 10])])
def test_indices_are_split_as_on_the_slide(n, splits):
    ours = [subset.indices for subset in index_splitter(n, splits)]
    assert ours == [subset.indices for subset in slide_splitter(n, splits)]


@pytest.mark.parametrize(
    ("n", "ratios", "seed"), [(300, (80, 20), 13), (30, (2, 5), 2**32 - 1), (1001, (0.3, 0.1), 0)]
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
    for _ in range(1000):
        n, k = int(random.integers(1, 500)), int(random.integers(2, 5))
        splits = np.round(random.random(k) + 0.01, int(random.integers(2, 5))).tolist()
        sizes = split_sizes(n, splits)
        assert sum(sizes) == n
        try:
            assert sizes == [len(subset) for subset in slide_splitter(n, splits)]
        except ValueError:
            refused += 1
    assert 0 < refused < 250


def test_ratios_that_stop_the_slides_code_are_split_too():
    refused = [0.01, 0.29, 0.01]  # as float32, divided by their sum, they add up to above one
    with pytest.raises(ValueError, match="Sum of input lengths"):
        slide_splitter(300, refused)
    assert [len(subset) for subset in index_splitter(300, refused)] == [10, 281, 9]


def test_training_labels_are_those_on_the_slide():
    _, labels = generate_dataset(5, 300, seed=13)
    train, val = train_val_split(labels, (80, 20), 13)
    assert labels[train].tolist() == [int(label) for label in SLIDE_LABELS.split(",")]
    assert len(val) == 60


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
