"""How a command begins and ends: garbage collection, exit status, what is written where."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from diagonal import command
from diagonal.errors import InputError

ROOT = Path(__file__).parents[1]
PROBE = """
import gc, os, signal, sys
from diagonal import command
from diagonal.errors import InputError

at_import = gc.isenabled()

def main():
    print(f"at import {at_import}, in main {gc.isenabled()}")
    print("warning", file=sys.stderr)
    LAST

if __name__ == "__main__":
    command.run(main)
"""


@pytest.fixture
def probe(tmp_path):
    """Run a stage whose main ends with this line, as `python WORDS -m stages.probe`."""

    def run(last="pass", *words):
        for package in ("diagonal", "stages"):
            shutil.copytree(ROOT / package, tmp_path / package)
        (tmp_path / "stages/probe.py").write_text(PROBE.replace("LAST", last))
        buffered = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
        return subprocess.run(
            [sys.executable, *words, "-m", "stages.probe"], cwd=tmp_path, text=True, check=False,
            env=buffered,  # what is printed is lost unless it is flushed
            capture_output=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("last", "status", "said"),
    [
        ("pass", 0, ""),
        ("return 3", 3, ""),
        ("raise InputError('params.yaml: expected this')", 1, "params.yaml: expected this\n"),
        ("os.kill(os.getpid(), signal.SIGINT)", 130, ""),
    ],
)
def test_the_status_tells_how_it_ended_and_all_that_was_printed_is_there(probe, last, status, said):
    done = probe(last)
    assert (done.returncode, done.stderr) == (status, f"warning\n{said}")
    assert done.stdout == "at import False, in main True\n"


@pytest.mark.parametrize(("words", "enabled"), [(["-u"], False), (["-X", "dev"], True)])
def test_garbage_is_not_collected_while_the_command_that_was_asked_for_imports(
    probe, words, enabled
):
    assert probe("pass", *words).stdout == f"at import {enabled}, in main True\n"


def test_every_other_exception_keeps_its_traceback(probe):
    done = probe("1 / 0")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "    1 / 0\n" in done.stderr


def test_a_profiler_goes_on_after_it(probe):
    done = probe("pass", "-m", "cProfile")
    assert done.returncode == 0, done.stderr
    assert "function calls" in done.stdout.partition("in main True\n")[2]


def test_who_calls_it_within_a_process_keeps_the_process(capsys):
    def main():
        raise InputError("expected this")

    with pytest.raises(SystemExit) as caught:
        command.run(main)
    assert caught.value.code == 1
    assert capsys.readouterr().err == "expected this\n"
    assert gc.isenabled()
