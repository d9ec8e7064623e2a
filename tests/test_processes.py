"""One training on several processes: real ones, that torchrun starts."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

MODELS = ("logistic", "deepish", "relu")


def outputs(name):
    return [f"models/{name}.safetensors", f"plots/losses/{name}.csv"]


def read(folder, name):
    return [(folder / path).read_bytes() for path in outputs(name)]


def change(folder, old, new):
    path = folder / "params.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def torchrun(n, name="relu"):
    return "torchrun", "--standalone", "--nproc-per-node", str(n), "-m", f"stages.train_{name}"


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
    return shutil.copytree(trained[0], tmp_path / "project", symlinks=True)


def assert_nothing_written(folder):
    assert not [path for path in outputs("relu") if (folder / path).exists()]
    assert not list(folder.glob("*/.*.safetensors.*"))


@pytest.mark.parametrize(("name", "n"), [("logistic", 2), ("deepish", 4), ("relu", 1), ("relu", 3)])
def test_the_bytes_are_those_of_one_process(trained, prepared, run_in, name, n):
    result = run_in(prepared, *torchrun(n, name))
    assert result.returncode == 0, result.stderr
    assert read(prepared, name) == trained[1][name]


def test_more_processes_than_images_in_a_batch_change_no_byte(prepared, run_in):
    change(prepared, "batch_size: 16", "batch_size: 3")
    results = []
    for command in (("python", "-m", "stages.train_relu"), torchrun(4)):
        done = run_in(prepared, *command)
        assert done.returncode == 0, done.stderr
        results.append(read(prepared, "relu"))
    assert results[0] == results[1]


def test_in_dvcs_eyes_the_command_alone_is_another(prepared, run_in):
    def repro():
        result = run_in(prepared, "dvc", "repro", "--single-item", "train_relu")
        assert result.returncode == 0, result.stderr
        return result.stdout, (prepared / "dvc.lock").read_text().splitlines()

    _, alone = repro()
    change(prepared, "launch: python ", "launch: torchrun --standalone --nproc-per-node 2 ")
    told, together = repro()
    assert "> torchrun --standalone --nproc-per-node 2 -m stages.train_relu" in told
    differences = [pair for pair in zip(alone, together, strict=True) if pair[0] != pair[1]]
    assert differences == [
        (
            "    cmd: python -m stages.train_relu",
            "    cmd: torchrun --standalone --nproc-per-node 2 -m stages.train_relu",
        )
    ]


def test_float32_is_refused_in_a_line_of_each(prepared, run_in):
    change(prepared, "precision: float64", "precision: float32")
    result = run_in(prepared, *torchrun(2))
    assert result.returncode != 0
    assert (
        "params.yaml: train.precision: expected float64 with several processes, found float32, "
        "whose bits would depend on their number"
    ) in result.stderr.splitlines()
    assert_nothing_written(prepared)


def test_bad_input_is_told_and_nothing_written(prepared, run_in):
    (prepared / "data/split/val.npy").unlink()
    result = run_in(prepared, *torchrun(2))
    line = "data/split/val.npy: expected a .npy file, found none; run `dvc repro`"
    assert line in result.stderr.splitlines()
    assert result.returncode != 0
    assert_nothing_written(prepared)


class Training:
    """A stage that trains for ever, on a terminal of its own, until somebody ends it."""

    def __init__(self, folder, *command, **environment):
        self.terminal, shown = pty.openpty()
        termios.tcsetwinsize(shown, (24, 100))
        variables = os.environ | environment
        path = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
        self.stage = subprocess.Popen(
            command, cwd=folder, env=variables | {"PATH": path}, stdout=shown, stderr=shown
        )
        os.close(shown)
        self.said = ""

    def listen(self, seconds):
        """Take what is on the terminal, waiting for it for so long."""
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                self.said += os.read(self.terminal, 2**16).decode(errors="replace")
            except OSError:  # nobody writes any more
                return False
        return True

    def wait_until_it_trains(self):
        deadline = time.monotonic() + 120
        while "val_loss=" not in self.said:
            if time.monotonic() > deadline or not self.listen(1):
                self.stage.terminate()
                pytest.fail(f"does not train: {self.said}")

    def processes(self):
        """Find the processes that train: rank -> pid."""
        children = Path(f"/proc/{self.stage.pid}/task/{self.stage.pid}/children").read_text()
        found = {}
        for pid in map(int, children.split()):
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            rank = next(each for each in environment if each.startswith(b"RANK="))
            found[int(rank.removeprefix(b"RANK="))] = pid
        return found

    def status(self, seconds=90):
        """Wait for the end; return the exit status."""
        deadline = time.monotonic() + seconds
        try:
            while self.stage.poll() is None:
                assert time.monotonic() < deadline, self.said
                self.listen(0.1)  # or the terminal would be full
        finally:
            self.stage.kill()
            self.stage.wait()
            while self.listen(0) and select.select([self.terminal], [], [], 0)[0]:
                pass
            os.close(self.terminal)
        return self.stage.returncode


def endless(folder):
    change(folder, "\n  n_epochs: 3\n", "\n  n_epochs: 100000\n")
    return folder


def runs(pid):
    """Tell whether a process is there and no zombie that nobody has fetched yet."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def assert_all_end(pids):
    deadline = time.monotonic() + 60
    while any(map(runs, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_progress_is_shown_once_on_a_terminal(prepared):
    training = Training(prepared, *torchrun(2))
    assert training.status() == 0
    (bar,) = [line for line in training.said.split("\n") if "relu: 100%" in line]
    assert "3/3" in bar


@pytest.mark.parametrize(
    ("rank", "number"), [(0, signal.SIGKILL), (1, signal.SIGKILL), (1, signal.SIGTERM)]
)
def test_a_process_that_is_ended_ends_the_stage(prepared, rank, number):
    training = Training(endless(prepared), *torchrun(2))
    training.wait_until_it_trains()
    pids = training.processes()
    assert sorted(pids) == [0, 1]
    os.kill(pids[rank], number)
    assert training.status() != 0
    assert_all_end(pids.values())
    assert_nothing_written(prepared)


def test_a_stage_that_is_ended_ends_its_processes(prepared):
    training = Training(endless(prepared), *torchrun(2))
    training.wait_until_it_trains()
    pids = training.processes()
    training.stage.send_signal(signal.SIGTERM)
    assert training.status() != 0
    assert_all_end(pids.values())
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

    def start():
        other = shutil.copytree(prepared, tmp_path / "other", symlinks=True)
        options = "--nnodes 2 --nproc-per-node 1 --master-addr 10.77.0.1 --master-port 29500"
        trainings = []
        for rank, folder in enumerate((prepared, other)):
            node = ("--node-rank", str(rank), "-m", "stages.train_relu")
            command = (*machines[rank], "torchrun", *options.split(), *node)
            trainings.append(Training(folder, *command, GLOO_SOCKET_IFNAME="eth0"))
        return trainings

    return start


def test_two_machines_store_the_bytes_of_one(trained, prepared, on_two_machines, tmp_path):
    trainings = on_two_machines()
    assert [training.status() for training in trainings] == [0, 0]
    assert read(prepared, "relu") == trained[1]["relu"]
    assert_nothing_written(tmp_path / "other")


@pytest.mark.parametrize("dying", [0, 1])
def test_a_machine_that_loses_another_ends_and_writes_nothing(prepared, on_two_machines, dying):
    endless(prepared)
    trainings = on_two_machines()
    trainings[0].wait_until_it_trains()
    (victim,) = trainings[dying].processes().values()
    trainings[dying].stage.kill()
    os.kill(victim, signal.SIGKILL)
    assert trainings[dying].status() != 0
    assert trainings[1 - dying].status() != 0
    assert_nothing_written(prepared)
