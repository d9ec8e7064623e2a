"""A member of an experiment is the training that the lecture's loop would make of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from study_oracle import BASE, INPUTS, InTurn, logits_alone, train_alone

from study.experiments import balancing, bias, normalization, three_classes
from study.params import load_study_params
from study.trainings import lines, parallel
from study.trainings.ensembles import Ensemble
from study.trainings.inputs import balanced_share
from study.trainings.lines import DEEPISH, LOGISTIC, RELU, TANH, Member, Settings, members


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.setattr(parallel, "get_reusable_executor", InTurn)


SOME = (*members(2, first=5), Member(data=40, split=3, weights=2**32 - 1, batches=9))


@pytest.mark.parametrize(
    "settings",
    [
        LOGISTIC,
        replace(DEEPISH, sampler="equal"),
        replace(TANH, mean=0.0, std=1.0, sampler="shuffled"),
        replace(RELU, hflip=0.0, group_by="pattern"),
        Settings("sigmoid", lr=3.0, bias=True, group_by="mirror_group", n_epochs=2),
        Settings("leaky_relu", hidden=(5,) * 6),
        Settings("prelu", lr=0.3),
    ],
    ids=str,
)
def test_a_member_is_the_training_alone(settings):
    found = lines.final_logits(BASE, SOME, settings)
    for place, member in enumerate(SOME):
        expected = logits_alone(train_alone(BASE, member, settings), settings)
        np.testing.assert_allclose(found[place], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("norm", [False, True])
def test_a_member_trained_on_its_own_images_is_the_training_alone(norm):
    def built(some):
        models = lines.networks(BASE, some, RELU)
        return [normalization.normalized(model) for model in models] if norm else models

    ensemble = Ensemble(built(SOME), rounded=False)
    assert list(normalization.trained(ensemble, BASE, SOME)) == [0, 1, 2, 3]
    found = lines.logits(ensemble, INPUTS)
    for place, member in enumerate(SOME):
        alone = train_alone(BASE, member, RELU, model=built((member,))[0], grid=None)
        np.testing.assert_allclose(found[place], logits_alone(alone, RELU), rtol=0, atol=1e-9)


def test_what_relus_are_fed_is_described_over_inputs_and_units():
    claims = load_study_params().claims.batch_norm.model_copy(update={"n_epochs": 1})
    found, settings = normalization.train(BASE, claims, SOME)[2, False], Settings(hidden=(5, 5))
    share = balanced_share(INPUTS, lines.data_sets(BASE, SOME)[0], BASE.hflip)[:, None]
    model = lines.networks(BASE, SOME, settings)[0]
    for layer in (0, 1):
        fed = model[: 2 * layer + 2](INPUTS.x()).detach()
        mean = (fed * share).sum(0).mean()
        deviation = ((fed - mean) ** 2 * share).sum(0).mean().sqrt()
        assert found.means[0, 0, layer] == pytest.approx(mean.item(), abs=1e-4)
        assert found.deviations[0, 0, layer] == pytest.approx(deviation.item(), abs=1e-4)
    base = BASE.model_copy(update={"n_epochs": 1, "batch_size": claims.batch_size})
    expected = lines.final_outcomes(base, SOME, settings)["loss"]
    np.testing.assert_allclose(found.losses, [expected], atol=2e-4)  # without rounded weights


def test_three_classes_are_trained_as_by_a_loader_that_flips_labels_too():
    _, tables = three_classes.three_classes(BASE, SOME)
    for flips, of_mirrored in (("off", [0, 1, 2]), ("naive", [0, 1, 2]), ("swapped", [0, 2, 1])):
        settings = replace(RELU, hflip=0.0 if flips == "off" else None)
        rows = tables[tables["flips"] == flips].reset_index()[["loss", "accuracy"]]
        labels = torch.tensor(of_mirrored)
        for place, member in enumerate(SOME):
            z = logits_alone(train_alone(BASE, member, settings, of_mirrored=labels), settings)
            expected, _ = three_classes.measures(torch.from_numpy(z)[None], INPUTS)
            assert rows.iloc[place].to_dict() == pytest.approx(expected.iloc[0].to_dict(), abs=1e-6)


def test_the_balanced_share_is_the_mean_of_the_batches_drawn():
    one = members(1)
    (data,) = lines.data_sets(BASE, one)
    share = balanced_share(INPUTS, data, hflip=0.2)
    assert share.sum().item() == pytest.approx(1)
    counts = lines.batches_of(BASE, one, replace(RELU, n_epochs=400, hflip=0.2)).counts.double()
    error = (share * (1 - share) / counts.sum()).sqrt()
    assert ((counts.sum((0, 1, 2)) / counts.sum() - share).abs() < 5 * error + 1e-12).all()


def test_batches_of_a_sampler_hold_the_share_of_diagonals_that_it_should():
    for sampler, expected in (("balanced", 0.5), ("equal", 2 / 3), ("shuffled", 2 / 3)):
        found = balancing.diagonals_in_batches(BASE, members(20), sampler)
        assert found.mean() == pytest.approx(expected, abs=0.02)


def test_biases_change_nothing_but_biases():
    table = bias.trainings(BASE, SOME, (1, 3))
    assert set(table["epoch"]) == {1, 3}
    for network_, has_bias in (("tanh", 0), ("sigmoid, rate 1", 1)):
        settings = replace(bias.TRAINED[network_], bias=has_bias == 1)
        rows = table[(table["network"] == network_) & (table["bias"] == has_bias)]
        final = rows[rows["epoch"] == 3]["loss"].to_numpy()
        expected = lines.final_outcomes(BASE, SOME, settings)["loss"].to_numpy()
        np.testing.assert_allclose(final, expected, atol=2e-6)
