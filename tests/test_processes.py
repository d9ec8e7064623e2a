"""One training on several processes: real ones, which torchrun starts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OUTPUTS = ("models/relu.safetensors", "models/relu_history.safetensors", "plots/losses/relu.csv")


def read(folder):
    return [(folder / path).read_bytes() for path in OUTPUTS]


def assert_nothing_written(folder):
    assert not [path for path in OUTPUTS if (folder / path).exists()]


def change(folder, old, new):
    path = folder / "params.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def trained(small_copy, run_in):
    """A small project with its data but without a model, and what one process makes of it."""
    change(small_copy, "hidden: [5, 3]", "hidden: [4, 3]")
    change(small_copy, "batch_size: 16", "batch_size: 3")  # so that a fourth process has no image
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


@pytest.mark.parametrize("n", [1, 2, 4])
def test_several_processes_store_the_bytes_of_one(trained, prepared, run_in, n):
    launch = f"torchrun --standalone --nproc-per-node {n}"
    change(prepared, "launch: python ", f"launch: {launch} ")
    result = run_in(prepared, "dvc", "repro", "--single-item", "train_relu")
    assert result.returncode == 0, result.stderr
    assert f"> {launch} -m stages.train_relu" in result.stdout
    assert read(prepared) == trained[1]


def test_float32_is_refused_in_one_line(prepared, run_in):
    change(prepared, "precision: float64", "precision: float32")
    words = ("--standalone", "--nproc-per-node", "2", "-m", "stages.train_relu")
    result = run_in(prepared, "torchrun", *words)
    assert result.returncode != 0
    assert (
        "params.yaml: train.precision: expected float64 with several processes, found float32, "
        "whose bits would depend on their number"
    ) in result.stderr.splitlines()
    assert_nothing_written(prepared)


@pytest.fixture
def machines():
    """Two network namespaces with an address each: the words that run a command in them."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("making network namespaces needs root and iproute2")
    names = [f"diagonal-{os.getpid()}-{rank}" for rank in range(2)]
    try:
        for name in names:
            if subprocess.run(["ip", "netns", "add", name], check=False).returncode:
                pytest.skip("this machine does not let root make network namespaces")
        first, second = names
        ip("link", "add", "eth0", "netns", first, "type", "veth", "peer", "eth0", "netns", second)
        for rank, name in enumerate(names):
            ip("-n", name, "address", "add", f"10.77.0.{rank + 1}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", name, "link", "set", device, "up")
        yield [("ip", "netns", "exec", name) for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def test_two_machines_store_the_bytes_of_one(trained, prepared, machines, tmp_path):
    other = shutil.copytree(prepared, tmp_path / "other", symlinks=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = "--nnodes 2 --nproc-per-node 1 --master-addr 10.77.0.1 --master-port 29500"
    trainings = []
    for rank, folder in enumerate((prepared, other)):
        environment = os.environ | {"PATH": path, "GLOO_SOCKET_IFNAME": "eth0"}
        environment["PET_NODE_RANK"] = str(rank)
        command = (*machines[rank], "torchrun", *options.split(), "-m", "stages.train_relu")
        trainings.append(subprocess.Popen(command, cwd=folder, env=environment))
    try:
        assert [training.wait(timeout=120) for training in trainings] == [0, 0]
    finally:
        for training in trainings:
            training.kill()
    assert read(prepared) == trained[1]
    assert_nothing_written(other)
