"""The study's committed numbers are what its code makes of its committed trainings."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from study_oracle import INPUTS, InTurn

from checks.difference import flat
from study.experiments import (
    activations,
    augmentation,
    balancing,
    bias,
    centring,
    one_matrix,
    parabolas,
    results,
    three_classes,
    variation,
)
from study.params import load_study_params
from study.trainings import parallel

ROOT = Path(__file__).parents[1]
PARAMS = load_study_params()


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.setattr(parallel, "get_reusable_executor", InTurn)


def metrics(name):
    return json.loads((ROOT / f"study/metrics/claims/{name}.json").read_text())


def rows(name):
    table = pd.read_csv(ROOT / f"study/plots/claims/{name}.csv")
    numbers = [each for each in ("loss", "accuracy") if each in table]
    return table.astype(dict.fromkeys(numbers, float))


def by_key(name, *keys):
    """Read the trainings of an experiment: key -> a table of members."""
    table = rows(name).set_index([*keys])
    table = table.drop(columns="member", errors="ignore")
    return {key: table.loc[key].reset_index(drop=True) for key in dict.fromkeys(table.index)}


def agree(found, committed):
    """Compare numbers with those that files have, in which there are 6 digits."""
    found, committed = flat(found), flat(committed)
    assert found.keys() == committed.keys()
    for key, value in found.items():
        near = None if value is None else pytest.approx(value, rel=1e-4, abs=2e-6)
        assert committed[key] == near, key


def test_metrics_on_data_are_those_of_the_committed_trainings(monkeypatch):
    base, cohort = PARAMS.claims.baseline, results.cohort(PARAMS.claims.n, PARAMS.claims.first)

    def without(key, found):
        return {name: value for name, value in found.items() if name != key}

    def trained(module, found):
        monkeypatch.setattr(module, "in_parallel", lambda *_: found)

    shares = {"balanced": 0.45, "equal": 0.56, "shuffled": 0.44}
    shares = {name: np.full(len(cohort), share) for name, share in shares.items()}
    trainings = [by_key("data/balancing", "model", "sampler"), shares]
    monkeypatch.setattr(balancing, "in_parallel", lambda *_: trainings.pop(0))
    found, _ = balancing.balancing(base, cohort)
    roughly = [batches["roughly_half"]["proportion"] for batches in found["batches"].values()]
    assert roughly == [1, 0, 0]
    agree(without("batches", found), without("batches", metrics("data/balancing")))
    trained(augmentation, by_key("data/augmentation", "group_by", "model", "flips"))
    found, _ = augmentation.augmentation(base, cohort)
    agree(found, metrics("data/augmentation"))
    chosen = metrics("data/centring")["rates"]
    monkeypatch.setattr(centring, "best_rates", lambda *_: chosen)
    trained(centring, by_key("data/centring", "rate", "training"))
    found, _ = centring.centring(base, PARAMS.claims.lrs, cohort)
    agree(found, metrics("data/centring"))
    confusion = np.random.default_rng(0).random((len(cohort), 3, 3))
    tables = by_key("data/three_classes", "flips").items()
    trained(three_classes, {key: (table[["loss", "accuracy"]], confusion) for key, table in tables})
    found, _ = three_classes.three_classes(base, cohort)
    agree(without("confusion", found), without("confusion", metrics("data/three_classes")))
    shown = found["confusion"]["swapped"]["up"]["down"]
    assert shown == pytest.approx(confusion[:-1, 1, 2].mean(), abs=1e-9)
    trained(variation, by_key("data/variation", "design", "model"))
    found, _ = variation.variation(base, PARAMS.claims.variation)
    agree(found, metrics("data/variation"))


def test_metrics_on_boundaries_and_training_are_those_of_the_committed_tables():
    agree(one_matrix.summary(rows("boundaries/one_matrix")), metrics("boundaries/one_matrix"))
    committed, claims = metrics("boundaries/bias"), PARAMS.claims
    agree(bias.compare(rows("boundaries/bias")), committed["networks"])
    agree(bias.planes(INPUTS), committed["planes"])
    found = parabolas.summary(rows("boundaries/parabolas"), claims.parabolas)
    agree(found, metrics("boundaries/parabolas"))
    slopes = rows("training/prelu").drop(columns="member").to_numpy()
    found = activations.learned_slopes(activations.Result(None, None, slopes))
    agree(found, metrics("training/prelu"))
    losses, committed = rows("training/activation"), metrics("training/activation")
    for which in ("lecture", "best"):
        tables = {name: losses[f"{which}_{name}"].to_frame("loss") for name in activations.TRAINED}
        ends = {name: activations.Result(None, table, None) for name, table in tables.items()}
        found, expected = activations.compare(ends), committed[which]
        agree(found["lower_loss"], expected["lower_loss"])
        for name, summary in found["activations"].items():
            agree(summary["loss"], expected["activations"][name]["loss"])


CLAIMS = PARAMS.claims
EXPERIMENTS = {  # of the baseline and of some members
    "data/augmentation": augmentation.augmentation,
    "data/test_time_augmentation": augmentation.test_time_augmentation,
    "data/balancing": balancing.balancing,
    "data/centring": lambda base, some: centring.centring(base, CLAIMS.lrs, some),
    "data/three_classes": three_classes.three_classes,
    "data/variation": lambda base, _: variation.variation(base, SimpleNamespace(levels=2)),
    "boundaries/bias": lambda base, some: bias.trainings(base, some[:-1], CLAIMS.bias.n_epochs[:1]),
    "boundaries/one_matrix": lambda base, some: one_matrix.gaps(base, CLAIMS.one_matrix, some),
    "boundaries/parabolas": lambda _, some: parabolas.shares(
        CLAIMS.parabolas, PARAMS.parabolas, [member.weights for member in some[:-1]]
    ),
}
SLOW = (
    "data/centring", "data/test_time_augmentation", "data/three_classes", "boundaries/bias",
    "boundaries/parabolas",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in EXPERIMENTS],
)
def test_the_first_members_and_the_lectures_own_are_trained_to_the_committed_rows(
    name, monkeypatch
):
    for module in (augmentation, balancing, centring):
        monkeypatch.setattr(module, "TRAINED", ("relu",))
    chosen = metrics("data/centring")["rates"]
    monkeypatch.setattr(centring, "best_rates", lambda *_: chosen)
    found = EXPERIMENTS[name](CLAIMS.baseline, results.cohort(2, CLAIMS.first))
    table = found[1] if isinstance(found, tuple) else found
    table = table.replace({"member": {2: CLAIMS.n}})
    keys = [key for key in table if table[key].dtype.kind != "f"]
    both = table.merge(rows(name), on=keys, suffixes=("", "_then"))
    assert len(both) == len(table) > 3
    assert [*table] == [*rows(name)]
    for column in table.columns.difference(keys):
        np.testing.assert_allclose(both[column], both[f"{column}_then"], rtol=1e-5, atol=2e-6)
