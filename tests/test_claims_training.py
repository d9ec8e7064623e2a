"""What is measured of activations, gradients, dead units and normalisation."""

import claims
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import nn

from diagonal.claims import activations, arms, dead_units, gradients, normalization, statistics
from diagonal.claims.batches import every_input
from diagonal.claims.stacks import Stack
from diagonal.pipeline.params import load_params
from diagonal.training import ensembles

BASE = load_params("params.yaml").claims.baseline.model_copy(update={"n_epochs": 4})
INPUTS = every_input(BASE.img_size)
DATA = arms.data_set(INPUTS, BASE)
SEEDS = range(3)


def batches(n_epochs=4):
    return arms.batches(INPUTS, DATA, BASE, SEEDS, n_epochs=n_epochs)


@pytest.mark.parametrize("activation", activations.ACTIVATIONS)
def test_members_of_each_activation_are_what_they_would_be_alone(activation):
    start = Stack(arms.networks(BASE, SEEDS))
    stack = start.shaped(*arms.networks(BASE, [0], activation))
    for _ in stack.train(batches(), BASE.lr):
        pass
    for place, seed in enumerate(SEEDS):
        (network,) = arms.networks(BASE, [seed], activation)
        expected = claims.train_alone(network, INPUTS, DATA, BASE, seed, n_epochs=4)
        assert set(expected) == set(stack.weights)
        for name, each in expected.items():
            assert torch.equal(stack.stored()[name][place].float(), each), (name, seed)


@pytest.mark.parametrize("norm", [False, True])
def test_members_with_batch_normalisation_are_what_they_would_be_alone(norm):
    def networks():
        built = arms.networks(BASE, SEEDS, hidden=[5, 5])
        return [normalization.normalized(each) for each in built] if norm else built

    together = ensembles.Ensemble(networks(), lr=BASE.lr, n_epochs=4)
    found = normalization.trained(together, INPUTS, DATA, BASE, n_epochs=4)
    *_, last = found
    for place, (network, seed) in enumerate(zip(networks(), SEEDS, strict=True)):
        expected = claims.train_alone(network, INPUTS, DATA, BASE, seed, n_epochs=4)
        weights = together.quantized_weights()
        for name, each in weights.items():
            assert torch.equal(each[place], expected[name]), (name, seed)
    assert last == 4


def test_gradients_are_autograds():
    stack = Stack(arms.networks(BASE, SEEDS, "tanh", [5, 4, 3]))
    share = gradients.expected_share(INPUTS, DATA, BASE.hflip)
    found = gradients.log_ratio(stack, batches(), share)
    for place, network in enumerate(arms.networks(BASE, SEEDS, "tanh", [5, 4, 3])):
        network.load_state_dict({name: each[place] for name, each in stack.stored().items()})
        y = torch.from_numpy(INPUTS.labels).double()[:, None]
        nn.BCELoss(weight=share[:, None], reduction="sum")(network(INPUTS.x()), y).backward()
        ratio = network.hidden0.weight.grad.norm() / network.output.weight.grad.norm()
        assert found[place] == pytest.approx(ratio.log10().item(), abs=1e-6)


def test_the_expected_batch_is_what_batches_hold_on_average():
    drawn = arms.batches(INPUTS, DATA, BASE, range(20), n_epochs=50).counts.double()
    share = gradients.expected_share(INPUTS, DATA, BASE.hflip)
    assert share.sum().item() == pytest.approx(1)
    n = drawn.sum().item()
    standard_errors = (share * (1 - share) / n).sqrt()
    assert ((drawn.sum((0, 1, 2)) / n - share).abs() < 5 * standard_errors + 1e-12).all()
    assert (share > 0).sum() > 20


def test_a_ratio_of_nothing_is_no_number():
    stack = Stack(arms.networks(BASE, SEEDS))
    stack.weights["hidden1.weight"][1] = 0.0
    stack.weights["output.weight"][1] = 0.0
    found = gradients.log_ratio(stack, batches(), gradients.expected_share(INPUTS, DATA, 0.5))
    assert np.isnan(found).tolist() == [False, True, False]


# Dead units


def dying(n=40, n_epochs=30):
    stack = Stack(arms.networks(BASE, range(n)))
    drawn = arms.batches(INPUTS, DATA, BASE, range(n), n_epochs=n_epochs)
    return stack, drawn


def test_a_dead_unit_of_the_first_layer_has_no_gradient_and_stays_dead():
    stack, drawn = dying()
    first, _ = dead_units.watch(stack, drawn, BASE.lr)
    assert first[-1].any()
    assert (first[1:] | ~first[:-1]).all()  # once dead, for ever
    shares = torch.rand(40, len(INPUTS.images), dtype=torch.float64)
    change = stack.gradients(INPUTS.x(), drawn.y, shares)["hidden0.weight"]
    silent = (stack.values(INPUTS.x())["activation0"] == 0).all(2)
    assert silent.any()
    assert (change[silent] == 0).all()
    assert (change[~silent].abs().sum(1) > 0).any()


def test_with_a_leak_every_unit_has_a_gradient():
    stack, drawn = dying()
    for _ in stack.train(drawn, BASE.lr):
        pass
    leaky = stack.shaped(*arms.networks(BASE, [0], "leaky_relu"))
    shares = torch.rand(40, len(INPUTS.images), dtype=torch.float64)
    change = leaky.gradients(INPUTS.x(), drawn.y, shares)["hidden0.weight"]
    assert (change.abs().sum(2) > 0).all()


