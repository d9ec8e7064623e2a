"""What is said about many runs is what statistics says about them."""

from math import comb

import numpy as np
import pytest

from diagonal.evaluation.intervals import percentiles, proportion, win_rate


def at_most(k, n, p):
    """Add up the probabilities that k or fewer of n hold."""
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def test_the_range_holds_the_middle_nine_tenths():
    values = np.random.default_rng(0).permutation(101)
    assert percentiles(values) == {"p5": 5, "median": 50, "p95": 95}


@pytest.mark.parametrize(("k", "n"), [(1, 10), (3, 10), (9, 10), (147, 256), (255, 256)])
def test_at_the_intervals_ends_the_outcome_is_just_about_too_unlikely(k, n):
    """Clopper and Pearson's definition: a tail of 2.5 % on each side."""
    result = proportion(np.arange(n) < k)
    assert result["proportion"] == k / n
    assert at_most(k, n, result["high"]) == pytest.approx(0.025)
    assert 1 - at_most(k - 1, n, result["low"]) == pytest.approx(0.025)


@pytest.mark.parametrize("n", [1, 10, 256])
def test_what_never_or_always_holds_has_the_intervals_of_the_closed_form(n):
    never, always = proportion(np.zeros(n, bool)), proportion(np.ones(n, bool))
    reach = 1 - 0.025 ** (1 / n)
    assert never == pytest.approx({"proportion": 0, "low": 0, "high": reach})
    assert always == pytest.approx({"proportion": 1, "low": 1 - reach, "high": 1})


@pytest.mark.parametrize("p", [0.003, 0.1, 0.5, 0.77, 0.99])
def test_the_interval_holds_the_truth_in_at_least_95_of_100_studies(p):
    n = 60
    missed = 0.0
    for k in range(n + 1):
        interval = proportion(np.arange(n) < k)
        if not interval["low"] <= p <= interval["high"]:
            missed += comb(n, k) * p**k * (1 - p) ** (n - k)
    assert missed <= 0.05


def test_a_tie_is_no_win_for_either():
    ours, theirs = np.array([1.0, 2.0, 3.0, 3.0, 0.0]), np.array([2.0, 2.0, 3.0, 1.0, 9.0])
    wins, losses = win_rate(ours, theirs), win_rate(theirs, ours)
    assert (wins["proportion"], losses["proportion"]) == (0.4, 0.2)
    assert wins["ties"] == losses["ties"] == 0.4
    assert wins["low"] < 0.4 < wins["high"]
