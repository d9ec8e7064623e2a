"""The one exception that is meant for users: a single line, shown without a traceback."""

from contextlib import contextmanager


class InputError(ValueError):
    """Parameters, files or a device that cannot be used as asked.

    The message names what is wrong, where, what was expected and what was found. Every other
    exception is a bug and keeps its traceback.
    """


@contextmanager
def prefixed(place: str):
    """Put `place`, such as a file or a key of params.yaml, before the message of an InputError."""
    try:
        yield
    except InputError as err:
        raise InputError(f"{place}: {err}") from err
