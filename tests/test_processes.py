"""One training on several processes: real ones, which torchrun starts."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import write_params

pytestmark = pytest.mark.slow
OUTPUTS = ("models/relu.safetensors", "models/relu_history.safetensors", "plots/losses/relu.csv")


def read(folder):
    return [(folder / path).read_bytes() for path in OUTPUTS]


def assert_nothing_written(folder):
    assert not [path for path in OUTPUTS if (folder / path).exists()]


@pytest.fixture(scope="module")
def trained(small_copy, run_in):
    """A small project with its data but without a model, and what one process makes of it."""
    changes = {"train_relu.hidden": [4, 3], "train.batch_size": 3}  # a fourth process has no image
    write_params(small_copy / "params.yaml", changes)
    for name in ("generate", "split", "balance", "train_relu"):
        result = run_in(small_copy, "python", "-m", f"stages.{name}")
        assert result.returncode == 0, result.stderr
    expected = read(small_copy)
    for path in OUTPUTS:
        (small_copy / path).unlink()
    return small_copy, expected


@pytest.fixture
def prepared(trained, tmp_path):
    """A copy of the project to train in."""
    return shutil.copytree(trained[0], tmp_path / "project", symlinks=True)


@pytest.mark.parametrize("n", [2, 4])
def test_several_processes_store_the_bytes_of_one(trained, prepared, run_in, n):
    launch = f"torchrun --standalone --nproc-per-node {n}"
    write_params(prepared / "params.yaml", {"train.launch": launch})
    result = run_in(prepared, "dvc", "repro", "--single-item", "train_relu")
    assert result.returncode == 0, result.stderr
    assert f"> {launch} -m stages.train_relu" in result.stdout
    assert read(prepared) == trained[1]


def test_float32_is_refused_in_one_line(prepared, run_in):
    write_params(prepared / "params.yaml", {"train.precision": "float32"})
    words = ("--standalone", "--nproc-per-node", "2", "-m", "stages.train_relu")
    result = run_in(prepared, "torchrun", *words)
    assert result.returncode != 0
    assert (
        "params.yaml: train.precision: expected float64 with several processes, found float32, "
        "whose bits would depend on their number"
    ) in result.stderr.splitlines()
    assert_nothing_written(prepared)


def test_two_machines_store_the_bytes_of_one_and_one_of_them_alone_writes(
    trained, prepared, tmp_path
):
    other = shutil.copytree(prepared, tmp_path / "other", symlinks=True)
    torchrun = Path(sys.executable).with_name("torchrun")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"--nnodes 2 --nproc-per-node 1 --master-addr 127.0.0.1 --master-port {port}"
    trainings = []
    for rank, folder in enumerate((prepared, other)):
        environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "PET_NODE_RANK": str(rank)}
        command = (torchrun, *options.split(), "-m", "stages.train_relu")
        trainings.append(subprocess.Popen(command, cwd=folder, env=environment))
    try:
        assert [training.wait(timeout=120) for training in trainings] == [0, 0]
    finally:
        for training in trainings:
            training.kill()
    assert read(prepared) == trained[1]
    assert_nothing_written(other)
