"""One training on several processes: real ones, that torchrun starts."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from diagonal.processes import SharedBatches
from diagonal.training.batches import Batches, make_balanced_sampler

MODELS = ("logistic", "deepish", "relu")
LONG = ("n_epochs: 3", "n_epochs: 1000000")


def outputs(name):
    return [f"models/{name}.safetensors", f"plots/losses/{name}.csv", f"metrics/train_{name}.json"]


def read(folder, name):
    return [(folder / path).read_bytes() for path in outputs(name)]


def change(folder, old, new):
    path = folder / "params.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def launched_with(folder, launch):
    change(folder, "launch: python", f"launch: {launch}")


@pytest.fixture(scope="module")
def trained(small_copy, run_in):
    """A small project with its data and with what one process makes of it, without outputs."""
    change(small_copy, "hidden: [5, 3]", "hidden: [4, 3]")
    for name in ("generate", "split", "balance", *(f"train_{name}" for name in MODELS)):
        result = run_in(small_copy, "python", "-m", f"stages.{name}")
        assert result.returncode == 0, result.stderr
    expected = {name: read(small_copy, name) for name in MODELS}
    for name in MODELS:
        for path in outputs(name):
            (small_copy / path).unlink()
    return small_copy, expected


@pytest.fixture
def prepared(trained, tmp_path):
    """A copy of it to train in."""
    copy = tmp_path / "project"
    shutil.copytree(trained[0], copy, symlinks=True)
    return copy


def assert_nothing_written(folder):
    assert not [path for path in outputs("relu") if (folder / path).exists()]
    assert not list(folder.glob("*/.*.safetensors.*"))


def assert_one_line(result, line):
    assert result.returncode == 1
    assert result.stderr.splitlines() == [line]


@pytest.mark.parametrize(("name", "n"), [("logistic", 2), ("deepish", 4), ("relu", 1), ("relu", 4)])
def test_the_bytes_are_those_of_one_process(trained, prepared, run_in, name, n):
    launched_with(prepared, f"torchrun --nproc-per-node {n}")
    result = run_in(prepared, "python", "-m", f"stages.train_{name}")
    assert result.returncode == 0, result.stderr
    assert read(prepared, name) == trained[1][name]
    assert len(result.stderr.splitlines()) == 4, result.stderr  # of one process alone


def test_torchrun_itself_may_be_called(trained, prepared, run_in):
    options = ("--standalone", "--nproc-per-node", "2")
    result = run_in(prepared, "torchrun", *options, "-m", "stages.train_relu")
    assert result.returncode == 0, result.stderr
    assert read(prepared, "relu") == trained[1]["relu"]
