"""Run a function as a command: bad input becomes one line on standard error and exit status 1."""

import sys
from collections.abc import Callable

from diagonal.errors import InputError


def run(main: Callable[[], None]) -> None:
    """Call `main` and leave with its outcome as the exit status."""
    try:
        main()
    except InputError as err:
        sys.exit(str(err))
    except OSError as err:  # a full disk, a folder that may not be written
        sys.exit(
            f"{err.filename or 'file'}: expected to read and write here, found: {err.strerror}"
        )
