"""Numbers at the edge: the ranges of params.yaml work to their ends, and what is beyond is told."""

import re
import shutil
import socket
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import LECTURE, run_stages
from torch import nn, optim

from checks import params as check
from checks.sheet import write_params
from diagonal.pipeline import resources
from diagonal.pipeline.errors import InputError
from diagonal.pipeline.params import load_params
from diagonal.training import divergence
from diagonal.training.architecture import Architecture
from diagonal.training.descent import Descent
from diagonal.training.models import network, quantized_weights

ROOT = Path(__file__).parents[1]

BEYOND = {  # key -> values that the schema refuses
    "train_relu.lr": (1e200, 1e-200, 10.1),
    "parabolas.lr": (1e200, 0),
    "transforms.std": (1e-50, 1e50),
    "transforms.mean": (1e50, -1e50),
    "feature_space.z_max": (1e308, 1e-9),
    "feature_space.prelu_slope": (1e308, -11),
    "split.ratios": ([1e308, 1e308], [1e-50, 1e-50]),
    "parabolas.n_points": (10**12, 1),
    "parabolas.networks.wider.hidden": ([10**9, 2],),
    "generate.n_images": (10**12,),
    "train_relu.n_epochs": (10**9,),
    "train_relu.hidden": ([1] * 40,),
}
ENDS = {  # of its range
    "train_logistic.lr": (1e-6, 10),
    "train_deepish.lr": (1e-6, 10),
    "train_relu.lr": (1e-6, 10),
    "parabolas.lr": (1e-6, 10),
    "parabolas.momentum": (0, 0.999),
    "transforms.std": (0.01, 100),
    "transforms.mean": (-10, 10),
    "feature_space.z_max": (0.1, 100),
    "feature_space.prelu_slope": (-10, 10),
    "feature_space.leaky_slope": (-10, 10),
    "split.ratios": ([0.004, 0.001], [1e6, 2e5]),
    "evaluate.threshold": (0, 1),
}


@pytest.fixture
def params(tmp_path):
    """Copy params.yaml, to be changed."""
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path))


@pytest.mark.parametrize(("key", "value"), [(k, v) for k, vs in BEYOND.items() for v in vs])
def test_a_number_beyond_its_range_is_refused_by_name(params, key, value):
    path = write_params(params, {key: value})
    with pytest.raises(InputError) as caught:
        load_params(path)
    (line,) = str(caught.value).splitlines()[:1]
    assert re.match(rf"{re.escape(str(path))}: {re.escape(key)}[.\d]*: expected .*, found ", line)


@pytest.mark.parametrize("end", [0, 1])
def test_stages_run_at_the_ends_of_all_ranges_without_a_warning(small, end):
    write_params(small / "params.yaml", {key: ends[end] for key, ends in ENDS.items()})
    run_stages(small, *LECTURE, "parabolas")  # pytest makes errors of warnings


@pytest.mark.parametrize("kind", [Architecture, Descent])
def test_weights_that_do_not_stay_finite_are_told_by_the_key_of_their_rate(kind):
    model = network([25, 64, 64, 1], seed=1, dtype=torch.float64)
    architecture = kind(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=1e200))
    x = torch.randn(16, 1, 5, 5, dtype=torch.float64)
    architecture.set_loaders([(x, torch.ones(16, 1, dtype=torch.float64))])
    with (
        pytest.raises(InputError, match=r"params\.yaml: some\.lr: expected weights that stay"),
        divergence.finite(partial(quantized_weights, model), "some.lr", 1e200),
    ):
        architecture.train(5)


def test_an_error_that_is_no_divergence_is_left_as_it_is():
    weights = {"w": torch.ones(1)}
    with (
        pytest.raises(RuntimeError, match="another"),
        divergence.finite(lambda: weights, "some.lr", 0.1),
    ):
        raise RuntimeError("another")


def launch(**options):
    return SimpleNamespace(**{"launch": "python", "precision": "float64", **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"launch": "torchrun --nproc-per-node 2", "precision": "float32"},
            "expected python or one process with train.precision float32",
        ),
        ({"launch": "torchrun --nproc-per-node gpu"}, "expected options of torchrun, found: .*"),
        ({"launch": "torchrun --no-such-option 3"}, "expected options of torchrun, found: .*"),
        ({"launch": "torchrun --nproc-per-node"}, "expected options of torchrun, found: .*"),
        ({"launch": "torchrun --nnodes some"}, "expected options of torchrun, found: .*"),
        *(
            ({"launch": f"torchrun {words}"}, "expected options of torchrun alone, for at least 1")
            for words in (
                "--nproc-per-node 0",
                "--nproc-per-node -1",
                "--nnodes 0",
                "--no-python",
                "-m another",
                "script.py",
            )
        ),
    ],
)
def test_a_launch_that_cannot_work_is_refused_before_it(monkeypatch, options, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match=message):
        check._require_launch(launch(**options))


@pytest.mark.parametrize(
    "words",
    [
        "python",
        "torchrun --standalone --nproc-per-node 2",
        "torchrun --nproc-per-node 2",
        "torchrun --nnodes 2",
    ],
)
def test_a_launch_that_can_work_is_not_refused(words):
    check._require_launch(launch(launch=words))


def test_a_port_in_use_is_refused_and_a_free_one_is_not():
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = launch(launch=f"torchrun --master-port {port}")
        with pytest.raises(InputError, match=f"expected a free port, found: {port} is not"):
            check._require_launch(words)
    check._require_launch(words)


def test_a_networks_memory_is_told_by_the_key_of_its_layers(monkeypatch, params):
    path = write_params(params, {"train_relu.hidden": [60_000, 60_000]})
    monkeypatch.setattr(resources, "available_memory", lambda: 64 * 2**30)
    with pytest.raises(InputError) as caught:
        check._require_room(load_params(path), "", (300, 1, 5, 5))
    assert re.fullmatch(
        r"params.yaml: train_relu.hidden: expected [\d,]+ bytes of memory for 3,601,560,000 "
        r"weights, found 68,719,476,736",
        str(caught.value),
    )
