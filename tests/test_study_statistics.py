"""Estimates, intervals, paired differences and shares of variance are what statistics says."""

from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from diagonal.pipeline.models import MODELS
from study import coverage
from study.trainings.statistics import (
    components,
    distribution,
    higher,
    lower,
    mean,
    median,
    proportion,
    statement,
)

ROOT = Path(__file__).parents[1]


def at_most(k, n, p):
    """Add up the probabilities that k or fewer of n hold."""
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def test_a_means_interval_is_what_students_test_does_not_reject():
    values = np.random.default_rng(1).exponential(size=40)
    estimate = mean(values, 0.95)
    assert estimate["mean"] == pytest.approx(values.mean())
    for end in ("low", "high"):
        assert stats.ttest_1samp(values, estimate[end]).pvalue == pytest.approx(0.05)


def test_students_interval_covers_a_normal_mean_as_often_as_it_says():
    stream = np.random.default_rng(0)
    values = stream.normal(5, 1, size=60)
    assert coverage.covered(values, np.mean, mean, stream) == pytest.approx(0.95, abs=0.015)
    assert coverage.covered(values, np.mean, lambda _: {"low": 4, "high": 6}, stream) == 1


def test_coverage_is_told_of_each_activations_and_each_models_losses(monkeypatch, capsys):
    monkeypatch.setattr(coverage, "SAMPLES", 20)
    monkeypatch.chdir(ROOT)
    coverage.main()
    lines = capsys.readouterr().out.splitlines()
    names = [line[:40].strip() for line in lines[1:]]
    assert names[-3:] == [f"{name} population_loss" for name in sorted(MODELS)]
    assert {f"best_{name}" for name in ("none", "tanh", "relu")} < {*names[:-3]}
    assert all(0.5 < float(share.rstrip("%")) / 100 <= 1 for share in lines[2].split()[1:])


@pytest.mark.parametrize("n", [6, 25])
def test_a_medians_interval_are_the_order_statistics_that_hold_it_in_95_of_100_studies(n):
    """The median lies between the places low and high unless too few values lie below it."""
    estimate = median(np.arange(n), confidence=0.95)
    low, high = int(estimate["low"]), int(estimate["high"])

    def held(low, high):
        return at_most(high, n, 0.5) - at_most(low, n, 0.5)

    assert held(low, high) >= 0.95 > held(low + 1, high - 1)
    assert low == n - 1 - high


def test_a_median_that_was_not_reached_or_has_too_few_values_is_none():
    assert median(np.arange(5)) == {"median": 2, "low": None, "high": None}
    estimate = median(np.append(np.arange(1, 61), [np.inf] * 39))
    assert (estimate["median"], estimate["high"]) == (50, 60)
    assert median([1.0, np.inf, np.inf])["median"] is None
    assert median([]) == {"median": None, "low": None, "high": None}


@pytest.mark.parametrize(("k", "n"), [(1, 10), (147, 256)])
def test_at_the_ends_of_a_proportions_interval_the_outcome_is_just_about_too_unlikely(k, n):
    """Clopper and Pearson's definition: a tail of 2.5 % on each side."""
    estimate = proportion(np.arange(n) < k, 0.95)
    assert estimate["proportion"] == k / n
    assert at_most(k, n, estimate["high"]) == pytest.approx(0.025)
    assert 1 - at_most(k - 1, n, estimate["low"]) == pytest.approx(0.025)


def test_what_never_or_always_holds_has_the_intervals_of_the_closed_form():
    reach = 1 - 0.025 ** (1 / 10)
    never, always = (proportion(np.full(10, holds), 0.95) for holds in (False, True))
    assert never == pytest.approx({"proportion": 0, "low": 0, "high": reach})
    assert always == pytest.approx({"proportion": 1, "low": 1 - reach, "high": 1})


def test_a_distribution_has_the_range_of_the_middle_nine_tenths():
    values = np.random.default_rng(0).permutation(101)
    expected = {"mean": mean(values), "median": median(values)}
    assert distribution(values) == {**expected, "p5": 5, "p95": 95}


def test_numbers_that_are_all_equal_have_an_interval_of_no_width():
    assert mean([2, 2, 2]) == {"mean": 2, "low": 2, "high": 2}


def test_a_statement_is_tested_by_the_binomial_test_and_of_nobody_nothing_is_known():
    found = statement(np.arange(40) < 30)
    assert found["p"] == pytest.approx(stats.binomtest(30, 40).pvalue)
    assert found | proportion(np.arange(40) < 30) == found
    assert statement(np.ones(3, bool), np.zeros(3, bool)) == {
        "n": 0, "proportion": 0.5, "low": 0.0, "high": 1.0, "p": 1.0,
    }  # fmt: skip


def test_comparisons_are_paired_and_equal_numbers_are_neither_lower_nor_higher():
    random = np.random.default_rng(0)
    luck = random.normal(0, 100, 50)
    ours = luck + random.normal(1, 0.1, 50)
    ours[:10] = luck[:10]
    found = higher(ours, luck)
    assert (found["n"], found["proportion"], found["opposite"]) == (50, 0.8, 0)
    assert 0.9 < found["difference"]["median"] < 1.1
    opposite = lower(ours, luck)
    assert (opposite["n"], opposite["proportion"], opposite["opposite"]) == (50, 0, 0.8)
    assert opposite["difference"] == found["difference"]
    assert lower([1.0], [1.0 + 1e-7])["proportion"] == 0  # rounded to 6 decimals, as outcomes are
    found = lower([1.0, 1.0, 1.02], [1.01, 1.011, 1.0], margin=0.01)
    assert (found["proportion"], found["opposite"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


SHROUT_AND_FLEISS = np.array(  # 1979, Intraclass correlations, table 2: six targets, four judges
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_shares_of_variance_are_those_of_a_published_example():
    found = components(SHROUT_AND_FLEISS, "target", "judge", confidence=0.95)
    target = found["target"]
    # ICC(2,1) and its interval as R's psych package gives them for the same table
    assert target["share"] == pytest.approx(0.29, abs=0.005)
    assert target["low"] == pytest.approx(0.019, abs=0.0005)
    assert target["high"] == pytest.approx(0.76, abs=0.005)
    turned = components(SHROUT_AND_FLEISS.T, "judge", "target", confidence=0.95)
    assert turned["target"] == pytest.approx(target)
    assert sum(part["share"] for part in found.values()) == pytest.approx(1)


def test_mean_squares_are_scipys_and_equal_numbers_have_no_variance():
    values = np.random.default_rng(0).normal(size=(7, 5)) + np.arange(7)[:, None]
    squares = []  # of rows and of columns: SciPy's F is their mean square over the one within
    for table in (values, values.T):
        f, within = stats.f_oneway(*table).statistic, table.var(axis=1, ddof=1).mean()
        squares.append(f * within)
    rest = (values.var() * values.size - 6 * squares[0] - 4 * squares[1]) / 24
    found = components(values, "row", "column")
    assert found["rest"]["variance"] == pytest.approx(rest)
    assert found["row"]["variance"] == pytest.approx((squares[0] - rest) / 5)
    same = components(np.full((16, 16), 0.666667), "row", "column")
    assert {part["share"] for part in same.values()} == {0}
    for name in ("row", "column"):  # of which nothing is known
        assert (same[name]["low"], same[name]["high"]) == (0, 1)
