"""PyTorch's and NumPy's random streams, asked for many numbers at once and without loading torch.

Both draw from the same generator, the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998),
started by the same routine from the same seed. They differ in what they make of its 32-bit words.
NumPy hands out the words themselves several times faster than the numbers that it makes of them.
"""

from collections.abc import Iterator, Sequence

import numpy as np

WORDS = 2**16  # that are drawn at once
AT_ONCE = 2**20  # numbers that are looked up
SHUFFLED = 2**16  # numbers: to shuffle more, importing torch takes less time than a loop here


class LegacyIntegers:
    """What `np.random.RandomState(seed).randint` returns for int64, call by call.

    NumPy cuts each word down to the bits of the largest number and refuses what still exceeds
    it. Here that happens to many words together; words that are left over wait for the next call.
    """

    def __init__(self, seed: int):
        self.stream = np.random.RandomState(seed)
        self.words = np.empty(0, np.uint32)

    def draw(self, highest: int, n: int) -> np.ndarray:
        """Draw n numbers, uniform in [0, highest], highest from 1 to 65,535: uint16 (n,)."""
        mask, result, found = (1 << highest.bit_length()) - 1, np.empty(n, np.uint16), 0
        while found < n:
            if not len(self.words):
                self.words = _words(self.stream, WORDS)
            numbers = self.words.astype(np.uint16) & np.uint16(mask)
            accepted = np.flatnonzero(numbers <= highest)[: n - found]
            result[found : found + len(accepted)] = numbers.take(accepted)
            found += len(accepted)
            used = accepted[-1] + 1 if found == n else len(self.words)
            self.words = self.words[used:]
        return result


def permutations(sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Shuffle the numbers 0 to n-1 for each size n, as one `torch.randperm` after the other.

    That is Fisher and Yates' shuffle: each place is swapped with one of those from it on, chosen
    by the remainder of a word.

    Args:
        sizes: how many numbers, each below 2**32 / 20, above which torch draws otherwise.
        seed: of torch's generator, in [0, 2**32).

    Returns:
        int64 (n,) for each size.
    """
    if max(sizes) > SHUFFLED:
        import torch

        generator = torch.Generator().manual_seed(seed)
        return [torch.randperm(n, generator=generator).numpy() for n in sizes]
    stream = np.random.RandomState(seed)
    return [_shuffled(stream, n) for n in sizes]


def _shuffled(stream: np.random.RandomState, n: int) -> np.ndarray:
    places = np.arange(n - 1)
    others = places + _words(stream, n - 1) % (n - places)
    numbers = list(range(n))
    for place, other in enumerate(others.tolist()):
        numbers[place], numbers[other] = numbers[other], numbers[place]
    return np.array(numbers, np.int64)


class WeightedLookup:
    """Turn uniform numbers into indices that are as frequent as their weights.

    That is the first index whose cumulative weight, as a share of all, is not below the number.
    Bisection would find it, but among millions of weights each step waits for memory. So a guide
    says where to begin for each of as many equal intervals as there are indices, and what is left
    are a step or two (Chen and Asau, 1974, On generating random variates from an empirical
    distribution).

    Args:
        weights: of each index, float64 (n,), not negative.
    """

    def __init__(self, weights: np.ndarray):
        self.cumulative = np.cumsum(weights)
        self.cumulative /= self.cumulative[-1]
        self.guide = np.empty(len(weights), np.int64)
        for start in range(0, len(weights), AT_ONCE):
            ends = np.arange(start, min(start + AT_ONCE, len(weights))) / len(weights)
            self.guide[start : start + AT_ONCE] = np.searchsorted(self.cumulative, ends)

    def find(self, uniform: np.ndarray) -> np.ndarray:
        """Find the indices, int64 (m,), of numbers in [0, 1), float64 (m,)."""
        interval = (uniform * len(self.guide)).astype(np.int64) - 1  # a product may be rounded up
        place = self.guide[np.maximum(interval, 0)]
        while (below := self.cumulative[place] < uniform).any():
            place += below
        return place


def multinomial(weights: np.ndarray, n: int, seed: int, at_once: int) -> Iterator[np.ndarray]:
    """Draw indices with replacement, as `torch.multinomial` does from float64 weights.

    It looks up uniform numbers of 53 bits, of two words each, among the cumulative weights.

    Args:
        weights: of each index, not negative, any number of them.
        n: how many to draw.
        seed: of torch's generator, in [0, 2**32).
        at_once: how many to draw at once.

    Yields:
        int64 (at_once,), at the end perhaps fewer.
    """
    stream, lookup = np.random.RandomState(seed), WeightedLookup(weights)
    for start in range(0, n, at_once):
        words = _words(stream, 2 * min(at_once, n - start)).astype(np.uint64)
        yield lookup.find((words[::2] << np.uint64(32) | words[1::2]) % np.uint64(2**53) / 2.0**53)


def _words(stream: np.random.RandomState, n: int) -> np.ndarray:
    """Take the generator's next n words: uint32 (n,)."""
    return stream.randint(0, 2**32, n, np.uint32)
