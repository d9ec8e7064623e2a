"""The one exception that a user is meant to read: a single line, shown without a traceback."""

from contextlib import contextmanager


class InputError(ValueError):
    """Bad input: parameters, files or a device that cannot be used as asked.

    The message names what is wrong, where, what was expected and what was found. Anything
    else that is raised is a fault of the program and keeps its traceback.
    """


@contextmanager
def located(place: str):
    """Say where bad input stands: put `place` before the message of an InputError."""
    try:
        yield
    except InputError as err:
        raise InputError(f"{place}: {err}") from err
