"""Experiments: what they measure of trainings, and what their stages write."""

import os
from itertools import product
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch
from conftest import write_params
from scipy.optimize import linprog
from scipy.special import expit, logit
from study_oracle import BASE, INPUTS, InTurn, train_alone
from torch import nn

from diagonal.training.models import network
from study import claims_boundaries, claims_data, claims_training
from study.bonus import spaces as chapter
from study.bonus.points import generate_dataset as generate_points
from study.experiments import (
    activations,
    augmentation,
    bias,
    dead_units,
    gradients,
    normalization,
    parabolas,
    results,
)  # fmt: skip
from study.params import load_study_params
from study.trainings import lines, parallel, rates
from study.trainings.inputs import balanced_share
from study.trainings.lines import RELU, Settings, members
from study.trainings.outcomes import outcomes

ROOT = Path(__file__).parents[1]
PARAMS = load_study_params()
X = INPUTS.x().flatten(1)


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.setattr(parallel, "get_reusable_executor", InTurn)


# Learning rates


def test_the_best_rate_is_chosen_on_members_that_are_not_judged(monkeypatch):
    assert not set(rates.CHOOSING) & set(members(PARAMS.claims.n))
    monkeypatch.setattr(rates, "CHOOSING", members(6, first=100))
    found = rates.best_rates(BASE, {"relu": RELU, "tanh": Settings("tanh")}, (0.01, 0.1, 0.3))
    for name, settings in (("relu", RELU), ("tanh", Settings("tanh"))):
        by_rate = found[name]["by_rate"]
        losses = {}
        for lr in (0.01, 0.1, 0.3):
            how = Settings(settings.activation, lr=lr)
            losses[lr] = np.median(lines.final_outcomes(BASE, rates.CHOOSING, how)["loss"])
            assert by_rate[f"{lr:g}"] == round(losses[lr], 6)
        assert found[name]["best"] == min(losses, key=losses.get)
        assert found[name]["at_end"] == (found[name]["best"] in (0.01, 0.3))


# Training


@pytest.mark.parametrize("kind", gradients.WEIGHTS)
def test_the_first_gradient_is_autograds_with_torchs_own_initial_weights(kind):
    settings, three = Settings("tanh", (5, 4, 3)), members(3)
    found = gradients.first_gradients(BASE, three, settings)[kind]
    data = lines.data_sets(BASE, three)
    for place, model in enumerate(lines.networks(BASE, three, settings)):
        for layer in (each for each in model if isinstance(each, nn.Linear)):
            bound = {  # torch.nn.init draws the same uniform numbers between other bounds
                "pytorch": layer.in_features**-0.5,
                "glorot": nn.init.calculate_gain("linear")
                * (6 / (layer.in_features + layer.out_features)) ** 0.5,
                "he": nn.init.calculate_gain("relu") * (3 / layer.in_features) ** 0.5,
            }[kind]
            layer.weight.data *= bound * layer.in_features**0.5
        share = balanced_share(INPUTS, data[place], BASE.hflip)
        y = torch.from_numpy(INPUTS.labels).double()[:, None]
        nn.BCELoss(weight=share[:, None], reduction="sum")(model(INPUTS.x()), y).backward()
        expected = model.hidden0.weight.grad.norm().log10().item()
        assert found[place] == pytest.approx(expected, abs=1e-6)


def test_first_layers_dead_units_stay_dead_and_a_leak_acts_after_the_epoch_of_the_first_death():
    some = members(40)
    plain = dead_units.watch(BASE, some, 30)
    assert plain[0][-1].any()
    assert (plain[0][1:] | ~plain[0][:-1]).all()  # once dead, for ever
    never, late, soon = (dead_units.watch(BASE, some, 30, 0.3, np.full(40, e)) for e in (99, 10, 1))
    assert all(map(np.array_equal, plain, never))
    assert all(np.array_equal(a[:11], b[:11]) for a, b in zip(plain, late, strict=True))
    assert not all(np.array_equal(a[:12], b[:12]) for a, b in zip(plain, late, strict=True))
    assert all(np.array_equal(a[:2], b[:2]) for a, b in zip(plain, soon, strict=True))
    assert (late[0] & ~late[0][-1]).any()  # with a leak it may live again


def test_units_are_watched_as_the_lecture_trains_them():
    some = members(3, first=5)
    watched = dead_units.watch(BASE, some, BASE.n_epochs)
    for place, member in enumerate(some):
        model = train_alone(BASE, member, RELU)
        for layer, states in enumerate(watched):
            z = model[: 2 * layer + 2](INPUTS.x()).detach()
            assert np.array_equal(states[-1][place], (z <= 0).all(0).numpy())


