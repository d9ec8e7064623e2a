"""Random streams without torch, held against torch's and NumPy's own."""

import numpy as np
import pytest
import torch

from diagonal import streams


@pytest.mark.parametrize("words", [5, 64, 2**16])
@pytest.mark.parametrize("seed", [0, 13, 2**32 - 1])
def test_integers_are_numpys_call_by_call(seed, words, monkeypatch):
    monkeypatch.setattr(streams, "WORDS", words)
    ours, theirs = streams.LegacyIntegers(seed), np.random.RandomState(seed)
    for highest, n in ((8, 1000), (2, 1), (1, 77), (3, 64), (510, 999), (65_535, 5), (8, 3000)):
        expected = theirs.randint(0, highest + 1, size=n, dtype=np.int64)
        np.testing.assert_array_equal(ours.draw(highest, n), expected)


@pytest.mark.parametrize("shuffled", [0, 2**16])  # through torch itself, and without it
@pytest.mark.parametrize("seed", [0, 13, 2**32 - 1])
def test_permutations_are_torchs_one_after_the_other(seed, shuffled, monkeypatch):
    monkeypatch.setattr(streams, "SHUFFLED", shuffled)
    sizes = [1, 2, 300, 7, 5000]
    generator = torch.Generator().manual_seed(seed)
    for ours, n in zip(streams.permutations(sizes, seed), sizes, strict=True):
        np.testing.assert_array_equal(ours, torch.randperm(n, generator=generator).numpy())


def test_indices_without_weight_are_never_drawn():
    weights = np.array([0.0, 1, 0, 2, 0])
    generator = torch.Generator().manual_seed(1)
    expected = torch.multinomial(torch.from_numpy(weights), 1000, True, generator=generator)
    drawn = np.concatenate(list(streams.multinomial(weights, 1000, 1, at_once=64)))
    np.testing.assert_array_equal(drawn, expected.numpy())
    assert set(drawn) == {1, 3}
