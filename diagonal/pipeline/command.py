"""Run a function as a command: bad input becomes one line on standard error and exit status 1.

So do a disk, a limit or a memory that is full; an interrupt becomes a line and status 130, or while
Python still imports, the end without a word.
"""

import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial

from diagonal.pipeline.errors import InputError

OUT_OF_MEMORY = ("can't allocate memory", "quantization error")  # PyTorch's words, Pillow's


def begin(package: str) -> None:
    """Prepare for the imports of a package's commands, `python -m PACKAGE.NAME`, which `run` ends.

    Its `__init__` calls this, and it does nothing where Python was asked for something else.
    """
    if _asked_for().partition(".")[0] != package:
        return
    gc.disable()  # importing PyTorch makes it walk through all that is there, again and again
    # What a notebook sets for its own pictures is nothing that matplotlib finds in a command.
    os.environ.pop("MPLBACKEND", None)
    # Whoever interrupts the imports wants no traceback.
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(main: Callable[[], int | None]) -> None:
    """Call `main` and leave with its outcome as the exit status: what it returns, None being 0."""
    gc.freeze()  # what was imported stays to the end: garbage collection need not look at it
    gc.enable()
    alone = _is_the_program(main)
    on_interrupt, on_unraisable = signal.getsignal(signal.SIGINT), sys.unraisablehook
    interrupts = []

    def interrupt(number, frame):
        interrupts.append(number)
        raise KeyboardInterrupt

    try:
        sys.unraisablehook = partial(_interrupt_again, otherwise=on_unraisable)
        if on_interrupt != signal.SIG_IGN:  # as in the background
            signal.signal(signal.SIGINT, interrupt)
        status, message = main() or 0, None
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done: too late to be interrupted
    except BaseException as err:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        status, message = (1, None) if interrupts else _told(err)
    finally:
        sys.unraisablehook = on_unraisable
        gc.unfreeze()
        if not alone:
            signal.signal(signal.SIGINT, on_interrupt)
    if interrupts and status:  # libraries, and main, may make another error of an interrupt
        status, message = 130, "interrupted"
    if message is not None:
        print(message, file=sys.stderr)
    if not alone:
        sys.exit(status)
    atexit._run_exitfuncs()  # temporary folders, coverage's measurements
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(status)  # at once: taking PyTorch's modules apart takes Python a second


def _told(error: BaseException) -> tuple[int, str]:
    """Return the exit status and the line of an error; raise one that is a fault of the program."""
    match error:
        case KeyboardInterrupt():
            return 130, "interrupted"
        case InputError():
            return 1, str(error)
        case OSError():  # a full disk, a folder that may not be written
            path = error.filename or "file"
            return 1, f"{path}: expected to read and write here, found: {error.strerror}"
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return 1, "expected more memory than this process gets"
    raise error


def _interrupt_again(unraisable, otherwise: Callable) -> None:
    """Repeat an interrupt that came where Python cannot raise it: in a destructor, a callback.

    Python would print its traceback and go on. `otherwise` is called for every other exception.
    """
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        # When that has been left; a signal, unlike _thread.interrupt_main, ends a wait as well.
        threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGINT]).start()
    else:
        otherwise(unraisable)


def _is_the_program(main: Callable) -> bool:
    """Tell whether Python runs main's module itself, and no profiler, debugger or test does.

    Those still have something to do when main is done.
    """
    spec = main.__globals__.get("__spec__")
    return spec is not None and spec.name == _asked_for()


def _asked_for() -> str:
    """Name the module that Python was asked to run, `python -m NAME`; "" where it was not."""
    words = [word for word in sys.orig_argv[1:] if word != "-u"]  # which torchrun adds
    return words[1] if words[:1] == ["-m"] else ""
