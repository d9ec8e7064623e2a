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


def test_dvc_sees_no_difference_and_runs_nothing_for_it(prepared, run_in):
    def repro(*options):
        result = run_in(prepared, "dvc", "repro", "--single-item", *options, "train_relu")
        assert result.returncode == 0, result.stderr
        return result.stdout, (prepared / "dvc.lock").read_bytes()

    before = (prepared / "dvc.lock").read_bytes()
    _, alone = repro("--force")
    assert alone != before
    launched_with(prepared, "torchrun --nproc-per-node 2")
    told, lock = repro()
    assert "Stage 'train_relu' didn't change, skipping" in told
    assert lock == alone
    told, lock = repro("--force")
    assert "Running stage 'train_relu'" in told
    assert lock == alone


def test_float32_is_refused_in_one_line(prepared, run_in):
    launched_with(prepared, "torchrun --nproc-per-node 2")
    change(prepared, "precision: float64", "precision: float32")
    assert_one_line(
        run_in(prepared, "python", "-m", "stages.train_relu"),
        "params.yaml: train.precision: expected float64 with torchrun, found float32, whose bits "
        "would depend on the number of processes",
    )
    assert_nothing_written(prepared)


def test_bad_input_of_a_process_is_told_once(prepared, run_in):
    launched_with(prepared, "torchrun --nproc-per-node 2")
    (prepared / "data/split/val.safetensors").unlink()
    result = run_in(prepared, "python", "-m", "stages.train_relu")
    line = result.stderr.replace("process 2", "process 1")
    expected = "data/split/val.safetensors: expected a .safetensors file, found none"
    assert line == f"train_relu: process 1 of 2: {expected}; run `dvc repro`\n"
    assert result.returncode == 1
    assert_nothing_written(prepared)


def test_an_error_in_a_process_is_told_with_its_place(prepared, run_in):
    launched_with(prepared, "torchrun --nproc-per-node 2")
    path = prepared / "stages/train.py"
    planted = '    if processes.place()[0] == 1:\n        raise KeyError("planted")\n'
    before, definition, after = path.read_text().partition("def _write(")
    signature, end, body = before.rpartition("    initial = ")
    path.write_text(signature + planted + end + body + definition + after)
    number = path.read_text().splitlines().index('        raise KeyError("planted")') + 1
    assert_one_line(
        run_in(prepared, "python", "-m", "stages.train_relu"),
        "train_relu: process 2 of 2 ended with KeyError: 'planted' "
        f"(stages/train.py:{number}); nothing was written",
    )
    assert_nothing_written(prepared)


class Training:
    """A stage that trains for ever, until somebody ends it."""

    def __init__(self, folder, *before, **environment):
        self.log = folder / "stderr"
        command = [*before, sys.executable, "-m", "stages.train_relu"]
        variables = os.environ | environment
        with self.log.open("w") as log:
            self.stage = subprocess.Popen(command, cwd=folder, env=variables, stderr=log)

    def wait_until_it_trains(self):
        while "epoch" not in self.log.read_text():
            assert self.stage.poll() is None, self.log.read_text()
            time.sleep(0.1)

    def processes(self):
        """Find the processes that train: rank -> pid."""
        children = Path(f"/proc/{self.stage.pid}/task/{self.stage.pid}/children").read_text()
        found = {}
        for pid in map(int, children.split()):
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            rank = next(each for each in environment if each.startswith(b"RANK="))
            found[int(rank.removeprefix(b"RANK="))] = pid
        return found

    def outcome(self):
        """Wait for the end; return the exit status and what was said beside progress."""
        try:
            status = self.stage.wait(timeout=60)
        finally:
            self.stage.kill()
        lines = self.log.read_text().splitlines()
        return status, [line for line in lines if not line.startswith("relu: epoch ")]


def made_long(folder):
    change(folder, *LONG)
    path = folder / "diagonal/progress.py"
    path.write_text(path.read_text().replace("LINES = 5 ", "LINES = 100_000 "))
    return folder


