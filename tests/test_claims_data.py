"""Members of the experiments on data are what the ordinary trainer makes of them alone."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from scipy import stats
from sklearn import metrics
from torch import nn, optim
from torch.utils.data import DataLoader, RandomSampler, TensorDataset
from torchvision.transforms.v2 import functional

from diagonal.claims import augmentation, balancing, three_classes, trainings, variation
from diagonal.claims.arms import batches, data_set, networks, side_by_side
from diagonal.claims.augmentation import held_back
from diagonal.claims.batches import DataSet, every_input, joined
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import components, outcomes
from diagonal.claims.trainings import SHAPES, Arm
from diagonal.lines.images import generate_dataset
from diagonal.lines.patterns import numbered
from diagonal.lines.splitting import train_val_split
from diagonal.pipeline.params import ClaimsAugmentation, ClaimsVariation, load_params
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import batches as ordinary
from diagonal.training.architecture import Architecture
from diagonal.training.models import network, probabilities, quantized_weights
from diagonal.training.sampling import make_balanced_sampler, weighted_sampler

ROOT = Path(__file__).parents[1]
BASE = load_params(ROOT / "params.yaml").claims.baseline.model_copy(update={"n_epochs": 3})
IMAGES, LABELS = map(torch.from_numpy, generate_dataset(5, 300, seed=13))
SAMPLERS = {
    "balanced": make_balanced_sampler,
    "equal": lambda labels: weighted_sampler(torch.ones(len(labels))),
    "shuffled": lambda labels: RandomSampler(labels, generator=torch.Generator()),
}


def mirrored(images):
    """Find each image's orbit: the image, or its mirror image where that has smaller bytes."""
    return np.array([min(i.tobytes(), i[..., ::-1].tobytes()) for i in images])


GROUPS = {
    "image": None,
    "pattern": numbered(IMAGES.numpy()),
    "orbit": numbered(mirrored(IMAGES.numpy())),
}


def alone(
    model, seed, data, train, *, sampling=None, sampler="balanced", hflip=0.5, norm=(0.5, 0.5)
):
    """Train one network with the ordinary trainer: its weights as stored."""
    hidden, activation = SHAPES[model]
    sizes = [25, *(BASE.hidden if hidden is None else hidden), 1]
    model = network(sizes, activation, seed=seed, dtype=torch.float64)
    architecture = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=BASE.lr))
    images, labels = data
    batches = ordinary.Batches(
        images,
        labels,
        torch.from_numpy(train),
        batch_size=BASE.batch_size,
        sampler=SAMPLERS[sampler](labels[train]),
        hflip=hflip,
        transform=scale_and_normalize(*norm),
        dtype=torch.float64,
    )
    validation = ordinary.Batches(images[:3], labels[:3], batch_size=3, dtype=torch.float64)
    architecture.set_loaders(batches, validation)
    architecture.train(BASE.n_epochs, seed if sampling is None else sampling)
    return quantized_weights(model)


def assert_member(stack, place, expected):
    weights = stack.stored()
    assert set(expected) == set(weights)
    for name, each in expected.items():
        assert torch.equal(weights[name][place].float(), each), (name, place)


ARMS = [
    *((model, Arm(sampler=sampler)) for model in balancing.MODELS for sampler in SAMPLERS),
    *(
        (model, Arm(unit, hflip=hflip))
        for model in augmentation.MODELS
        for unit in augmentation.UNITS
        for hflip in augmentation.FLIPS.values()
    ),
    *((model, Arm(mean=0.0, std=1.0)) for model in ("logistic", "relu", "tanh")),
    *((model, Arm(mean=0.145, std=0.353)) for model in ("logistic", "relu", "tanh")),
]


@pytest.mark.parametrize(("model", "arm"), ARMS, ids=str)
def test_each_arms_members_are_those_of_the_ordinary_trainer(model, arm):
    stack = trainings.trained(BASE, 3, model, arm)
    train, _ = train_val_split(LABELS.numpy(), (80, 20), 13, GROUPS[arm.unit])
    hflip = BASE.hflip if arm.hflip is None else arm.hflip
    for seed in range(3):
        options = {"sampler": arm.sampler, "hflip": hflip, "norm": (arm.mean, arm.std)}
        assert_member(stack, seed, alone(model, seed, (IMAGES, LABELS), train, **options))


