import numpy as np
import pytest
import torch
from torch.utils.data import random_split

from diagonal.images import generate_dataset
from diagonal.lecture import index_splitter
from diagonal.shell.errors import InputError
from diagonal.splitting import train_val_split

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
@pytest.mark.parametrize("splits", [[80, 20], [0.8, 0.2], [70, 20, 10], [1, 1], [0.75, 0.25]])
@pytest.mark.parametrize("n", [7, 300, 1001])
def test_indices_are_split_as_on_the_slide(n, splits):
    ours = [subset.indices for subset in index_splitter(n, splits)]
    assert ours == [subset.indices for subset in slide_splitter(n, splits)]


def test_ratios_that_stop_the_slides_code_are_split_too():
    refused = [0.01, 0.29, 0.01]  # as float32, divided by their sum, they add up to above one
    with pytest.raises(ValueError, match="Sum of input lengths"):
        slide_splitter(300, refused)
    assert [len(subset) for subset in index_splitter(300, refused)] == [10, 281, 9]


@pytest.mark.parametrize("seed", range(20))
def test_a_split_partitions_the_indices(seed):
    labels = np.random.default_rng(seed).integers(0, 2, 50 + 13 * seed)
    train, val = train_val_split(labels, (60 + seed, 20), seed)
    assert sorted([*train, *val]) == list(range(len(labels)))


def test_training_labels_are_those_on_the_slide():
    _, labels = generate_dataset(5, 300, seed=13)
    train, val = train_val_split(labels, (80, 20), 13)
    assert labels[train].tolist() == [int(label) for label in SLIDE_LABELS.split(",")]
    assert len(val) == 60


@pytest.mark.parametrize(
    ("n", "ratios", "message"),
    [
        (300, (1, 1000), "both classes in training, found 0 straight lines and 1 diagonals"),
        (300, (1000, 0.001), "both classes in training|both classes in validation"),
        (2, (1, 1), "both classes in training"),
    ],
)
def test_a_split_that_lacks_a_class_is_refused(n, ratios, message):
    labels = np.arange(n) % 3 > 0
    with pytest.raises(InputError, match=message):
        train_val_split(labels.astype(np.int64), ratios, seed=1)
