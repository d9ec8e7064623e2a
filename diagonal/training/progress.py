"""A progress bar while a model trains."""

import os

from tqdm import tqdm


def bar(*args, hidden: bool = False, **options) -> tqdm:
    """Make a progress bar, which only a terminal shows, and with TQDM_DISABLE=1 none does."""
    hidden = hidden or bool(os.environ.get("TQDM_DISABLE"))
    return tqdm(*args, disable=hidden or None, **options)  # None: where there is no terminal