@pytest.mark.parametrize("design", variation.DESIGNS)
@pytest.mark.parametrize("model", variation.MODELS)
def test_a_design_holds_every_pair_of_seeds(design, model):
    own = ClaimsVariation(levels=3)
    stack = variation.trained(BASE, own, design, model, variation.drawn(BASE, own, design))
    for row, column in ((0, 1), (1, 1), (2, 0)):
        seeds = {"data": 13, "split": 13, design: row}
        images, labels = generate_dataset(5, 300, seed=seeds["data"])
        train, _ = train_val_split(labels, (80, 20), seeds["split"])
        first = row if design == "training" else column
        data = torch.from_numpy(images), torch.from_numpy(labels)
        expected = alone(model, first, data, train, sampling=column)
        assert_member(stack, 3 * row + column, expected)


def test_other_splits_are_asked_about_their_own_validation_images():
    own = ClaimsAugmentation(split_seeds=3, seeds_per_split=2)
    found = augmentation.over_splits(BASE, own)["pattern, flips on"]
    for split in range(3):
        train, val = train_val_split(LABELS.numpy(), (80, 20), split, GROUPS["pattern"])
        right = []
        for seed in range(2):
            model = network([25, 5, 3, 1], "relu", seed=0, dtype=torch.float64)
            model.load_state_dict(alone("relu", seed, (IMAGES, LABELS), train))
            x = scale_and_normalize(0.5, 0.5)(IMAGES[val])
            right.append((probabilities(model, x) > 0.5) == LABELS[val].numpy())
        assert found[split] == pytest.approx(np.mean(right), abs=1e-6)


def test_members_with_fewer_batches_are_trained_beside_others():
    inputs, parts = every_input(5), []
    train, _ = train_val_split(LABELS.numpy(), (80, 20), 13)
    sizes = [240, 70]  # 15 and 5 batches
    for size in sizes:
        data = DataSet(inputs.find(IMAGES[train[:size]].numpy()), inputs.population)
        parts.append(batches(inputs, data, BASE, [3, 4]))
    stack = Stack(networks(BASE, [3, 4]) * 2)
    trainings.run(stack, joined(parts), BASE)
    for place, (size, seed) in enumerate([(240, 3), (240, 4), (70, 3), (70, 4)]):
        assert_member(stack, place, alone("relu", seed, (IMAGES, LABELS), train[:size]))


def flipped_alone(seed, arm, targets, train):
    """Train a network of three classes on what a DataLoader yields, flipped image by image."""
    model = network([25, 5, 3, 3], "relu", seed=seed, dtype=torch.float64)
    x, y = scale_and_normalize(0.5, 0.5)(IMAGES[train]).double(), targets[train]
    sampler = make_balanced_sampler(y)
    loader = DataLoader(TensorDataset(x, y), batch_size=BASE.batch_size, sampler=sampler)
    sampler.generator.manual_seed(seed)
    torch.manual_seed(seed)
    optimizer = optim.SGD(model.parameters(), lr=BASE.lr)
    other = torch.tensor([0, 2, 1])
    for _ in range(BASE.n_epochs):
        torch.empty((), dtype=torch.int64).random_()  # the loader's base seed
        drawn = list(sampler)
        flips = torch.rand(len(drawn)) < (0.0 if arm == "off" else 0.5)
        torch.empty((), dtype=torch.int64).random_()  # the validation loader's
        images = torch.where(flips[:, None, None, None], functional.hflip(x[drawn]), x[drawn])
        labels = y[drawn]
        if arm == "swapped":
            labels = torch.where(flips, other[labels], labels)
        for batch, label in zip(images.split(loader.batch_size), labels.split(16), strict=True):
            nn.CrossEntropyLoss()(model[:-1](batch), label).backward()
            optimizer.step()
            optimizer.zero_grad()
    return quantized_weights(model)