def test_fewer_epochs_count_who_never_gets_there_as_last_and_first_of_both_leaves_them_out():
    reached = {"relu": [1, 3, 9, 2, 1], "tanh": [2, 3, 9, 9, 1], "sigmoid": [3, 9, 9, 1, 2]}
    trained = {
        name: activations.Result(np.where(np.arange(1, 5)[:, None] < epoch, 0.3, 0.2), None, None)
        for name, epoch in reached.items()
    }
    found = activations.convergence(trained, 0.3)
    fewer, first = found["fewer_epochs"], found["first_of_both"]
    tanh, sigmoid = fewer["relu_than_tanh"], fewer["relu_than_sigmoid"]
    assert (tanh["n"], tanh["proportion"], tanh["opposite"]) == (4, 0.5, 0)
    assert (sigmoid["proportion"], sigmoid["opposite"]) == (0.5, 0.25)
    assert sigmoid["difference"]["median"] == -1  # of -2, -2, 0, 1: who never does has 5
    assert (first["relu_than_sigmoid"]["n"], first["relu_than_sigmoid"]["proportion"]) == (2, 0.5)
    assert (first["relu_than_tanh"]["n"], first["relu_than_tanh"]["proportion"]) == (1, 1)
    relu = found["activations"]["relu"]
    assert (relu["reached"]["proportion"], relu["reached"]["lecture"]) == (0.75, 1)
    assert (relu["epochs"]["median"], relu["epochs"]["lecture"]) == (2.5, 1)
    by_epoch = activations.reached_by_epoch(trained, 0.3)
    assert by_epoch["epoch"].tolist() == [1, 2, 3, 4]
    assert by_epoch["relu"].tolist() == [0.25, 0.5, 0.75, 0.75]


def test_gradients_are_compared_between_the_first_depth_and_the_last():
    claims, some = PARAMS.claims.gradients.model_copy(update={"depths": 3}), results.cohort(5, 0)
    result, table = gradients.measure(BASE, claims, some)
    for kind in gradients.WEIGHTS:

        def at(name, depth, kind=kind):
            return gradients.first_gradients(BASE, some, Settings(name, (5,) * depth))[kind]

        change = at("sigmoid", 3) - at("sigmoid", 1)
        found = result[kind]
        assert found["change"]["sigmoid"]["lecture"] == pytest.approx(change[-1])
        assert found["change"]["sigmoid"]["median"] == pytest.approx(np.median(change[:-1]))
        assert found["falls_tenfold"]["sigmoid"]["proportion"] == (change[:-1] < -1).mean()
        more = change[:-1] < (at("none", 3) - at("none", 1))[:-1]
        assert found["falls_more_than_none"]["sigmoid"]["proportion"] == more.mean()
        larger = (at("relu", 3) > at("tanh", 3))[:-1].mean()
        assert found["relu_larger_than"]["tanh"]["proportion"] == larger
        chosen = table[(table["weights"] == kind) & (table["activation"] == "relu")]
        medians = [np.median(at("relu", depth)[:-1]) for depth in (1, 2, 3)]
        assert chosen["log10_gradient"].tolist() == medians


def test_layers_are_more_alike_where_the_largest_over_the_smallest_deviation_is_smaller():
    ends = {
        False: [[1.0, 0.1], [1.0, 0.01], [0.5, 5.0], [1.0, 1.0]],
        True: [[2.0, 1.0], [1.0, 1.0], [0.1, 10.0], [1.0, 0.5]],
    }
    losses = {False: [0.5, 0.4, 0.1, 0.2], True: [0.1, 0.2, 0.2, 0.1]}
    trained = {
        (2, norm): normalization.Result(
            np.array([[1.0] * 4, losses[norm]]),
            np.arange(16.0).reshape(2, 4, 2),
            np.array([np.ones((4, 2)), ends[norm]]),
        )
        for norm in (False, True)
    }
    rows = normalization.table(trained).set_index(["batch_norm", "epoch", "layer"])
    assert rows.loc[(0, 1, 1), "mean"] == np.mean([9, 11, 13])  # without the lecture's own
    assert rows.loc[(0, 1, 0), "deviation"] == pytest.approx(np.mean([1.0, 1.0, 0.5]))
    assert len(rows) == 8
    found = normalization.compare(trained, 0.3)["2_hidden_layers"]
    assert found["lower_loss"]["proportion"] == found["more_alike"]["proportion"]
    assert found["more_alike"]["proportion"] == pytest.approx(2 / 3)
    assert found["without"]["log10_ratio_of_deviations"]["median"] == pytest.approx(1)
    assert found["with"]["log10_ratio_of_deviations"]["lecture"] == pytest.approx(np.log10(2))
    assert found["without"]["last_layer_deviation"]["median"] == 0.1
    assert found["with"]["loss"]["median"] == 0.2
    assert (found["without"]["reached"]["proportion"], found["with"]["epochs"]["median"]) == (
        pytest.approx(1 / 3), 2,
    )  # fmt: skip