@pytest.mark.parametrize(
    ("rank", "number"), [(0, signal.SIGKILL), (1, signal.SIGKILL), (1, signal.SIGTERM)]
)
def test_a_process_that_is_ended_ends_the_stage_in_one_line(prepared, rank, number):
    launched_with(made_long(prepared), "torchrun --nproc-per-node 2")
    training = Training(prepared)
    training.wait_until_it_trains()
    os.kill(training.processes()[rank], number)
    line = f"train_relu: process {rank + 1} of 2 was ended by {number.name}; nothing was written"
    assert training.outcome() == (1, [line])
    assert_nothing_written(prepared)


def runs(pid):
    """Tell whether a process is there and no zombie that nobody has fetched yet."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_survives_the_stage(prepared, number):
    launched_with(made_long(prepared), "torchrun --nproc-per-node 2")
    training = Training(prepared)
    training.wait_until_it_trains()
    pids = training.processes().values()
    training.stage.send_signal(number)
    status, lines = training.outcome()
    if number == signal.SIGTERM:
        assert (status, lines) == (1, ["train_relu: was ended by SIGTERM; nothing was written"])
    deadline = time.monotonic() + 10
    while any(map(runs, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert_nothing_written(prepared)


@pytest.fixture
def machines():
    """Two network namespaces with an address each: rank -> the words that run in it."""
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


@pytest.fixture
def on_two_machines(prepared, machines, tmp_path):
    """Start the same training on both, each with a copy of its own."""

    def start(change_project=lambda folder: None):
        options = "--nnodes 2 --nproc-per-node 1 --master-addr 10.77.0.1 --master-port 29500"
        launched_with(prepared, f"torchrun {options}")
        change_project(prepared)
        other = tmp_path / "other"
        shutil.copytree(prepared, other, symlinks=True)
        return [
            Training(folder, *before, PET_NODE_RANK=str(rank), GLOO_SOCKET_IFNAME="eth0")
            for rank, (folder, before) in enumerate(zip((prepared, other), machines, strict=True))
        ]

    return start


def test_two_machines_store_the_bytes_of_one(trained, prepared, on_two_machines, tmp_path):
    first, second = on_two_machines()
    status, (safety,) = first.outcome()
    assert status == 0
    assert "nearest to a rounding tie" in safety
    assert second.outcome() == (0, [])
    assert read(prepared, "relu") == trained[1]["relu"]
    assert_nothing_written(tmp_path / "other")


@pytest.mark.parametrize("dying", [0, 1])
def test_a_machine_that_loses_another_says_so_in_one_line(prepared, on_two_machines, dying):
    trainings = on_two_machines(made_long)
    trainings[0].wait_until_it_trains()
    (victim,) = trainings[dying].processes().values()
    trainings[dying].stage.kill()
    os.kill(victim, signal.SIGKILL)
    trainings[dying].outcome()
    left = 1 - dying
    line = f"train_relu: process {left + 1} of 2 lost the others; nothing was written"
    assert trainings[left].outcome() == (1, [line])
    assert_nothing_written(prepared)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("batch_size", [1, 3, 16, 64])
def test_the_processes_rows_make_up_the_batch(random_data, monkeypatch, size, batch_size):
    data = random_data(50, 10, 3, 0)
    monkeypatch.setattr("diagonal.training.batches.GATHER", 9 * 20)

    def epoch(kind, rank=0):
        for name, value in (("RANK", rank), ("WORLD_SIZE", size), ("LOCAL_RANK", rank)):
            monkeypatch.setenv(name, str(value))
        sampler = make_balanced_sampler(data.y)
        torch.manual_seed(1)
        sampler.generator.manual_seed(1)
        train = kind(data.x, data.y, batch_size=batch_size, sampler=sampler, hflip=0.5)
        return [*train, *kind(data.x_val, data.y_val, batch_size=batch_size)]

    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    shares = [epoch(SharedBatches, rank) for rank in range(size)]
    for whole, *parts in zip(epoch(Batches), *shares, strict=True):
        for tensor, *of_each in zip(whole, *parts, strict=True):
            assert torch.equal(torch.cat(of_each), tensor)
            assert max(map(len, of_each)) - min(map(len, of_each)) <= 1
