"""Run a function as a command: bad input becomes one line on standard error and exit status 1."""

import atexit
import gc
import os
import sys
from collections.abc import Callable

from diagonal.pipeline.errors import InputError


def run(main: Callable[[], None]) -> None:
    """Call `main` and leave with its outcome as the exit status."""
    gc.freeze()  # what was imported stays to the end: garbage collection need not look at it
    gc.enable()  # where the stages package turned it off
    message = None
    try:
        main()
    except InputError as err:
        message = str(err)
    except OSError as err:  # a full disk, a folder that may not be written
        path = err.filename or "file"
        message = f"{path}: expected to read and write here, found: {err.strerror}"
    finally:
        gc.unfreeze()
    if not _is_the_program(main):
        sys.exit(message)
    if message is not None:
        print(message, file=sys.stderr)
    atexit._run_exitfuncs()  # temporary folders, coverage's measurements
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(message is not None)  # at once: taking PyTorch's modules apart takes Python a second


def _is_the_program(main: Callable[[], None]) -> bool:
    """Tell whether Python runs main's module itself, and no profiler, debugger or test does.

    Those still have something to do when main is done.
    """
    spec = main.__globals__.get("__spec__")
    words = [word for word in sys.orig_argv[1:] if word != "-u"]  # which torchrun adds
    return spec is not None and words[:2] == ["-m", spec.name]
