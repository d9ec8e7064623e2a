"""Break the pipeline on purpose, and see that nothing is lost: `python -m checks.faults`.

In throw-away copies of the project, which must be up to date (`dvc repro`), stages and DVC are
killed at random moments, the disk and other resources run out, inputs are corrupted and params.yaml
is mutated. After each fault:

- every output is there as it was, or as the stage writes it: never a part of it, but for the losses
  of a training that was killed, which may end with an earlier epoch;
- what is said is lines for a user: no traceback, and of bad input where it is and what it is;
- a process that was not killed leaves no temporary file, and the next run of the stage removes
  those of one that was.

After each kind of fault `dvc repro` must end with the committed bytes. Prints a table of what was
tried, what held and what fell; the exit status is 1 where something fell. About half an hour.
Linux; without root the disk is not filled.

Stages run in forks of this process, which has imported them: so a random moment hits their work,
not Python's imports.
"""

import argparse
import importlib
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from tabulate import tabulate
from tqdm import tqdm

from checks import mutations, params
from checks.reproduction import CannotTellError, call, copy_project, output_files, stale, variables
from checks.wiring import below, declared
from diagonal.pipeline import command

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SLOW = ("claims_training", "claims_data", "claims_boundaries")  # tens of seconds each


class Fault(NamedTuple):
    """One thing that was done, and what was not as promised after it; nothing where it held."""

    kind: str
    what: str
    fell: str = ""


class Project:
    """A copy of the project with all outputs, in which faults are planted.

    expected: path -> bytes of every output and of dvc.lock.
    stages: what `declared` has of them, without the frozen ones.
    """

    def __init__(self, root: Path, folder: Path):
        copy_project(root, folder)
        for path in output_files(root):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, folder / path)
        cache = call(["dvc", "cache", "dir"], root).stdout.strip()
        call(["dvc", "config", "--local", "cache.dir", str(root / cache)], folder)
        self.folder, self.stages = folder, declared(folder)
        paths = [*output_files(folder), "dvc.lock", "params.yaml"]
        self.expected = {path: (folder / path).read_bytes() for path in paths}

    def outputs(self, stage: str) -> list[str]:
        """List the files that a stage writes."""
        return [path for path in self.expected if below(path, self.stages[stage]["outputs"])]

    def inputs(self, stage: str) -> list[str]:
        """List the files that a stage reads of what others write."""
        return [path for path in self.expected if below(path, self.stages[stage]["inputs"])]

    def not_as_promised(self, killed: bool = False) -> str:
        """Find what is neither as committed nor missing, and temporary files."""
        for path, content in self.expected.items():
            file = self.folder / path
            found = file.read_bytes() if file.exists() else content
            grown = killed and below(path, ["plots/losses"]) and found.endswith(b"\n")
            if found != content and not (grown and content.startswith(found)):
                return f"{path} is neither the old nor the new one"
        left = [path for path in self.folder.rglob(".*.*[0-9]") if path.suffix[1:].isdigit()]
        if left and not killed:
            return f"{left[0].relative_to(self.folder)} is left behind"
        return ""

    def missing(self) -> str:
        """Find an output that is not there."""
        lost = [path for path in self.expected if not (self.folder / path).exists()]
        return f"{lost[0]} is missing" if lost else ""

    def restore(self) -> None:
        """Put back what a fault took or changed."""
        for path, content in self.expected.items():
            file = self.folder / path
            if not file.exists() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)

    def reproduced(self, kind: str) -> Fault:
        """Let DVC bring everything back."""
        try:
            call(["dvc", "repro"], self.folder)
            differs = self.not_as_promised() or self.missing() or "".join(stale(self.folder)[:1])
        except CannotTellError as err:
            differs = str(err)
        return Fault(kind, "then dvc repro", differs)


class Run(NamedTuple):
    """A finished process: exit status, negative for a signal, what it said, how long it took."""

    status: int
    said: str
    seconds: float


def start(project: Project, main: Callable, prepare: Callable = lambda: None, after=None) -> Run:
    """Run a function as a command in a fork of this process, in the project's folder.

    `prepare` is called there before it; after (seconds, signal) it is sent that signal, an
    interrupt to its children, too, as a terminal does.
    """
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        heeded = signal.signal(signal.SIGINT, signal.SIG_DFL)  # as a stage has it at first
        pid = os.fork()
        if pid == 0:
            _child(project.folder, main, prepare, said.fileno())
        signal.signal(signal.SIGINT, heeded)
        if after:
            os.setpgid(pid, pid)
            seconds, number = after
            while time.monotonic() - began < seconds and _runs(pid):
                time.sleep(0.001)
            (os.killpg if number == signal.SIGINT else os.kill)(pid, number)
        _, status = os.waitpid(pid, 0)
        said.seek(0)
        text = said.read().decode(errors="replace")
        return Run(os.waitstatus_to_exitcode(status), text, time.monotonic() - began)


