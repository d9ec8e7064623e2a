"""Break the lecture on purpose, and see that nothing is lost: `python -m checks.faults`.

In throw-away copies of the project, which must be up to date (`dvc repro`), inputs are broken,
stages are killed at random moments, the disk fills up and DVC runs twice at once. After each fault
every output is the old one or the new one and never a part of either, and at the end `dvc repro`
brings back the committed bytes.

Prints what fell; the exit status is 1 if something did. Linux; only root can fill the disk. Stages
run in forks of this process, which has imported them, so that a moment hits work, not imports.
"""

import importlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from checks.reproduction import call, copy_project, output_files, stale
from checks.wiring import LECTURE, below, declared
from diagonal import command

FORK = multiprocessing.get_context("fork")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
DISK = 2**27  # bytes of the disk that fills up; a copy of the project takes a third


class Project:
    """A copy of the project with the lecture's outputs, which knows their bytes."""

    def __init__(self, root: Path, folder: Path):
        copy_project(root, folder)
        paths = [*output_files(root, [LECTURE]), LECTURE.file.replace(".yaml", ".lock")]
        self.folder, self.stages = folder, declared(folder)
        self.expected = {path: (root / path).read_bytes() for path in paths}
        self.restore()

    def restore(self) -> None:
        """Put back what a fault took or changed."""
        for path, content in self.expected.items():
            file = self.folder / path
            if not file.exists() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)

    def fallen(self, killed: bool = False) -> str:
        """Find an output that is missing or a part of itself, and files left behind."""
        for path, content in self.expected.items():
            file = self.folder / path
            if not file.exists():
                return f"{path} is missing"
            if file.read_bytes() != content:
                return f"{path} is neither the old nor the new one"
        left = [path for path in self.folder.rglob(".*.*[0-9]") if path.suffix[1:].isdigit()]
        return "" if killed or not left else f"{left[0].name} is left behind"

    def reproduced(self) -> str:
        """Let DVC bring everything back; say what it does not."""
        call(["dvc", "repro"], self.folder)
        return self.fallen() or "".join(stale(self.folder, LECTURE.file)[:1])


def run(
    folder: Path, stage: str, moment: float | None = None, number: int = signal.SIGKILL
) -> tuple[int, str]:
    """Run a stage in a folder, to be sent a signal after some seconds if it still runs.

    Returns:
        its exit status, negative for a signal, and what it said on standard error.
    """
    with tempfile.TemporaryFile() as said:
        process = FORK.Process(target=_child, args=(folder, stage, said.fileno()))
        process.start()
        process.join(moment)
        if process.is_alive():
            os.kill(process.pid, number)
        process.join()
        said.seek(0)
        return process.exitcode, said.read().decode(errors="replace")


def _child(folder: Path, stage: str, said: int) -> None:
    os.chdir(folder)
    os.dup2(said, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command.run(importlib.import_module(f"{LECTURE.package}.{stage}").main)


# The kinds of fault: each yields what was done, and what fell, nothing if it held


def corrupt_inputs(project: Project, stream: random.Random) -> Iterator[tuple[str, str]]:
    """Cut off each input of each stage, or replace it by noise: a line must name one."""
    for stage, wiring in project.stages.items():
        inputs = [path for path in project.expected if below(path, wiring["inputs"])]
        for path in inputs:
            content = project.expected[path]
            cut = content[: stream.randrange(len(content))]
            for broken in (b"", cut, stream.randbytes(len(content))):
                (project.folder / path).write_bytes(broken)
                status, said = run(project.folder, stage)
                (project.folder / path).write_bytes(content)
                told = status == 1 and said.count("\n") == 1 and any(p in said for p in inputs)
                fell = project.fallen() if told else f"said: {said[-300:]}"
                # what is still a valid file may be taken
                yield f"{stage} reads a broken {path}", fell if status else ""
                project.restore()


def kills(project: Project, stream: random.Random) -> Iterator[tuple[str, str]]:
    """Kill each stage at random moments of its work."""
    for stage in project.stages:
        for number in SIGNALS * 3:
            moment = stream.uniform(0, 3)
            run(project.folder, stage, moment, number)
            fell = project.fallen(killed=True)
            run(project.folder, stage)
            what = f"{stage} gets {number.name} after {moment:.2f} s"
            yield what, fell or project.fallen()
            project.restore()


def full_disks(project: Project, stream: random.Random) -> Iterator[tuple[str, str]]:
    """Let each stage write to a disk that has room for a part of its outputs."""
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder]
        subprocess.run(mount, check=True)
        try:
            small, ballast = Project(project.folder, Path(folder, "project")), Path(folder, "full")
            for stage in list(small.stages) * 2:
                room = stream.randrange(4, 200) * 1024
                ballast.write_bytes(bytes(shutil.disk_usage(folder).free - room))
                run(small.folder, stage)
                yield f"{stage} has {room:,} bytes", small.fallen()
                ballast.unlink()
                small.restore()
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def two_at_once(project: Project, stream: random.Random) -> Iterator[tuple[str, str]]:
    """Run DVC twice at once: one of both may refuse, nothing may be lost."""
    words = ["dvc", "repro", "--force", "--single-item", "split"]
    for _ in range(3):
        both = [subprocess.Popen(words, cwd=project.folder, **SILENT) for _ in "ab"]
        done = [process.wait() for process in both]
        yield "dvc repro twice at once", "both refuse" if all(done) else project.fallen()
        project.restore()


KINDS = (corrupt_inputs, kills, full_disks, two_at_once)


def main() -> int:
    if changed := stale(Path.cwd(), LECTURE.file):
        print(f"expected a pipeline that is up to date, found: {changed[0]}; run `dvc repro`")
        return 2
    torch.set_num_threads(1)  # forks must not wait for threads that only their parent has
    for stage in declared(Path.cwd()):
        importlib.import_module(f"{LECTURE.package}.{stage}")
    status = 0
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            project, tried, fallen = Project(Path.cwd(), Path(folder, "project")), 0, 0
            for what, fell in kind(project, random.Random(0)):
                tried, fallen = tried + 1, fallen + bool(fell)
                if fell:
                    print(f"{what}: {fell}", flush=True)
            after = project.reproduced() or "reproduced"
            print(f"{kind.__name__}: {tried} tried, {fallen} fell; {after}")
            status |= bool(fallen) or after != "reproduced"
    return status


if __name__ == "__main__":
    command.run(main)
