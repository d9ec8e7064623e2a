"""What training shows: a bar on a terminal, a few plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

LINES = 5  # plain lines per training


@contextmanager
def progress(
    name: str, n_epochs: int, shown: bool = True
) -> Iterator[Callable[[float, float], None]]:
    """Show how training goes, on standard error, or do not where somebody else shows it.

    Yields:
        What to call after each epoch with its training and validation loss.
    """
    bar_shown = shown and sys.stderr.isatty()
    with tqdm(total=n_epochs, desc=name, unit="epoch", disable=not bar_shown) as bar:

        def on_epoch(loss: float, val_loss: float) -> None:
            nonlocal epoch
            epoch += 1
            bar.set_postfix_str(f"loss {loss:.4f}, val_loss {val_loss:.4f}", refresh=False)
            bar.update()
            if (
                shown
                and not bar_shown
                and epoch * LINES // n_epochs > (epoch - 1) * LINES // n_epochs
            ):
                losses = f"loss {loss:.6f}, val_loss {val_loss:.6f}"
                print(f"{name}: epoch {epoch} of {n_epochs}, {losses}", file=sys.stderr)

        epoch = 0
        yield on_epoch