def test_dead_units_are_counted_from_what_was_watched(monkeypatch):
    """By loops, from states at random: of two layers, nine members and the lecture's."""
    base = BASE.model_copy(update={"n_epochs": 6})
    claims = PARAMS.claims.dead_units.model_copy(update={"n_epochs": 12, "patience": 3})

    def watch(base, members, n_epochs, leak=0.0, deaths=np.inf):
        stream = np.random.default_rng(int(leak * 100))
        shapes = [(n_epochs + 1, len(members), units) for units in (5, 3)]
        return [stream.random(shape) < 0.3 for shape in shapes]

    monkeypatch.setattr(dead_units, "watch", watch)
    found, by_epoch = dead_units.measure(base, claims, results.cohort(9, 0))
    plain, leaking = watch(base, range(10), 12), watch(base, range(10), 9, 0.1)
    died = [{}, {}]
    for layer, states in enumerate(plain):
        for member, unit in np.ndindex(10, states.shape[2]):
            at = [epoch for epoch in range(7) if states[epoch, member, unit]]
            if at and at[0] > 0:
                died[layer][member, unit] = at[0]
    for layer, states in enumerate(plain):
        mine, stuck, active = found[f"layer{layer}"], [], {0.0: [], 0.1: []}
        for member in range(9):
            ours = {unit: epoch for (who, unit), epoch in died[layer].items() if who == member}
            if ours:
                stuck.append(np.mean([states[12, member, unit] for unit in ours]) >= 0.5)
            first = min(e for each in died for (who, _), e in each.items() if who == member)
            units = [unit for unit, epoch in ours.items() if epoch == first]
            for leak, seen in ((0.0, states), (0.1, leaking[layer])):
                if units:
                    active[leak].append(np.mean([not seen[first + 3, member, u] for u in units]))
        counted = [key for key in died[layer] if key[0] < 9]
        assert (mine["stuck"]["n"], mine["stuck"]["proportion"]) == (len(stuck), np.mean(stuck))
        assert mine["dead_at_start"] == pytest.approx(states[0, :9].mean())
        assert mine["died_by_6"] == pytest.approx(len(counted) / states[0, :9].size)
        assert mine["of_those_dead_at_12"] == pytest.approx(
            np.mean([states[12, *key] for key in counted])
        )
        after = [
            states[epoch:, member, u] for (member, u), epoch in died[layer].items() if member < 9
        ]
        lengths = [len(each) if each.all() else each.argmin() for each in after]
        assert mine["epochs_of_a_first_death"] == pytest.approx(np.mean(lengths))
        again = mine["active_again"]
        assert again["no_leak"] == pytest.approx(np.mean(active[0.0]))
        assert again["leak_0.1"]["mean"] == pytest.approx(np.mean(active[0.1]))
        half, shares = again["leak_0.1"]["half_active"], np.array(active[0.1])
        assert (half["n"], half["proportion"]) == (len(shares), (shares >= 0.5).mean())
        np.testing.assert_allclose(by_epoch[f"layer{layer}"], states[:, :9].mean(axis=(1, 2)))


# Data


def test_a_mirrored_question_is_answered_by_the_mean_of_both_probabilities(monkeypatch):
    stream = np.random.default_rng(0)
    z = {key: stream.normal(size=(4, 27)) for key in product(augmentation.TRAINED, ("off", "on"))}
    monkeypatch.setattr(augmentation, "in_parallel", lambda *_: z)
    result, table = augmentation.test_time_augmentation(BASE, members(4))
    for (model, flips), alone in z.items():
        mean = (expit(alone) + expit(alone[:, INPUTS.mirror])) / 2
        mirrored, asked = (
            outcomes(each, INPUTS.labels, INPUTS.population) for each in (logit(mean), alone)
        )
        found = result[model][f"flips_{flips}"]
        assert found["mirrored"] == results.summary(mirrored[["loss", "accuracy"]])
        assert found["lower_loss"] == results.lower_loss(mirrored["loss"], asked["loss"])
        assert found["higher_accuracy"] == results.higher(mirrored["accuracy"], asked["accuracy"])
    assert len(table) == 6 * 2 * 4


# Boundaries