def _runs(pid: int) -> bool:
    return ") Z " not in Path(f"/proc/{pid}/stat").read_text()


def _child(folder: Path, main: Callable, prepare: Callable, said: int) -> None:
    status = 1
    try:
        os.chdir(folder)
        nothing = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, nothing), (1, nothing), (2, said)):
            os.dup2(source, target)
        prepare()
        command.run(main)
    except SystemExit as err:
        status = err.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def said_badly(run: Run, lines: int = 1) -> str:
    """Find what a user should not have to read: a traceback, nothing at all, more than so much."""
    told = run.said.strip().splitlines()
    if "Traceback" in run.said:
        return f"a traceback: {told[-1]}"
    if run.status == 1 and not 1 <= len(told) <= lines:
        return f"{len(told)} lines: {run.said.strip()[:80]}"
    return ""


def main_of(stage: str) -> Callable:
    return importlib.import_module(f"stages.{stage}").main


# The kinds of fault


def kills_of_stages(project: Project, stream: random.Random) -> Iterator[Fault]:
    """Kill each stage at random moments of its work, with its outputs there and without."""
    for stage in project.stages:
        main, kind = main_of(stage), "a stage is killed"
        seconds = start(project, main).seconds
        for number in SIGNALS * (1 if stage in SLOW else 3):
            without = stream.random() < 0.5
            if without:
                for path in project.outputs(stage):
                    (project.folder / path).unlink()
            moment = stream.uniform(0, seconds)
            run = start(project, main, after=(moment, number))
            what = f"{stage}, {number.name} after {moment:.2f} s{', nothing before' * without}"
            fell = project.not_as_promised(killed=number != signal.SIGINT) or said_badly(run)
            lost = "" if without else project.missing()
            again = start(project, main)
            after = project.not_as_promised() or project.missing() or said_badly(again)
            yield Fault(kind, what, fell or lost or after)
            project.restore()
    yield project.reproduced(kind)


