"""Stages side by side give what `dvc repro` gives, held to DVC itself on small pipelines."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The order here is not the order in which they can run, nor that in which they end.
WIRING = """\
stages:
  last:
    cmd: cat left.txt right.txt >last.txt
    deps: [left.txt, right.txt]
    outs: [last.txt]
  aside:
    cmd: sleep {aside}; cp source.txt aside.txt
    deps: [source.txt]
    outs: [aside.txt]
  right:
    cmd: sleep {right}; cat first.txt first.txt >right.txt
    deps: [first.txt]
    outs: [right.txt: {{cache: false}}]
  left:
    cmd: sleep {left}; echo left >left.txt; cat first.txt >>left.txt
    deps: [first.txt]
    params: [a]
    outs: [left.txt]
  first:
    cmd: echo run >>$RUNS; cp source.txt first.txt
    deps: [source.txt]
    outs: [first.txt]
"""
COMMAND = sys.executable, "-m", "running"


def wire(folder, **seconds):
    times = {"aside": 0, "left": 0, "right": 0, **seconds}
    (folder / "dvc.yaml").write_text(WIRING.format(**times))


@pytest.fixture(scope="module")
def never_run(tmp_path_factory, run_in):
    """A small pipeline that was never run, to be copied."""
    folder = tmp_path_factory.mktemp("small") / "pipeline"
    folder.mkdir()
    assert run_in(folder, "dvc", "init", "--quiet", "--no-scm").returncode == 0
    wire(folder)
    (folder / "source.txt").write_text("1\n")
    (folder / "params.yaml").write_text("a: 1\n")
    return folder


@pytest.fixture
def pair(never_run, tmp_path, run_in):
    """Two copies of a small pipeline that was never run, and a way to run commands in them."""
    first, second = tmp_path / "side by side", tmp_path / "serial"
    for folder in (first, second):
        shutil.copytree(never_run, folder)
    return first, second, partial(run_in, PYTHONPATH=str(ROOT), RUNS=str(tmp_path / "runs"))


def same(first, second):
    names = ["dvc.lock", *sorted(path.name for path in second.glob("*.txt"))]
    assert len(names) == 7
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_dvc_lock_has_the_bytes_of_a_serial_run_from_nothing_and_after_changes(pair):
    first, second, run = pair
    chance = random.Random(6)

    def start_over(folder):
        (folder / "source.txt").write_text("2\n")
        (folder / "dvc.lock").unlink()

    changes = [
        lambda folder: None,
        lambda folder: (folder / "params.yaml").write_text("a: 2\n"),
        start_over,
    ]
    for change in changes:
        seconds = {name: chance.choice((0, 0.5, 1)) for name in ("aside", "left", "right")}
        for folder in (first, second):
            wire(folder, **seconds)
            change(folder)
        serial, parallel = run(second, "dvc", "repro"), run(first, *COMMAND, "3")
        assert serial.returncode == parallel.returncode == 0, parallel.stdout + parallel.stderr
        assert same(first, second), seconds


def test_a_second_call_starts_nothing(pair):
    first, _, run = pair
    assert run(first, *COMMAND, "2").returncode == 0
    again = run(first, *COMMAND, "2")
    assert (again.returncode, again.stdout) == (0, "Data and pipelines are up to date.\n")
    (first / "params.yaml").write_text("a: 2\n")
    started = run(first, *COMMAND, "2").stdout.splitlines()
    assert [line for line in started if line.startswith("started")] == [
        "started left",
        "started last",
    ]


def test_a_failed_stage_ends_in_status_1_and_what_does_not_need_it_finishes(pair):
    first, _, run = pair
    wire(first, left="0; false; exit 3", right=2)
    result = run(first, *COMMAND, "2")
    assert result.returncode == 1
    assert result.stderr == "failed, and what needs them was not run: left\n"
    assert "exited with 3" in result.stdout
    assert (first / "right.txt").exists()
    assert (first / "aside.txt").exists()
    assert not (first / "last.txt").exists()
    wire(first, right=2)
    assert run(first, *COMMAND, "2").returncode == 0
    assert (first / "last.txt").read_text() == "left\n1\n1\n1\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_every_stage_and_leaves_no_lock(pair, number):
    first, _, run = pair
    wire(first, aside="0; echo $$ >pid; sleep 60")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RUNS": os.devnull}
    with subprocess.Popen(
        [*COMMAND, "2"], cwd=first, env=environment, stderr=subprocess.PIPE, text=True
    ) as runner:
        pid = first / "pid"
        for _ in range(600):
            if pid.exists() and pid.read_text().endswith("\n"):
                break
            time.sleep(0.1)
        runner.send_signal(number)
        assert "interrupted" in runner.communicate(timeout=30)[1]
    assert runner.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    wire(first)
    assert run(first, "dvc", "repro").returncode == 0


@pytest.mark.parametrize("jobs", ["0", "x", "-1", "1.5", "2 3", ""])
def test_a_number_of_jobs_that_is_none_is_one_line_and_status_1(tmp_path, run_in, jobs):
    result = run_in(tmp_path, *COMMAND, "--", jobs, PYTHONPATH=str(ROOT))
    assert result.returncode == 1
    assert result.stderr == f"JOBS: expected a whole number of at least 1, found {jobs}\n"
    assert not list(tmp_path.iterdir())


def test_make_repro_runs_side_by_side_only_when_asked(run):
    plain = run("make", "--dry-run", "repro").stdout
    asked = run("make", "--dry-run", "repro", "JOBS=2").stdout
    assert "\ndvc repro\n" in plain
    assert "running" not in plain
    assert '\npython -m running "2"\n' in asked
    assert -1 < asked.index("python -m checks.params") < asked.index("python -m running")


def test_git_and_dvc_push_spare_another_machine_every_command(pair, tmp_path):
    first, second, run = pair
    for folder in (first, second):
        run(folder, "dvc", "remote", "add", "--default", "shared", str(tmp_path / "remote"))
    assert run(first, *COMMAND, "2").returncode == 0
    assert run(first, "dvc", "commit", "--force").returncode == 0
    assert run(first, "dvc", "push", "--run-cache").returncode == 0

    by_run_cache = run(second, "dvc", "repro", "--pull")
    running = [line for line in by_run_cache.stdout.splitlines() if line.startswith("Running")]
    assert running == ["Running stage 'right':"]  # dvc push leaves out what has cache: false
    assert same(second, first)

    third = tmp_path / "third"
    third.mkdir()
    shutil.copytree(second / ".dvc", third / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", "source.txt", "right.txt"):  # git's part
        shutil.copyfile(first / name, third / name)
    assert run(third, "dvc", "pull").returncode == 0
    assert "Running" not in run(third, *COMMAND, "2").stdout
    assert same(third, first)
    assert (tmp_path / "runs").read_text() == "run\n"