def test_a_leak_changes_nothing_before_a_members_first_death():
    stack, drawn = dying()
    plain = dead_units.watch(stack.shaped(*arms.networks(BASE, [0])), drawn, BASE.lr)
    prelu = stack.shaped(*arms.networks(BASE, [0], "prelu"))
    never = dead_units.watch_leaking(prelu, drawn, BASE.lr, 0.1, np.full(40, 99))
    assert all(map(np.array_equal, plain, never))
    at = np.full(40, 10)
    late = dead_units.watch_leaking(
        stack.shaped(*arms.networks(BASE, [0], "prelu")), drawn, BASE.lr, 0.1, at
    )
    assert all(np.array_equal(a[:11], b[:11]) for a, b in zip(plain, late, strict=True))
    assert not all(map(np.array_equal, plain, late))


def test_a_leak_starts_after_the_epoch_in_which_a_member_died():
    stack, drawn = dying(n_epochs=1)
    stacks = {at: stack.shaped(*arms.networks(BASE, [0], "prelu")) for at in (0, 1)}
    for at, each in stacks.items():
        dead_units.watch_leaking(each, drawn, BASE.lr, 0.01, np.full(40, at))
    for at, activation in ((0, "leaky_relu"), (1, "relu")):  # 1: not before the only epoch's end
        alike = stack.shaped(*arms.networks(BASE, [0], activation))
        dead_units.watch(alike, drawn, BASE.lr)
        for name in ("hidden0.weight", "output.weight"):
            torch.testing.assert_close(stacks[at].weights[name], alike.weights[name])
    assert not torch.equal(stacks[0].weights["output.weight"], stacks[1].weights["output.weight"])


def test_death_and_what_follows_are_told_from_the_states():
    states = np.array([[0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [1, 1, 0, 0]], bool)
    assert dead_units.died_at(states).tolist() == [3, 0, 1, -1]


# Statistics


def test_epochs_to_a_loss_count_from_one_and_never_is_one_more_than_all():
    by_epoch = np.array([[0.5, 0.2, 0.5], [0.3, 0.4, 0.5], [0.2, 0.1, 0.4]])
    assert activations.epochs_to(by_epoch, 0.3).tolist() == [3, 1, 4]


def test_a_slope_counts_as_negative_below_zero_and_as_learned_up_above_its_start():
    slopes = np.array([[-1.0, 0.25], [-0.5, 0.25], [0.0, 0.3], [0.25, 0.4]])
    prelu, leaky = (
        activations.Arm(np.ones((1, 4)), pd.DataFrame({"loss": loss}), slopes)
        for loss in ([0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.3, 0.5])
    )
    found = activations.learned_slopes(prelu, leaky)
    shares = {
        key: [layer[key]["proportion"] for layer in found["slopes"].values()]
        for key in ("negative", "above_start")
    }
    assert shares == {"negative": [0.5, 0], "above_start": [0, 0.5]}
    assert [found["loss_difference"][key] for key in ("wins", "ties", "losses")] == [2, 1, 1]


def test_outcomes_are_those_of_the_population():
    said = np.where(INPUTS.labels == 1, 0.9, 0.1)[None].repeat(4, 0)
    said[1] = 0.5
    said[2, np.flatnonzero(INPUTS.labels == 1)[0]] = 0.05
    said[3] = np.nan
    table = statistics.outcomes(said, INPUTS)
    share = INPUTS.population[np.flatnonzero(INPUTS.labels == 1)[0]] / 27
    expected = {
        "loss": [-np.log(0.9), np.log(2), None, 100],
        "accuracy": [1, 1 / 3, 1 - share, 0],
        "perfect": [1, 0, 0, 0],
        "ties": [0, 1, 0, 0],
        "separates": [1, 0, 0, 0],
    }
    expected["loss"][2] = -np.log(0.9) * (1 - share) - np.log(0.05) * share
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected), check_dtype=False, atol=1e-6)
    assert statistics.losses(said, INPUTS).tolist() == table["loss"].tolist()


def test_intervals_of_the_mean_cover_it_as_often_as_they_say():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(4000):
        found = statistics.mean(random.normal(3, 2, 20))
        covered += found["low"] <= 3 <= found["high"]
    missed = 4000 - covered
    assert stats.binomtest(missed, 4000, 1 - statistics.CONFIDENCE).pvalue > 1e-3


def test_intervals_of_the_median_hold_it_and_what_was_not_seen_is_none():
    values = np.arange(1, 100)
    found = statistics.median(values, at_most=60)
    assert found["median"] == 50
    assert found["low"] < 40
    assert found["high"] is None


def test_numbers_that_are_all_equal_have_an_interval_of_no_width():
    assert statistics.mean([2, 2, 2]) == {"mean": 2, "low": 2, "high": 2}
    nothing = statistics.difference([1, 2, 3], [1, 2, 3])
    assert (nothing["p"], nothing["ties"], nothing["mean"]) == (1, 3, 0)


def test_differences_are_paired():
    random = np.random.default_rng(0)
    luck = random.normal(0, 100, 50)
    found = statistics.difference(luck + random.normal(1, 0.1, 50), luck)
    assert (found["wins"], found["losses"]) == (0, 50)
    assert 0.9 < found["low"] < found["mean"] < found["high"] < 1.1
    assert found["p"] < 1e-9
    assert statistics.difference(luck + 1, luck, larger_wins=True)["wins"] == 50
