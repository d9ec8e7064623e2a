"""How a command starts and ends: bad input becomes one line on standard error and exit status 1.

Nothing here changes what a stage writes, so no stage depends on this file.
"""

import gc
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from diagonal.errors import InputError


def begin(package: str) -> None:
    """Turn garbage collection off while a command of this package imports.

    It would walk through PyTorch's modules again and again: 0.7 to 1.0 s of CPU. `run` turns it on.
    """
    if _requested_module().partition(".")[0] == package:
        gc.disable()


def run(main: Callable[[], int | None]) -> NoReturn:
    """Call `main` and exit with the status that it returns, None being 0.

    An InputError is printed and exits with 1, an interrupt (Ctrl-C) exits with 130; every other
    exception keeps its traceback.
    """
    gc.enable()
    try:
        status = main() or 0
    except InputError as err:
        print(err, file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    spec = main.__globals__.get("__spec__")
    if spec and spec.name == _requested_module() and "coverage" not in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # taking PyTorch's modules apart would cost 1.1 to 1.8 s of CPU
    sys.exit(status)  # a profiler, a debugger or a test has something left to do


def _requested_module() -> str:
    """Name the module of `python -m NAME`, or "" if Python was started otherwise."""
    words = [word for word in sys.orig_argv[1:] if word != "-u"]  # torchrun adds -u
    return words[1] if words[:1] == ["-m"] else ""
