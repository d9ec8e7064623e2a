"""Run a function as a command: bad input becomes one line on standard error and exit status 1.

So do a disk, a limit or a memory that is full; an interrupt becomes a line and status 130.
"""

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable

from diagonal.pipeline.errors import InputError

OUT_OF_MEMORY = ("can't allocate memory", "quantization error")  # PyTorch's words, Pillow's


def run(main: Callable[[], None]) -> None:
    """Call `main` and leave with its outcome as the exit status."""
    gc.freeze()  # what was imported stays to the end: garbage collection need not look at it
    gc.enable()  # where the stages package turned it off
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # as the stages package has it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    status, message = 1, None
    try:
        main()
        status = 0
    except InputError as err:
        message = str(err)
    except OSError as err:  # a full disk, a folder that may not be written
        path = err.filename or "file"
        message = f"{path}: expected to read and write here, found: {err.strerror}"
    except MemoryError:
        message = "expected more memory than this process gets"
    except (RuntimeError, ValueError) as err:
        if not any(words in str(err) for words in OUT_OF_MEMORY):
            raise
        message = "expected more memory than this process gets"
    except KeyboardInterrupt:
        status, message = 130, "interrupted"
    finally:
        gc.unfreeze()
    if message is not None:
        print(message, file=sys.stderr)
    if not _is_the_program(main):
        sys.exit(status)
    atexit._run_exitfuncs()  # temporary folders, coverage's measurements
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(status)  # at once: taking PyTorch's modules apart takes Python a second


def _is_the_program(main: Callable[[], None]) -> bool:
    """Tell whether Python runs main's module itself, and no profiler, debugger or test does.

    Those still have something to do when main is done.
    """
    spec = main.__globals__.get("__spec__")
    words = [word for word in sys.orig_argv[1:] if word != "-u"]  # which torchrun adds
    return spec is not None and words[:2] == ["-m", spec.name]
