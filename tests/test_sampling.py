"""Weights and draws, held against the slides' code and against torch's own sampler and loader."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from diagonal.training import sampling
from diagonal.training.sampling import class_weights, classes_per_batch, draw, weighted_sampler


def repeated(*counts):
    """Make labels: so many straight lines, so many diagonals."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


def test_weights_are_the_lectures_float32_and_sklearns_balanced_up_to_scale():
    counts = (3, 10**6)
    labels = repeated(*counts)
    weights = class_weights(labels)
    assert torch.equal(weights, 1.0 / torch.tensor(counts).float())
    balanced = compute_class_weight("balanced", classes=np.arange(2), y=labels.numpy())
    assert (weights * sum(counts) / 2).tolist() == pytest.approx(balanced.tolist(), rel=1e-6)


WEIGHTS = {
    "one": lambda stream: torch.ones(1),
    "zeros at the end": lambda stream: (torch.arange(4097) <= 2048).double(),
    "of many magnitudes": lambda stream: torch.rand(300_000, generator=stream) ** 20 + 1e-30,
}


@pytest.mark.parametrize("categories", [2**24, 0])  # by torch.multinomial, and without it
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_a_draw_is_torchs_samplers_and_leaves_its_stream_there(monkeypatch, weights, categories):
    monkeypatch.setattr(sampling, "CATEGORIES", categories)
    monkeypatch.setattr(sampling, "AT_ONCE", 100_000)
    weights = weights(torch.Generator().manual_seed(0))
    ours, theirs = (
        WeightedRandomSampler(weights, 2 * len(weights), True, torch.Generator().manual_seed(7))
        for _ in range(2)
    )
    assert draw(ours).tolist() == list(theirs)
    assert torch.equal(ours.generator.get_state(), theirs.generator.get_state())
    assert torch.equal(ours.weights, theirs.weights)


@pytest.mark.parametrize(("n", "batch_size"), [(7, 3), (50, 64)])
def test_classes_are_counted_in_the_batches_that_a_dataloader_yields(n, batch_size):
    labels = (torch.arange(n) % 3 > 0).long()
    weights = torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    before = torch.get_rng_state()
    counts = classes_per_batch(labels, weights, seed=42, batch_size=batch_size)
    assert torch.equal(torch.get_rng_state(), before), "training draws from the global stream"
    sampler = weighted_sampler(weights)
    sampler.generator.manual_seed(42)
    loader = DataLoader(TensorDataset(labels), batch_size, sampler=sampler)
    assert counts.tolist() == [[(y == 0).sum(), (y == 1).sum()] for (y,) in loader]