@pytest.mark.parametrize(
    ("hidden", "activation"), [((2,), "none"), ((2, 2), "tanh"), ((20,), "relu")]
)
def test_members_on_the_parabolas_are_what_the_bonus_chapter_trains(hidden, activation):
    settings = PARAMS.parabolas.model_copy(update={"n_epochs": 40})
    ensemble = parabolas.untrained(hidden, activation, (0, 7, 2**32 - 1))
    parabolas.train(ensemble, settings, 15)
    right = parabolas.all_right(ensemble, 300)
    options = {"lr": settings.lr, "momentum": settings.momentum, "n_epochs": 40}
    for place, seed in enumerate((0, 7, 2**32 - 1)):
        sizes = [2, *hidden, 1]
        model = network(sizes, activation, bias=True, seed=seed, dtype=torch.float64)
        state = chapter.train(model, *generate_points(15, seed=13), **options)[40]
        for name, weight in state.items():
            assert torch.equal(ensemble.stored()[name][place], weight)
        model.load_state_dict(state)
        accuracy, _ = chapter.accuracy_and_loss(model, *generate_points(300, seed=1))
        assert right[place] == (accuracy == 1)


def certified_inseparable(x, labels, intercept):
    """Find weights of points, not negative, by which both classes balance (Gordan's theorem)."""
    points = np.column_stack([x, np.ones(len(x))]) if intercept else x
    signed = np.where(labels == 1, 1, -1)[:, None] * points
    equal = np.vstack([signed.T, np.ones(len(x))])
    answer = linprog(np.zeros(len(x)), A_eq=equal, b_eq=[*np.zeros(signed.shape[1]), 1])
    return answer.status == 0


@pytest.mark.parametrize("img_size", [3, 6])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_plane_parts_the_lines_just_if_no_weights_balance_them(img_size, intercept):
    inputs = lines.every_input(img_size)
    x, labels = inputs.x().flatten(1).numpy(), inputs.labels
    score = bias.largest_score(x, labels, intercept)
    assert (score > 0) != certified_inseparable(x, labels, intercept)
    assert (bias.margin(x, labels, intercept) is None) == (score == 0)


def test_the_largest_score_of_two_points_on_a_line_is_the_one_found_by_hand():
    points, labels = np.array([[1.0], [2.0]]), np.array([0, 1])  # w = 2/3 and b = -1 are best
    assert bias.largest_score(points, labels, intercept=True) == 0.333333
    assert bias.largest_score(points, labels, intercept=False) == 0


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_the_margin_is_half_the_distance_of_the_nearest_points(shift):
    points, labels = np.array([[2.0, 0], [3, 4], [-2, 0], [-9, 1]]), np.array([1, 1, 0, 0])
    points[:, 0] += shift
    assert bias.margin(points, labels, intercept=True) == 2
    assert bias.margin(points, labels, intercept=False) == (None if shift else 2)


SMALLER = {
    "claims.n": 3, "claims.lrs": [0.1, 0.3], "claims.baseline.n_epochs": 2,
    "claims.gradients.depths": 2, "claims.dead_units.n_epochs": 4, "claims.dead_units.patience": 2,
    "claims.batch_norm.n_epochs": 2, "claims.variation.levels": 2, "claims.one_matrix.n_epochs": 4,
    "claims.bias.n": 2, "claims.bias.n_epochs": [2, 4], "parabolas.n_epochs": 3,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("stage", [claims_training, claims_data, claims_boundaries])
def test_a_small_stage_writes_what_the_committed_one_does(stage, tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    copyfile(ROOT / "study/params.yaml", tmp_path / "study/params.yaml")
    write_params(tmp_path / "study/params.yaml", SMALLER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rates, "CHOOSING", members(3, first=100))
    stage.main()
    for kind in ("metrics", "plots"):
        folder = f"study/{kind}/claims/{stage.__name__.removeprefix('study.claims_')}"
        names = [
            sorted(str(path.relative_to(root)) for path in (root / folder).rglob("*.*"))
            for root in (ROOT, tmp_path)
        ]
        assert names[0] == names[1]


@pytest.mark.slow
def test_functions_run_in_processes_of_their_own_that_end_with_the_block(monkeypatch):
    monkeypatch.undo()
    with parallel.processes():
        found = parallel.in_parallel({"a": os.getpid, "b": lambda: [BASE]}, "a test")
        assert found["a"] != os.getpid()
        assert found["b"] == [BASE]
        with pytest.raises(ZeroDivisionError):
            parallel.in_parallel({"c": lambda: 1 / 0}, "a test")
    with pytest.raises(ProcessLookupError):
        os.kill(found["a"], 0)
