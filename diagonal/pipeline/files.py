"""Every artifact read or written: whole or not at all, the same bytes everywhere, no pickle.

Writers go through a temporary file in the target's folder and a rename. Readers check that a
file is what the caller expects and raise InputError in one line where it is not. Arrays are read as
memory maps, of which the system loads what is used: so they may be larger than memory.
"""

import csv
import io
import json
import mmap
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from diagonal.pipeline.errors import InputError

SIGNIFICANT_DIGITS = 6  # of every number in a table or in metrics: CPUs differ far below that


@contextmanager
def replacing(path, n_bytes: int = 0):
    """Open a binary file that takes the place of `path` once the block ends without an error.

    Missing folders are made. The file's permissions follow the umask, as `open` would have it.

    Args:
        path: the file.
        n_bytes: that will be written.

    Raises:
        InputError: the disk has less room than that.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path.parent).free
    if n_bytes > free:
        raise InputError(f"{path}: expected {n_bytes:,} free bytes to write here, found {free:,}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_array(path, array: np.ndarray) -> None:
    """Write an array as .npy.

    Raises:
        InputError: the disk has no room for it.
    """
    write_large_array(path, array.shape, array.dtype, [array])


def write_large_array(path, shape: tuple[int, ...], dtype, parts: Iterable[np.ndarray]) -> None:
    """Write an array as .npy that need not be held as a whole.

    It is written as a stream and not into a memory map, in which a full disk kills the process.

    Args:
        path: the file.
        shape: of the whole array.
        dtype: of the array.
        parts: one after the other along its first axis.

    Raises:
        InputError: the disk has no room for it.
    """
    dtype = np.dtype(dtype)
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with replacing(path, prod(shape) * dtype.itemsize) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).data)


def read_array(path, dtype, ndim: int, at_random: bool = False) -> np.ndarray:
    """Map an .npy file that must hold an array of this dtype and number of dimensions.

    The array cannot be written to: Linux refuses to map more than memory for writing.

    Args:
        path: the file.
        dtype: of the array.
        ndim: its number of dimensions.
        at_random: whether it is used in any order. Reading ahead, which the system then leaves,
            would read a file larger than memory again and again.

    Raises:
        InputError: the file is missing, truncated, no .npy file, or holds another array.
    """
    with _reading(path, ".npy"):
        array = np.lib.format.open_memmap(path, mode="r")
    if array.dtype != np.dtype(dtype) or array.ndim != ndim:
        raise InputError(
            f"{path}: expected {np.dtype(dtype)} with {ndim} dimensions, "
            f"found {array.dtype} with {array.ndim}"
        )
    if at_random and hasattr(mmap, "MADV_RANDOM"):
        array._mmap.madvise(mmap.MADV_RANDOM)
    return np.asarray(array)


def write_tensors(path, tensors: Mapping[str, np.ndarray], metadata: Mapping | None = None) -> None:
    """Write named arrays as .safetensors, with JSON-able metadata.

    The metadata stand under one key of the header, as sorted JSON: safetensors writes several
    keys in an order that differs from one process to the next.
    """
    header = {"json": json.dumps(metadata, sort_keys=True)} if metadata else None
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    with replacing(path) as file:
        file.write(safetensors.numpy.save(contiguous, header))


def read_tensors(path) -> dict[str, np.ndarray]:
    """Read all named arrays of a .safetensors file.

    Raises:
        InputError: the file is missing or no .safetensors file.
    """
    with _tensor_file(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)


def read_metadata(path) -> dict:
    """Read what `write_tensors` was given as metadata; empty where there was none."""
    with _tensor_file(path) as file:
        return json.loads((file.metadata() or {}).get("json", "{}"))


@contextmanager
def _tensor_file(path):
    with _reading(path, ".safetensors"):
        Path(path).open("rb").close()  # for Python's own errors, and for who watches files
        with safe_open(path, framework="numpy") as file:
            yield file


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
    """Read columns of numbers by name from a CSV file, as a pandas DataFrame.

    Raises:
        InputError: the file is missing, lacks a column, or holds something else than numbers.
    """
    import pandas as pd  # here, as most stages read no table

    with _reading(path, ".csv"):
        table = pd.read_csv(path)
        missing = sorted(set(names) - set(table.columns))
        if missing:
            raise ValueError(f"no column {missing[0]!r}")
        return table[list(names)].apply(pd.to_numeric)


def write_metrics(path, metrics: Mapping) -> None:
    """Write nested numbers as JSON with sorted keys; floats get 6 significant digits.

    None stays null: an undefined number. NaN and infinity are refused with a ValueError.
    """
    text = json.dumps(_rounded(metrics), indent=2, sort_keys=True, allow_nan=False)
    with replacing(path) as file:
        file.write(f"{text}\n".encode())


def _rounded(value):
    match value:
        case Mapping():
            return {key: _rounded(item) for key, item in value.items()}
        case float() | np.floating():
            return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        case np.integer():
            return int(value)
    return value


def write_figure(path, figure) -> None:
    """Write a matplotlib figure as PNG, without the version that matplotlib would put in."""
    with replacing(path) as file:
        figure.savefig(file, format="png", metadata={"Software": None})


def write_animation(path, frames: Sequence, milliseconds: int, hold: int) -> None:
    """Write Pillow images as a GIF that runs for ever.

    Args:
        path: the file.
        frames: of one size and palette, first to last.
        milliseconds: for which each frame is shown, a multiple of 10.
        hold: for which the last one is.
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
    except (OSError, ValueError, EOFError, SafetensorError) as err:
        reason = " ".join(str(err).split())
        raise InputError(f"{path}: expected a readable {kind} file, found: {reason}") from err
