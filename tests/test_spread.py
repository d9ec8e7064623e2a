"""What is said about many runs is what statistics says about them."""

import numpy as np
import pytest
from scipy.stats import binom

from diagonal.spread import beats, share, spread


def test_the_range_holds_the_middle_nine_tenths():
    assert spread(np.arange(101.0)) == {"p5": 5, "median": 50, "p95": 95}


@pytest.mark.parametrize(("wins", "runs"), [(0, 10), (3, 10), (147, 256), (256, 256)])
def test_at_the_intervals_ends_the_outcome_is_just_about_too_unlikely(wins, runs):
    """Clopper and Pearson's definition: a tail of 2.5 % on each side."""
    result = share(np.arange(runs) < wins)
    assert result["share"] == wins / runs
    if wins:
        assert binom.sf(wins - 1, runs, result["low"]) == pytest.approx(0.025)
    else:
        assert result["low"] == 0
    if wins < runs:
        assert binom.cdf(wins, runs, result["high"]) == pytest.approx(0.025)
    else:
        assert result["high"] == 1


def test_a_tie_is_no_win_for_either():
    ours, theirs = np.array([1.0, 2.0, 3.0, 3.0]), np.array([2.0, 2.0, 3.0, 1.0])
    assert beats(ours, theirs)["share"] == beats(theirs, ours)["share"] == 0.25
    assert beats(ours, theirs)["ties"] == 0.5
