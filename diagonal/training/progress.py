"""What a training shows while it runs: a bar at a terminal, and its losses in a file."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from tqdm import tqdm

from diagonal.pipeline import files

FIRST = 10.0  # seconds before the first writing: until then, what is killed leaves the old file
INTERVAL = 1.0  # seconds at least between two writings of a file
SHARE = 0.01  # of the time, which writing takes at most


def bar(*args, hidden: bool = False, **options) -> tqdm:
    """Make a progress bar, which only a terminal shows, and with TQDM_DISABLE=1 none does."""
    hidden = hidden or bool(os.environ.get("TQDM_DISABLE"))
    return tqdm(*args, disable=hidden or None, **options)  # None: where there is no terminal


@contextmanager
def live_table(path, columns: Callable[[], Mapping[str, Sequence]]) -> Iterator[Callable]:
    """Write a table again and again while this block makes it, and once more at its end.

    Yields what to call whenever `columns` has become more. It writes rarely, see above. Where the
    block ends with an error, the file is again as it was before, or is not there.
    """
    path, due = Path(path), monotonic() + FIRST
    before = path.read_bytes() if path.exists() else None

    def update() -> None:
        nonlocal due
        if (start := monotonic()) >= due:
            files.write_table(path, columns())
            due = monotonic() + max(INTERVAL, (monotonic() - start) / SHARE)

    try:
        yield update
        files.write_table(path, columns())
    except BaseException:
        if before is None:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_bytes() != before:
            with files.replacing(path) as file:
                file.write(before)
        raise
