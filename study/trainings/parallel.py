"""Trainings on all CPU cores, each in a process of its own.

Steps on matrices this small are so short that threads would wait for Python's lock.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import as_completed
from contextlib import contextmanager

import torch
from joblib.externals.loky import get_reusable_executor

from diagonal.training.progress import bar


def in_parallel(functions: Mapping, what: str) -> dict:
    """Call functions that do not depend on each other, with a progress bar that says what they do.

    Returns:
        What each function returns, by its name.
    """
    executor = get_reusable_executor()
    calls = {name: executor.submit(_on_one_thread, call) for name, call in functions.items()}
    for _ in bar(as_completed(calls.values()), desc=what, total=len(calls)):
        pass
    return {name: call.result() for name, call in calls.items()}


def _on_one_thread(function: Callable):
    torch.set_num_threads(1)
    return function()


@contextmanager
def processes() -> Iterator[None]:
    """End the processes that `in_parallel` has started and keeps, at the end of this block."""
    torch.set_num_threads(1)
    try:
        yield
    except BaseException:  # an interrupt, too: what still runs is not waited for
        get_reusable_executor().shutdown(kill_workers=True)
        raise
    get_reusable_executor().shutdown()
