"""How a stage begins and ends: garbage collection, exit status, what is written where."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from diagonal.pipeline import command
from diagonal.pipeline.errors import InputError

ROOT = Path(__file__).parents[1]

PROBE = """
import gc
import sys
from diagonal.pipeline import command
from diagonal.pipeline.errors import InputError

at_import = gc.isenabled()

def main():
    print(f"at import {at_import}, in main {gc.isenabled()}")
    print("warning", file=sys.stderr)
    {last}

if __name__ == "__main__":
    command.run(main)
    print("never reached")
"""


def heed_interrupts():
    """Undo what a shell does to commands that it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def probe(tmp_path):
    """Run a stage whose main ends with this line; return the finished process."""

    def run(last="pass", **options):
        for package in ("diagonal", "stages"):
            shutil.copytree(ROOT / package, tmp_path / package)
        (tmp_path / "stages/probe.py").write_text(PROBE.replace("{last}", last))
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        buffered = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
        return subprocess.run(
            [sys.executable, "-m", "stages.probe"],
            cwd=tmp_path,
            env=buffered,  # what is printed is lost unless it is flushed
            text=True,
            check=False,
            preexec_fn=heed_interrupts,
            **streams,
        )

    return run


def test_a_stage_pauses_garbage_collection_for_its_imports_alone(probe):
    done = probe()
    assert done.stdout == "at import False, in main True\n"


# As a file, and as a module whose name is before that of the stages by the alphabet, and after.
@pytest.mark.parametrize("words", [["another.py"], ["-m", "another"], ["-m", "zebra"]])
def test_importing_a_stage_leaves_garbage_collection_on(tmp_path, words):
    for name in ("another", "zebra"):
        code = "import gc, stages.generate; print(gc.isenabled())"
        (tmp_path / f"{name}.py").write_text(code)
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_what_main_returns_is_the_status(probe):
    assert probe("return 3").returncode == 3


def test_success_is_status_0_with_everything_flushed(probe):
    done = probe()
    assert (done.returncode, done.stderr) == (0, "warning\n")
    assert done.stdout.endswith("in main True\n")


@pytest.mark.parametrize(
    ("last", "line"),
    [
        ("raise InputError('params.yaml: expected this, found that')", "params.yaml: expected"),
        ("open('missing/file', 'w')", "missing/file: expected to read and write here, found: No"),
        ("raise OSError('odd')", "file: expected to read and write here"),
        ("bytearray(2**62)", "expected more memory than this process gets"),
        (
            'raise RuntimeError("DefaultCPUAllocator: can\'t allocate memory")',
            "expected more memory than this process gets",
        ),
    ],
)
def test_bad_input_is_one_line_and_status_1(probe, last, line):
    done = probe(last)
    assert done.returncode == 1
    warning, message = done.stderr.splitlines()
    assert warning == "warning"
    assert message.startswith(line)


def test_a_fault_of_the_program_keeps_its_traceback(probe):
    done = probe("1 / 0")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_no_success(probe):
    with Path("/dev/full").open("w") as full:
        done = probe(stdout=full)
    assert done.returncode != 0


@pytest.mark.parametrize("message", [None, "expected this, found that"])
def test_who_calls_it_within_a_process_keeps_the_process(message, capsys):
    def main():
        if message:
            raise InputError(message)

    before = signal.getsignal(signal.SIGINT), sys.unraisablehook
    with pytest.raises(SystemExit) as exit_:
        command.run(main)
    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == before
    assert exit_.value.code == (1 if message else 0)
    assert capsys.readouterr().err == (f"{message}\n" if message else "")
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_fault_within_a_process_leaves_it_as_it_was():
    before = signal.getsignal(signal.SIGINT), sys.unraisablehook
    with pytest.raises(ZeroDivisionError):
        command.run(lambda: 1 // 0)
    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == before
    assert gc.get_freeze_count() == 0


def test_an_interrupt_is_a_line_and_status_130(probe):
    done = probe("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    assert (done.returncode, done.stderr) == (130, "warning\ninterrupted\n")


IN_A_CALLBACK = """
    import os, signal, time, weakref

    class Node:
        pass

    node = Node()
    reference = weakref.ref(node, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del node
    time.sleep(600)
"""


def test_an_interrupt_that_python_cannot_raise_comes_again(probe):
    done = probe(IN_A_CALLBACK, timeout=60)
    assert (done.returncode, done.stderr) == (130, "warning\ninterrupted\n")


@pytest.mark.parametrize("error", ["ValueError('Invalid bounding box')", "InputError('broken')"])
def test_an_interrupt_that_a_library_turned_into_another_error_is_one(probe, error):
    caught = """
    import os, signal
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    raise """
    done = probe(caught + error)
    assert (done.returncode, done.stderr) == (130, "warning\ninterrupted\n")


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("pass", 0, ""),
        ("raise InputError('expected this')", 1, "expected this\n"),
        ("raise KeyboardInterrupt", 130, "interrupted\n"),
    ],
)
def test_an_interrupt_after_the_end_comes_too_late(probe, end, status, said):
    at_exit = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT); "
    done = probe(at_exit + end)
    assert (done.returncode, done.stderr) == (status, "warning\n" + said)


@pytest.mark.parametrize("package", ["stages", "checks", "running", "reporting"])
def test_an_interrupt_while_a_command_imports_ends_it_without_a_word(tmp_path, package):
    for copied in {package, "diagonal"}:
        shutil.copytree(ROOT / copied, tmp_path / copied)
    interrupt = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / package / "probe.py").write_text(interrupt)
    words = [sys.executable, "-m", f"{package}.probe"]
    options = {"capture_output": True, "text": True, "preexec_fn": heed_interrupts}
    done = subprocess.run(words, cwd=tmp_path, check=False, **options)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
