"""Linear layers, units, layers and biases: each arm is held against the ordinary trainer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from claims import train_alone
from scipy.optimize import linprog, minimize
from sklearn.linear_model import LogisticRegression
from torch import nn, optim

from diagonal.claims import arms, bias, one_matrix, parabolas
from diagonal.claims.batches import Batches, every_input
from diagonal.claims.stacks import Stack
from diagonal.feature_space import parabolas as chapter
from diagonal.lines.parabolas import generate_dataset
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import load_params
from diagonal.training.architecture import Architecture
from diagonal.training.models import collapsed, network, quantized_weights

PARAMS = load_params(Path(__file__).parents[1] / "params.yaml")
BASE = PARAMS.claims.baseline
SEEDS = [0, 7, 31]
N_EPOCHS = 8


@pytest.fixture(scope="module")
def inputs():
    return every_input(5)


@pytest.fixture(scope="module")
def drawn(inputs):
    data = arms.data_set(inputs, BASE)
    return arms.batches(inputs, data, BASE, SEEDS, n_epochs=N_EPOCHS)


def same(stack, place, model):
    expected, weights = quantized_weights(model), stack.stored()
    assert set(expected) == set(weights)
    return all(torch.equal(weights[name][place].float(), it) for name, it in expected.items())


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_three_members_of_each_arm_are_what_the_ordinary_trainer_makes(
    inputs, drawn, name, with_bias
):
    data = arms.data_set(inputs, BASE)
    stack = bias.stack_of(name, BASE, SEEDS, with_bias)
    for _ in stack.train(drawn, BASE.lr):
        pass
    hidden = [] if name == "logistic" else BASE.hidden
    for place, seed in enumerate(SEEDS):
        (model,) = arms.networks(BASE, [seed], MODELS[name].activation, hidden, bias=with_bias)
        train_alone(model, inputs, data, BASE, seed, N_EPOCHS)
        assert same(stack, place, model)


@pytest.mark.parametrize("hidden", [[], [5, 3]])
def test_training_on_the_mean_batch_follows_torchs_optimizer(inputs, hidden):
    mean_batch = one_matrix.mean_batch(inputs, arms.data_set(inputs, BASE), BASE)
    x, y = inputs.x(), torch.from_numpy(inputs.labels)
    stack = one_matrix.OneMatrix(arms.networks(BASE, SEEDS, "none", hidden))
    counts = mean_batch.expand(N_EPOCHS, 1, len(SEEDS), -1)
    for _ in stack.train(Batches(x, y, counts), 0.1, momentum=0.9):
        pass
    for place, model in enumerate(arms.networks(BASE, SEEDS, "none", hidden)):
        weight = (mean_batch / mean_batch.mean())[:, None]
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        architecture = Architecture(model, nn.BCELoss(weight), optimizer)
        architecture.set_loaders([(x, y[:, None].double())])
        architecture.train(N_EPOCHS)
        assert same(stack, place, model)


def test_the_mean_batch_is_the_mean_of_those_drawn(inputs, drawn):
    data = arms.data_set(inputs, BASE)
    mean_batch = one_matrix.mean_batch(inputs, data, BASE).numpy()
    assert mean_batch.sum() == pytest.approx(BASE.batch_size)
    many = arms.batches(inputs, data, BASE, range(30), n_epochs=20).counts.double().flatten(0, 2)
    error = (mean_batch * (1 - mean_batch / BASE.batch_size) / len(many)) ** 0.5
    assert (abs(many.mean(0).numpy() - mean_batch) < 5 * error).all()


def test_without_sampling_both_reach_the_optimum_that_scikit_learn_finds(inputs):
    mean_batch = one_matrix.mean_batch(inputs, arms.data_set(inputs, BASE), BASE)
    x, y = inputs.x(), torch.from_numpy(inputs.labels)
    counts = mean_batch.expand(2500, 1, 2, -1)
    flat = x.flatten(1).numpy()
    settings = {"C": np.inf, "fit_intercept": False, "tol": 1e-10, "max_iter": 10_000}
    reference = LogisticRegression(**settings).fit(flat, inputs.labels, mean_batch.numpy())
    expected = reference.predict_proba(flat)[:, 1]
    for hidden in ([], [5, 3]):
        stack = one_matrix.OneMatrix(arms.networks(BASE, [0, 1], "none", hidden))
        for _ in stack.train(Batches(x, y, counts), 0.1, momentum=0.9):
            pass
        for said in stack.values(x)["probability"][:, 0].numpy():
            np.testing.assert_allclose(said, expected, atol=1e-5)


def test_deepish_is_its_one_matrix(inputs):
    models = arms.networks(BASE, range(50), "none")
    said = Stack(models).values(inputs.x())["probability"][:, 0].numpy()
    for model, each in zip(models, said, strict=True):
        z = inputs.x().flatten(1).numpy() @ collapsed(model)[0]
        np.testing.assert_allclose(each, 1 / (1 + np.exp(-z)), rtol=0, atol=1e-15)


def test_gaps_are_the_largest_differences_of_probability(inputs):
    settings = PARAMS.claims.one_matrix.model_copy(update={"n_epochs": (3, 8), "n_shown": 4})
    table = one_matrix.gaps(BASE, settings, SEEDS)
    assert sorted(table["epoch"].unique()) == one_matrix.shown_epochs((3, 8), 4) == [1, 2, 3, 4, 8]
    drawn = arms.batches(inputs, arms.data_set(inputs, BASE), BASE, SEEDS, n_epochs=8)
    said = []
    for hidden in ([5, 3], []):
        stack = Stack(arms.networks(BASE, SEEDS, "none", hidden))
        for _ in stack.train(drawn, BASE.lr):
            pass
        said.append(stack.values(inputs.x(), stack.stored())["probability"][:, 0].numpy())
    deepish, logistic = said
    last = table[table["epoch"] == 8]
    np.testing.assert_allclose(last["deepish"], abs(deepish - logistic).max(1), atol=1e-6)
    other = [abs(logistic[a] - logistic[b]).max() for a, b in ((0, 1), (1, 2), (2, 0))]
    np.testing.assert_allclose(last["other_seed"], other, atol=1e-6)


# The parabolas


@pytest.mark.parametrize(
    ("hidden", "activation"),
    [((2,), "none"), ((2,), "sigmoid"), ((2, 2), "tanh"), ((3, 3, 3), "relu"), ((20,), "relu")],
)
def test_three_members_are_what_the_chapter_trains(hidden, activation):
    settings = PARAMS.parabolas.model_copy(update={"n_epochs": 40})
    stack = parabolas.stack_of(hidden, activation, SEEDS)
    parabolas.train(stack, settings, 15)
    parted = parabolas.separates(stack, 300)
    x, y = generate_dataset(15, seed=13)
    options = {"lr": settings.lr, "momentum": settings.momentum, "n_epochs": 40}
    for place, seed in enumerate(SEEDS):
        sizes = [2, *hidden, 1]
        model = network(sizes, activation, bias=True, seed=seed, dtype=torch.float64)
        state = chapter.train(model, x, y, **options)[40]
        assert same(stack, place, model)
        model.load_state_dict(state)
        accuracy, _ = chapter.accuracy_and_loss(model, *generate_dataset(300, seed=1))
        assert parted[place] == (accuracy == 1)


def test_shares_have_every_network_and_the_seed_that_is_drawn_last():
    settings = PARAMS.claims.parabolas.model_copy(
        update={"widths": (2, 20), "depths": (1, 2), "n_points": 20}
    )
    table = parabolas.shares(settings, PARAMS.parabolas, range(4))
    grid, drawn = table[table["network"] == "grid"], table[table["drawn"] == 1]
    assert list(grid["hidden"].unique()) == ["2", "20", "2-2", "20-20"]
    assert dict(zip(drawn["network"], drawn["seed"], strict=True)) == {
        name: each.seed for name, each in PARAMS.parabolas.networks
    }
    assert not table.loc[table["activation"] == "none", "separates"].any()  # a line cannot
    summary = parabolas.summary(table, settings)
    wide = grid.loc[grid["hidden"] == "20", "separates"].mean()
    assert summary["grid"]["1"]["20"]["proportion"] == wide > 0.5


# Planes


def certified_inseparable(x, labels, intercept):
    """Find weights of points, not negative, by which both classes balance (Gordan's theorem)."""
    points = np.column_stack([x, np.ones(len(x))]) if intercept else x
    signed = np.where(labels == 1, 1, -1)[:, None] * points
    equal = np.vstack([signed.T, np.ones(len(x))])
    answer = linprog(np.zeros(len(x)), A_eq=equal, b_eq=[*np.zeros(signed.shape[1]), 1])
    return answer.status == 0


@pytest.mark.parametrize("img_size", [3, 4, 5, 6])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_plane_parts_the_lines_just_if_no_weights_balance_them(img_size, intercept):
    inputs = every_input(img_size)
    x, labels = inputs.x().flatten(1).numpy(), inputs.labels
    score = bias.largest_score(x, labels, intercept)
    assert (score > 0) != certified_inseparable(x, labels, intercept)
    assert (bias.margin(x, labels, intercept) is None) == (score == 0)


def test_the_lines_are_parted_with_an_intercept_and_not_without(inputs):
    drawable, mirrored = bias.planes(inputs).values()
    assert (drawable["lines"], mirrored["lines"]) == (25, 27)
    for each, score in ((drawable, 4 / 31), (mirrored, 2 / 23)):
        assert each["without_bias"] == {"margin": None, "largest_score": 0}
        assert each["with_bias"]["largest_score"] == round(score, 6)


@pytest.mark.parametrize("intercept", [False, True])
def test_margins_are_those_of_a_quadratic_program(inputs, intercept):
    stream = np.random.default_rng(0)
    clouds = stream.normal(size=(40, 3)) + np.repeat([[3, 3, 0], [-3, -3, 1]], 20, axis=0)
    cases = [(clouds, np.repeat([1, 0], 20))]
    cases += [(inputs.x().flatten(1).numpy(), inputs.labels)] * intercept
    for x, labels in cases:
        y = np.where(labels == 1, 1, -1)[:, None]
        points = y * np.column_stack([x, np.full(len(x), float(intercept))])
        size = x.shape[1]
        answer = minimize(
            lambda v, size=size: v[:size] @ v[:size] / 2,
            np.zeros(size + 1),
            jac=lambda v, size=size: np.append(v[:size], 0),
            constraints={
                "type": "ineq",
                "fun": lambda v, points=points: points @ v - 1,
                "jac": lambda v, points=points: points,
            },
            method="SLSQP",
            options={"maxiter": 1000, "ftol": 1e-13},
        )
        expected = 1 / np.linalg.norm(answer.x[:size])
        assert bias.margin(x, labels, intercept) == pytest.approx(expected, abs=1e-5)


def test_outcomes_stand_beside_their_model_bias_epoch_and_seed(inputs, drawn):
    table = bias.trainings(BASE, SEEDS, (2, N_EPOCHS))
    assert len(table) == len(MODELS) * 2 * 2 * len(SEEDS)
    stack = bias.stack_of("relu", BASE, SEEDS, True)
    for _ in stack.train(drawn, BASE.lr):
        pass
    expected = bias.outcomes(stack.values(drawn.x, stack.stored())["probability"][:, 0], inputs)
    mine = table[(table["model"] == "relu") & (table["bias"] == 1) & (table["epoch"] == N_EPOCHS)]
    assert mine["seed"].tolist() == SEEDS
    np.testing.assert_array_equal(mine[expected.columns], expected)
    loss = bias.summary(table)["models"]["relu"]["with_bias"][str(N_EPOCHS)]["loss"]["mean"]
    assert loss == pytest.approx(expected["loss"].mean())
