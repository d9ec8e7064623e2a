"""Whether this machine has the memory that a stage will need, told before it starts.

Images lie in files that are mapped into memory, so what a stage must hold grows with their number
and not with their size: docs/scale.md has the measurements.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import psutil

from diagonal.pipeline.errors import InputError

BASE = 2**30  # bytes for Python, its libraries and what does not grow
PER_IMAGE = {"generate": 40, "split": 60, "balance": 80, "train": 80}  # bytes; see docs/scale.md
NUMBER = 8  # bytes of a float64
COPIES = 16  # of a network's weights: in training four, of its history 21 that are half as large
VALUES = 4  # of each unit and input: what goes in, what comes out, both derivatives
LIMITS = ("memory.max", "memory.limit_in_bytes")  # of a control group, version 2 and 1
GROUPS = Path("/sys/fs/cgroup")


def require_memory(stage: str, n_images: int) -> None:
    """Check that a stage's arrays for this many images fit into memory.

    Raises:
        InputError: they do not; the message has both numbers of bytes.
    """
    needed, found = BASE + PER_IMAGE[stage] * n_images, available_memory()
    if needed > found:
        raise InputError(
            f"{stage}: expected {needed:,} bytes of memory for {n_images:,} images, found {found:,}"
        )


def require_memory_of_network(sizes: Sequence[int], n_rows: int) -> None:
    """Check that a network and what it makes of so many inputs at once fit into memory.

    Sizes are units of the input, of each hidden layer and of the output.

    Raises:
        InputError: they do not; the message has both numbers of bytes.
    """
    n_weights = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
    needed = BASE + NUMBER * (COPIES * n_weights + VALUES * n_rows * max(sizes))
    found = available_memory()
    if needed > found:
        raise InputError(
            f"expected {needed:,} bytes of memory for {n_weights:,} weights, found {found:,}"
        )


def available_memory() -> int:
    """Find how many bytes this process can get: what is free, or its control group's limit."""
    return min([psutil.virtual_memory().available, *_limits()])


def _limits() -> list[int]:
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:  # no Linux
        return []
    paths = {GROUPS / name / path.strip("/") for _, name, path in groups if name in ("", "memory")}
    files = [path / name for path in {GROUPS, GROUPS / "memory", *paths} for name in LIMITS]
    texts = [file.read_text().strip() for file in files if file.is_file()]
    return [int(text) for text in texts if text.isdigit()]  # "max" is no limit