@pytest.mark.parametrize("arm", three_classes.ARMS)
def test_three_classes_are_trained_as_by_a_loader_that_flips_images_and_labels(arm):
    _, targets = generate_dataset(5, 300, binary=False, seed=13)
    train, _ = train_val_split(LABELS.numpy(), (80, 20), 13)
    stack = three_classes.trained(BASE, 3, arm)
    for seed in range(3):
        expected = flipped_alone(seed, arm, torch.from_numpy(targets), train)
        assert_member(stack, seed, expected)


def test_recall_and_calibration_are_scikit_learns():
    inputs, random = every_input(5), np.random.default_rng(0)
    said = random.random((4, len(inputs.labels))).round(2)
    found = balancing.measures(said, inputs)
    weights = {"sample_weight": inputs.population}
    for row, probability in enumerate(said):
        predicted = probability > 0.5
        for label, name in enumerate(("straight", "diagonal")):
            recall = metrics.recall_score(inputs.labels, predicted, pos_label=label, **weights)
            assert found[f"recall_{name}"][row] == pytest.approx(recall, abs=1e-6)
        brier = metrics.brier_score_loss(inputs.labels, probability, **weights)
        assert found["brier"][row] == pytest.approx(brier, abs=1e-6)
        bias = np.average(probability, weights=inputs.population) - 18 / 27
        assert found["bias"][row] == pytest.approx(bias, abs=1e-6)


def test_confusion_of_three_classes_is_scikit_learns_and_ties_are_shared():
    inputs, random = every_input(5), np.random.default_rng(0)
    said = random.dirichlet(np.ones(3), (4, len(inputs.targets))).swapaxes(1, 2)
    table, confusion = three_classes.measures(said, inputs)
    weights = {"sample_weight": inputs.population}
    for row, probability in enumerate(said):
        predicted = probability.argmax(axis=0)
        expected = metrics.confusion_matrix(
            inputs.targets, predicted, normalize="true", labels=[0, 1, 2], **weights
        )
        np.testing.assert_allclose(confusion[row], expected, atol=1e-12)
        accuracy = metrics.accuracy_score(inputs.targets, predicted, **weights)
        assert table["accuracy"][row] == pytest.approx(accuracy, abs=1e-6)
        loss = metrics.log_loss(inputs.targets, probability.T, **weights)
        assert table["loss"][row] == pytest.approx(loss, abs=1e-6)
    table, confusion = three_classes.measures(np.full((1, 3, len(inputs.targets)), 1 / 3), inputs)
    assert table["accuracy"][0] == pytest.approx(1 / 3, abs=1e-6)
    np.testing.assert_allclose(confusion, 1 / 3)


def test_no_held_back_line_or_its_mirror_image_is_shown_where_orbits_stay_together():
    inputs = every_input(5)
    shares = {unit: held_back(inputs, data_set(inputs, BASE, unit=unit)) for unit in GROUPS}
    assert shares["image"]["seen"] == 1
    assert shares["pattern"]["seen"] == 0 < shares["pattern"]["seen_mirrored"]
    assert shares["orbit"]["seen"] == shares["orbit"]["seen_mirrored"] == 0
    data = data_set(inputs, BASE, unit="orbit")
    shown = trainings.drawn(BASE, 3, "orbit", "balanced", 0.5).counts.sum((0, 1, 2)).numpy()
    assert shown.sum() == 3 * BASE.n_epochs * len(data.train)
    assert not shown[data.val > 0].any()
    assert not shown[inputs.mirror[data.val > 0]].any()


def test_on_lines_and_mirror_images_alike_the_mean_has_no_larger_loss():
    inputs = every_input(5)
    counts = inputs.population + inputs.population[inputs.mirror]
    alike = replace(inputs, population=counts)
    said = trainings.answers(BASE, 3, "relu", Arm(hflip=0.0))
    both = (said + said[:, inputs.mirror]) / 2
    losses = [outcomes(each, alike)["loss"] for each in (both, said)]
    assert (losses[0] <= losses[1]).all()  # by Jensen's inequality
    assert (losses[0] < losses[1]).any()


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
    assert sum(each["share"] for each in found.values()) == pytest.approx(1)


