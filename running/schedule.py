"""Start each command as soon as all that it needs are done, a limited number at once.

Knows nothing of DVC. What a command prints is shown whole when it ends, because lines and progress
bars of several at once cannot be told apart; a line at its start says that it runs.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

GRACE = 10  # seconds from the request to stop to the end by force


def run(
    needs: Mapping[str, Iterable[str]], jobs: int, command: Callable[[str], list[str]]
) -> list[str]:
    """Run commands side by side; where one fails, what needs it does not run, and all else does.

    Args:
        needs: name -> the names that must be done before; of those that may run, the first in this
            order goes first.
        jobs: how many run at once, at least 1.
        command: name -> the words of its command.

    Returns:
        The names whose command ended with an error.

    Raises:
        KeyboardInterrupt: the user ended the run; all commands have ended, too.
    """
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    order, ready, running, failed = list(needs), [], {}, []
    with ThreadPoolExecutor(jobs) as readers:
        try:
            while True:
                ready = sorted([*ready, *sorter.get_ready()], key=order.index)
                while ready and len(running) < jobs:
                    name = ready.pop(0)
                    print(f"started {name}", flush=True)
                    process = _start(command(name))
                    running[readers.submit(process.communicate)] = name, process
                if not running:
                    return failed
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    name, process = running.pop(ended)
                    print(ended.result()[0].decode(errors="replace"), end="", flush=True)
                    if process.returncode:
                        failed.append(name)
                    else:
                        sorter.done(name)
        finally:
            _stop(running)


def _start(words: list[str]) -> subprocess.Popen:
    """Start a command in a process group of its own, so that its own children end with it."""
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )


def _stop(running: dict) -> None:
    """Interrupt what still runs, as Ctrl-C would; end by force what takes too long."""
    for number in (signal.SIGINT, signal.SIGKILL):
        for _, process in running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        if not wait(running, timeout=GRACE).not_done:
            return
