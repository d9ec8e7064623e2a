"""What is said about many runs is what statistics says about them."""

from math import comb

import numpy as np
import pytest
from scipy.stats import bootstrap, norm, trim_mean, ttest_1samp

from diagonal.training.intervals import comparison, proportion, spread


def at_most(k, n, p):
    """Add up the probabilities that k or fewer of n hold."""
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


ESTIMATES = ("mean", "interquartile_mean", "median")


def test_the_range_holds_the_middle_nine_tenths():
    result = spread(np.random.default_rng(0).permutation(101))
    assert (result["p5"], result["p95"]) == (5, 95)
    assert [result[key]["value"] for key in ESTIMATES] == [50, 50, 50]


def test_a_means_interval_is_what_students_test_does_not_reject():
    values = np.random.default_rng(1).exponential(size=40)
    mean = spread(values)["mean"]
    assert mean["value"] == pytest.approx(values.mean())
    for end in (mean["low"], mean["high"]):
        assert ttest_1samp(values, end).pvalue == pytest.approx(0.05)


def test_the_middle_half_does_not_see_what_lies_outside():
    values = np.random.default_rng(2).normal(size=400)
    before, values[values.argmax()] = spread(values), 1e9
    after = spread(values)
    assert after["interquartile_mean"] == before["interquartile_mean"]
    assert after["mean"] != before["mean"]


@pytest.mark.parametrize("n", [40, 256])
def test_the_interquartile_means_interval_is_about_the_bootstraps(n):
    values = np.random.default_rng(n).gamma(2, size=n)
    ours = spread(values)["interquartile_mean"]
    assert ours["value"] == trim_mean(values, 0.25)
    theirs = bootstrap((values,), lambda x, axis: trim_mean(x, 0.25, axis=axis), rng=0)
    low, high = theirs.confidence_interval
    assert ours["high"] - ours["low"] == pytest.approx(high - low, rel=0.12)
    assert ours["low"] == pytest.approx(low, abs=0.1 * (high - low))


@pytest.mark.parametrize("n", [6, 25, 256])
def test_a_medians_interval_are_the_order_statistics_that_hold_it_in_95_of_100_studies(n):
    """The median lies between the places low and high unless too few values lie below it."""
    places = spread(np.arange(n))["median"]
    low, high = int(places["low"]), int(places["high"])

    def held(low, high):
        return at_most(high, n, 0.5) - at_most(low, n, 0.5)

    assert held(low, high) >= 0.95 > held(low + 1, high - 1)
    assert low == n - 1 - high


def test_five_runs_are_too_few_for_the_medians_interval():
    median = spread(np.arange(5))["median"]
    assert median == {"value": 2, "low": None, "high": None}


def test_runs_that_agree_have_an_interval_of_no_length():
    result = spread(np.full(256, 0.25))
    for key in ESTIMATES:
        assert result[key] == {"value": 0.25, "low": 0.25, "high": 0.25}


@pytest.mark.parametrize("key", ESTIMATES)
def test_intervals_hold_the_truth_in_about_95_of_100_studies(key):
    studies = norm.rvs(size=(1000, 256), random_state=3)
    held = [each["low"] <= 0 <= each["high"] for each in (spread(row)[key] for row in studies)]
    assert 0.93 < np.mean(held) < 0.975


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


def test_a_tie_is_no_win_and_no_loss():
    ours, theirs = np.array([1.0, 2.0, 3.0, 3.0, 0.0]), np.array([2.0, 2.0, 3.0, 1.0, 9.0])
    result = comparison(ours, theirs)
    shares = {key: each["proportion"] for key, each in result.items()}
    assert shares == {"wins": 0.4, "ties": 0.4, "losses": 0.2}
    assert result["wins"] == proportion(np.arange(5) < 2)
    back = comparison(theirs, ours)
    assert (back["wins"], back["losses"]) == (result["losses"], result["wins"])