def kills_of_dvc(project: Project, stream: random.Random) -> Iterator[Fault]:
    """Kill DVC, alone and with its stage, serial and side by side."""
    for words in (
        ["dvc", "repro", "--force", "--single-item", "split"],
        ["python", "-m", "running", "2"],
    ):
        kind = "DVC is killed" if words[0] == "dvc" else "side by side, killed"
        for number, group in [(number, group) for number in SIGNALS for group in (False, True)] * 2:
            for name in ("split.json", "generate.json"):  # so that something is to be done
                (project.folder / "metrics" / name).unlink(missing_ok=True)
            process = subprocess.Popen(
                words, cwd=project.folder, env=variables(), text=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            moment = stream.uniform(0, 12)
            try:
                _, said = process.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                (os.killpg if group else os.kill)(process.pid, number)
                _, said = process.communicate()
            whom = "all" if group else "it alone"
            what = f"{' '.join(words)}: {number.name} to {whom} after {moment:.1f} s"
            fell = "a traceback" if "Traceback" in said else project.not_as_promised(killed=True)
            if (project.folder / "dvc.lock").read_bytes() != project.expected["dvc.lock"]:
                fell = "dvc.lock is cut off"
            if fell:
                project.restore()
            yield Fault(kind, what, fell)
        yield project.reproduced(kind)


def full_disks(project: Project, stream: random.Random) -> Iterator[Fault]:
    """Let every stage write to a disk that has room for a part of its outputs."""
    kind = "the disk is full"
    if os.geteuid() != 0:
        yield Fault(kind, "left out: mounting a small disk needs root")
        return
    for stage in project.stages:
        if stage in SLOW:
            continue
        for _ in range(2):
            with small_disk(project, stream):
                disk = str(project.folder / "plots")

                def prepare(disk=disk):
                    os.environ["TMPDIR"] = tempfile.tempdir = disk

                run = start(project, main_of(stage), prepare)
                fell = said_badly(run) or project.not_as_promised() or project.missing()
            yield Fault(kind, stage, fell)
            project.restore()
    yield project.reproduced(kind)


@contextmanager
def small_disk(project: Project, stream: random.Random):
    """Put data, models, metrics and plots on a disk with little room, for as long as the block."""
    folders = ("data", "models", "metrics", "plots")
    disk = project.folder / ".disk"
    disk.mkdir()
    size = sum(len(content) for content in project.expected.values())
    n_files = len(project.expected)
    room = stream.randrange(4, 200) * 1024
    options = f"size={size + n_files * 4096 + room}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
    try:
        for name in folders:
            shutil.copytree(project.folder / name, disk / name)
            shutil.rmtree(project.folder / name)
            (project.folder / name).symlink_to(disk / name)
        free = shutil.disk_usage(disk).free
        (disk / "ballast").write_bytes(bytes(max(free - room, 0)))
        yield
    finally:
        for name in folders:
            (project.folder / name).unlink()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()
        project.restore()


def limits(project: Project, stream: random.Random) -> Iterator[Fault]:
    """Let every stage reach a limit: of a file's size, of open files, of memory."""
    kind = "a limit is reached"
    for stage in project.stages:
        for what, limit in (
            ("file size", lambda: _limit(resource.RLIMIT_FSIZE, stream.randrange(20, 400))),
            ("open files", lambda: _limit(resource.RLIMIT_NOFILE, stream.randrange(3, 12))),
            ("memory", lambda: _limit(resource.RLIMIT_AS, _size() + stream.randrange(1, 2**22))),
        ):
            if stage in SLOW and what != "open files":
                continue
            run = start(project, main_of(stage), limit)
            fell = said_badly(run) or project.not_as_promised() or project.missing()
            yield Fault(kind, f"{stage}, {what}", fell)
            project.restore()
    yield project.reproduced(kind)


def _limit(which: int, value: int) -> None:
    resource.setrlimit(which, (value, value))


def _size() -> int:
    """Find how many bytes this process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def corrupt_inputs(project: Project, stream: random.Random) -> Iterator[Fault]:
    """Let every stage read each of its inputs in every broken form."""
    kind = "an input is corrupt"
    for stage in project.stages:
        for path in project.inputs(stage):
            content = project.expected[path]
            for name, broken in mutations.of_file(path, content, stream):
                (project.folder / path).write_bytes(broken)
                run = start(project, main_of(stage))
                (project.folder / path).write_bytes(content)
                fell = said_badly(run)
                if run.status == 1 and not fell:
                    # Of two files that contradict each other, either may be named.
                    named = any(each in run.said for each in project.inputs(stage))
                    fell = project.not_as_promised() or ("" if named else f"said: {run.said}")
                yield Fault(kind, f"{stage}, {path}: {name}", fell)
                project.restore()
    yield project.reproduced(kind)


def mutated_params(project: Project, stream: random.Random) -> Iterator[Fault]:
    """Check params.yaml in 300 random versions, and in those that YAML itself makes odd."""
    kind, text = "params.yaml is mutated", project.expected["params.yaml"].decode()
    for name, content in mutations.of_params(text, 300, stream):
        (project.folder / "params.yaml").write_bytes(content)
        run = start(project, params.main)
        fell = said_badly(run, lines=40)  # each key of an empty file is missing
        wrong = [line for line in run.said.splitlines() if not line.startswith("params.yaml: ")]
        if run.status == 1 and wrong and not fell:
            fell = f"said: {wrong[0]}"
        yield Fault(kind, name, fell)
        project.restore()
    yield project.reproduced(kind)


def at_once(project: Project, stream: random.Random) -> Iterator[Fault]:
    """Run DVC twice at once, and while `make check` runs."""
    kind = "two at once"
    repro = ["dvc", "repro", "--force", "--single-item", "split"]
    options = {
        "cwd": project.folder, "env": variables(), "text": True,
        "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
    }  # fmt: skip
    for second in (repro, ["python", "-m", "checks"]):
        processes = [subprocess.Popen(words, **options) for words in (second, repro)]
        ends = [(each.communicate(), each.returncode) for each in processes]
        fell = project.not_as_promised() or project.missing()
        for (out, err), status in ends:
            told = [line for line in (out + err).splitlines() if line and "Traceback" in line]
            fell = fell or (f"status {status}: {told[0]}" if told else "")
        yield Fault(kind, f"{' '.join(second)} and {' '.join(repro)}", fell)
        project.restore()
    yield project.reproduced(kind)


KINDS = (
    mutated_params, corrupt_inputs, kills_of_stages, full_disks, limits, kills_of_dvc, at_once
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.faults")
    parser.add_argument("--seed", type=int, default=0, help="of moments and mutations")
    parser.add_argument("--only", choices=[each.__name__ for each in KINDS], help="one kind alone")
    arguments = parser.parse_args()
    # In the background it is ignored, by what is started there, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)  # forks must not wait for threads that only their parent has
    if changed := stale(Path.cwd()):
        print(f"expected a pipeline that is up to date, found: {changed[0]}; run `dvc repro`")
        return 2
    for stage in declared(Path.cwd()):
        main_of(stage)
    faults = []
    for kind in KINDS:
        if arguments.only not in (None, kind.__name__):
            continue
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            project = Project(Path.cwd(), Path(folder, "project"))
            stream = random.Random(arguments.seed)
            for fault in tqdm(kind(project, stream), kind.__name__, disable=None):
                faults.append(fault)
                if fault.fell:
                    print(f"{fault.kind}: {fault.what}: {fault.fell}", flush=True)
    kinds = dict.fromkeys(fault.kind for fault in faults)
    rows = []
    for kind in kinds:
        of_kind = [fault for fault in faults if fault.kind == kind]
        fell = sum(bool(fault.fell) for fault in of_kind)
        rows.append((kind, len(of_kind), len(of_kind) - fell, fell))
    print(tabulate(rows, ["fault", "tried", "held", "fell"], tablefmt="github"))
    return int(any(fault.fell for fault in faults))


if __name__ == "__main__":
    command.run(main)
