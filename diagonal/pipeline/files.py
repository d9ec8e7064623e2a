"""Every file read or written: whole or not at all, the same bytes everywhere, no pickle.

Writers write a temporary file in the target's folder and rename it. Readers raise InputError if a
file is missing or not as expected. Arrays are memory maps, so they may be larger than memory.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from tokenize import TokenError  # NumPy's, of a header that is cut off

import numpy as np
import psutil
import safetensors.numpy
from safetensors import SafetensorError

from diagonal.errors import InputError

SIGNIFICANT_DIGITS = 6  # of every number in a table or in metrics: CPUs differ far below that


@contextmanager
def replacing(path, n_bytes: int = 0):
    """Open a binary file that takes the place of `path` once the block ends without an error.

    Missing folders are made; what a process that was killed has left of this is removed. The
    file's permissions follow the umask, as `open` would have it.

    Raises:
        InputError: the disk has less room than the bytes that will be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path.parent).free
    if n_bytes > free:
        raise InputError(f"{path}: expected {n_bytes:,} free bytes to write here, found {free:,}")
    for left in path.parent.glob(f".{path.name}.*"):
        if left.suffix[1:].isdigit() and not psutil.pid_exists(int(left.suffix[1:])):
            left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_array(path, array: np.ndarray) -> None:
    """Write an array as .npy."""
    write_large_array(path, array.shape, array.dtype, [array])


def write_large_array(path, shape: tuple[int, ...], dtype, parts: Iterable[np.ndarray]) -> None:
    """Write an array of this shape as .npy in parts along its first axis.

    A memory map would need no parts, but a full disk kills a process that writes into one.
    """
    dtype = np.dtype(dtype)
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with replacing(path, prod(shape) * dtype.itemsize) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).data)


def read_array(path, dtype, ndim: int) -> np.ndarray:
    """Map an .npy file that must hold an array of this dtype and number of dimensions.

    The array is read-only: Linux refuses to map more than memory for writing.
    """
    with _reading(path, ".npy"):
        array = np.lib.format.open_memmap(path, mode="r")
    if array.dtype != np.dtype(dtype) or array.ndim != ndim:
        raise InputError(
            f"{path}: expected {np.dtype(dtype)} with {ndim} dimensions, "
            f"found {array.dtype} with {array.ndim}"
        )
    return np.asarray(array)


def write_tensors(path, tensors: Mapping, metadata: Mapping[str, str] | None = None) -> None:
    """Write named arrays as .safetensors, with at most one text as metadata.

    The order of two would differ between processes.
    """
    contiguous = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    with replacing(path) as file:
        file.write(safetensors.numpy.save(contiguous, metadata))


def read_tensors(path) -> dict[str, np.ndarray]:
    """Read all named arrays of a .safetensors file."""
    with _reading(path, ".safetensors"):
        return safetensors.numpy.load(Path(path).read_bytes())


def read_metadata(path, key: str) -> str:
    """Read the text under a key of a .safetensors file's metadata."""
    with _reading(path, ".safetensors"), safetensors.safe_open(path, "np") as file:
        metadata = file.metadata() or {}
        if key not in metadata:
            raise ValueError(f"no metadata {key!r}")
        return metadata[key]


def write_table(path, columns: Mapping[str, Sequence]) -> None:
    """Write columns of equal length as CSV: a header, then a line per row.

    Floats get 6 significant digits. A pandas DataFrame is such a mapping, too.
    """
    cells = (map(_cell, columns[name]) for name in columns)
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*cells, strict=True))
        text.detach()  # flushes, and leaves the file open


def _cell(value):
    return f"{value:.{SIGNIFICANT_DIGITS}g}" if isinstance(value, float | np.floating) else value


def read_table(path, *names: str):
    """Read columns of numbers by name from a CSV file, as a pandas DataFrame."""
    import pandas as pd  # here, as most stages read no table

    with _reading(path, ".csv"):
        return pd.read_csv(path, usecols=names, dtype=float)[list(names)]


def write_metrics(path, metrics: Mapping | Sequence) -> None:
    """Write nested numbers, or a list, as JSON with sorted keys; floats get 6 significant digits.

    None stays null: an undefined number. NaN and infinity are refused with a ValueError.
    """
    text = json.dumps(_rounded(metrics), indent=2, sort_keys=True, allow_nan=False)
    with replacing(path) as file:
        file.write(f"{text}\n".encode())


def _rounded(value):
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, float | np.floating):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return int(value) if isinstance(value, np.integer) else value


def read_metrics(path) -> dict | list:
    """Read a file of `write_metrics`."""
    with _reading(path, ".json"):
        return json.loads(Path(path).read_bytes())


def write_figure(path, figure) -> None:
    """Write a matplotlib figure as PNG, without the version that matplotlib would put in."""
    with replacing(path) as file:
        figure.savefig(file, format="png", metadata={"Software": None})


def write_animation(path, frames: Sequence, milliseconds: int, hold: int) -> None:
    """Write Pillow images of one size and palette as a GIF that loops.

    Each is shown for so many milliseconds, a multiple of 10, the last one for `hold` of them.
    """
    durations = [milliseconds] * (len(frames) - 1) + [hold]
    options = {"append_images": frames[1:], "duration": durations, "loop": 0, "optimize": False}
    with replacing(path) as file:
        frames[0].save(file, format="GIF", save_all=True, **options)


@contextmanager
def _reading(path, kind: str):
    """Turn what goes wrong while a file is read into one line."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: expected a {kind} file, found none; run `dvc repro`") from None
    except (OSError, ValueError, EOFError, SyntaxError, TokenError, SafetensorError) as err:
        reason = " ".join(str(err).split())
        raise InputError(f"{path}: expected a readable {kind} file, found: {reason}") from err