def test_mean_squares_are_scipys_and_equal_numbers_have_no_variance():
    values = np.random.default_rng(0).normal(size=(7, 5)) + np.arange(7)[:, None]
    squares = []  # of rows and of columns: SciPy's F is their mean square over the one within
    for table in (values, values.T):
        f, within = stats.f_oneway(*table).statistic, table.var(axis=1, ddof=1).mean()
        squares.append(f * within)
    total = values.var(ddof=0) * values.size
    rest = (total - 6 * squares[0] - 4 * squares[1]) / 24
    found = components(values, "row", "column")
    assert found["rest"]["variance"] == pytest.approx(rest)
    assert found["row"]["variance"] == pytest.approx((squares[0] - rest) / 5)
    same = components(np.full((16, 16), 0.666667), "row", "column")
    assert {each["share"] for each in same.values()} == {0}
    for name in ("row", "column"):  # of which nothing is known
        assert (same[name]["low"], same[name]["high"]) == (0, 1)


def test_what_runs_side_by_side_comes_out_as_one_after_the_other():
    seeds = range(64)
    arms = side_by_side({k: lambda: networks(BASE, seeds) for k in range(4)})
    for members in arms.values():
        for member, seed in zip(members, seeds, strict=True):
            expected = network([25, 5, 3, 1], "relu", seed=seed, dtype=torch.float64)
            for mine, its in zip(member.parameters(), expected.parameters(), strict=True):
                assert torch.equal(mine, its)


def test_arms_run_in_processes_of_their_own_where_the_system_forks(monkeypatch):
    runs = dict.fromkeys("ab", os.getpid)
    if sys.platform == "linux":
        assert os.getpid() not in side_by_side(runs).values()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert side_by_side(runs) == dict.fromkeys("ab", os.getpid())


ENDLESS = """
import os, signal, time
signal.signal(signal.SIGINT, signal.{ON_INTERRUPT})
from pathlib import Path
from diagonal.claims.arms import side_by_side
from diagonal.pipeline import command

def arm(name, seconds):
    Path(f"{name}.{os.getpid()}").touch()
    time.sleep(seconds)

def main():
    os.cpu_count = lambda: 2
    side_by_side({name: lambda n=name, s=s: arm(n, s) for name, s in {ARMS}.items()})

command.run(main)
"""


def endless(folder, arms, on_interrupt="SIG_DFL"):
    """Start arms, name -> seconds that it takes, each in a process; return the stage, the pids."""
    code = ENDLESS.replace("{ARMS}", str(arms)).replace("{ON_INTERRUPT}", on_interrupt)
    stage = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: len(list(folder.iterdir())) == len(arms))
    return stage, {int(path.suffix[1:]) for path in folder.iterdir()}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
def test_what_runs_side_by_side_ends_with_a_stage_that_is_killed(tmp_path):
    stage, pids = endless(tmp_path, {"a": 600, "b": 600})
    stage.kill()
    stage.communicate()
    wait_for(lambda: not any(map(runs, pids)))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
@pytest.mark.parametrize("seconds", [0, 600])  # of the other: it is idle, or at work
def test_an_interrupt_at_the_terminal_is_one_line_of_one_process(tmp_path, seconds):
    stage, pids = endless(tmp_path, {"a": seconds, "b": 600})
    os.killpg(stage.pid, signal.SIGINT)
    assert stage.communicate(timeout=60) == (None, "interrupted\n")
    assert stage.returncode == 130
    wait_for(lambda: not any(map(runs, pids)))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
def test_in_the_background_interrupts_are_ignored_by_all_processes(tmp_path):
    stage, _ = endless(tmp_path, {"a": 3, "b": 3}, "SIG_IGN")
    os.killpg(stage.pid, signal.SIGINT)
    assert stage.communicate(timeout=60) == (None, "")
    assert stage.returncode == 0


def runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
