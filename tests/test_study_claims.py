"""Claims: the slides' words, verdicts on both sides of the line, and the page made from them."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from study import claims_boundaries, claims_data, claims_training, repeat, verdicts
from study.claims import CLAIMS
from study.experiments import results
from study.params import load_study_params
from study.trainings.lines import LECTURE
from study.trainings.statistics import BAND, adjusted, statement, verdict

ROOT = Path(__file__).parents[1]
QUOTED = (ROOT / "study/quotations.md").read_text("utf-8")


def plain(text):
    return " ".join(re.sub("[*“”]", "", text).split())


def test_a_claim_quotes_at_most_20_words_of_its_slide():
    for claim in CLAIMS:
        words, section = plain(claim.words), ""  # without words the question is ours
        if words:
            section = QUOTED.split(f"\n## {claim.slide}\n")[1].split("\n## ")[0]
        assert words in plain(section)
        assert len(words.split()) <= 20


def test_each_verdict_is_that_of_its_numbers():
    table = verdicts.table()
    for place, claim in enumerate(CLAIMS):
        found = verdicts.value(claim.file, claim.key)
        true = round(found["proportion"] * found["n"])
        interval = binomtest(true, found["n"]).proportion_ci(method="exact")
        assert (found["low"], found["high"]) == pytest.approx(tuple(interval), abs=1e-5)
        sure = table["adjusted_p"][place] < 0.05
        expected = "cannot be told"
        if sure and interval.low > 0.6:
            expected = "holds"
        if sure and interval.high < 0.4:
            expected = "does not hold"
        assert table["verdict"][place] == expected, claim


@pytest.mark.parametrize(
    ("true", "n", "expected"),
    [
        (170, 256, "holds"), (169, 256, "cannot be told"), (87, 256, "cannot be told"),
        (86, 256, "does not hold"), (5, 5, "cannot be told"), (9, 9, "holds"),
    ],
)  # fmt: skip
def test_a_verdict_changes_where_the_interval_crosses_the_band(true, n, expected):
    found = statement(np.arange(n) < true)
    assert verdict(found, found["p"]) == expected


def test_no_verdict_without_a_test_that_rejects_a_half():
    found = statement(np.ones(256, bool))
    assert verdict(found, 0.049) == "holds"
    assert verdict(found, 0.051) == "cannot be told"
    assert BAND == (0.4, 0.6)


def test_p_values_are_adjusted_by_holms_method():
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.5}  # 4, 2 -> 3, 3 and 1 times
    assert adjusted(p) == pytest.approx({"a": 0.04, "b": 0.09, "c": 0.09, "d": 0.5})
    assert list(adjusted(p)) == list(p)
    assert adjusted({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


def test_the_lectures_own_training_is_shown_and_not_counted():
    assert results.cohort(3, 10)[-1] == LECTURE
    assert [m.data for m in results.cohort(3, 10)[:-1]] == [10, 11, 12]
    assert results.number([1.0, 2.0, 3.0, 99.0]) | {"low": 0, "high": 0} == {
        "median": 2.0, "low": 0, "high": 0, "lecture": 99.0,
    }  # fmt: skip
    assert results.share([True, True, False, False])["proportion"] == pytest.approx(2 / 3)
    ours, theirs = np.array([1.0, 5.0, 2.0, 0.0]), np.array([2.0, 4.0, 2.005, 9.0])
    for compare, share in ((results.lower, 2 / 3), (results.lower_loss, 1 / 3)):
        found = compare(ours, theirs)  # without the lecture's; by more than 0.01 nats
        assert (found["n"], found["proportion"]) == (3, pytest.approx(share))


def test_the_page_and_the_table_are_those_of_the_metrics():
    table = verdicts.table()
    page = (ROOT / "study/page.md").read_text("utf-8")
    assert verdicts.filled(page, table) == (ROOT / "study/README.md").read_text("utf-8")
    assert "{" not in (ROOT / "study/README.md").read_text("utf-8")
    assert {claim.number for claim in CLAIMS} == set(range(1, 16))
    assert sorted(map(int, re.findall(r"(?m)^### (\d+)\. ", page))) == list(range(1, 16))
    for picture in re.findall(r"\]\((plots/\S+)\)", page):
        assert (ROOT / "study" / picture).exists()


@pytest.mark.parametrize(("later", "status"), [("cannot be told", 0), ("does not hold", 1)])
def test_a_repeat_has_other_members_and_fails_if_a_verdict_turned(
    monkeypatch, capsys, later, status
):
    firsts, rows = [], {"experiment": [3, 14], "statement": ["A", "B"], "proportion": [0.9, 0.8]}
    tables = [{**rows, "verdict": ["holds", verdict]} for verdict in ("holds", later)]
    for stage in (claims_training, claims_data, claims_boundaries):
        monkeypatch.setattr(stage, "main", lambda: firsts.append(load_study_params().claims.first))
    monkeypatch.setattr(verdicts, "table", lambda: tables.pop(0))
    monkeypatch.setattr(sys, "argv", ["repeat", "--first", "7000"])
    assert repeat.main() == status
    assert firsts == [7000] * 3
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"14  holds \(0.80\) -> {later} \(0.80\) +B", lines[1])
    assert lines[2] == "1 of 2 verdicts are the same with members from seed 7000 on"
