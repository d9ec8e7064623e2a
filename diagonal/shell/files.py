"""Every artifact read or written: whole or not at all, the same bytes everywhere, no pickle.

Writers go through a temporary file in the target's folder and a rename. Readers check that a
file is what the caller expects and raise InputError in one line where it is not.
"""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from diagonal.shell.errors import InputError

SIGNIFICANT_DIGITS = 6  # of every number in a table or in metrics: CPUs differ far below that


@contextmanager
def replacing(path):
    """Open a binary file that takes the place of `path` once the block ends without an error.

    Missing folders are made. The file's permissions follow the umask, as `open` would have it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_array(path, array: np.ndarray) -> None:
    """Write one array as .npy."""
    with replacing(path) as file:
        np.save(file, array, allow_pickle=False)


def read_array(path, dtype, ndim: int) -> np.ndarray:
    """Read an .npy file that must hold an array of this dtype and number of dimensions.

    Raises:
        InputError: the file is missing, truncated, no .npy file, or holds another array.
    """
    with _reading(path, ".npy"), Path(path).open("rb") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    _check(path, "array", array, dtype, ndim)
    return array


def write_tensors(path, tensors: Mapping[str, np.ndarray], metadata: Mapping | None = None) -> None:
    """Write named arrays as .safetensors, with JSON-able metadata.

    The metadata stand under one key of the header, as sorted JSON: safetensors writes several
    keys in an order that differs from one process to the next.
    """
    header = {"json": json.dumps(metadata, sort_keys=True)} if metadata else None
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    with replacing(path) as file:
        file.write(safetensors.numpy.save(contiguous, header))


def read_tensors(path, expected: Mapping[str, tuple] | None = None) -> dict[str, np.ndarray]:
    """Read named arrays from a .safetensors file.

    Args:
        path: the file.
        expected: name -> (dtype, number of dimensions) of the arrays to read, which must all
            be there; None reads all that there are.

    Raises:
        InputError: the file is missing, truncated, no .safetensors file, or lacks an array.
    """
    with _tensor_file(path) as file:
        names = sorted(file.keys())
        missing = sorted(set(expected or ()) - set(names))
        if missing:
            raise ValueError(f"no tensor {missing[0]!r} (it holds {', '.join(names) or 'none'})")
        tensors = {name: file.get_tensor(name) for name in expected or names}
    for name, (dtype, ndim) in (expected or {}).items():
        _check(path, name, tensors[name], dtype, ndim)
    return tensors


def read_split(path, *names: str) -> tuple[np.ndarray, ...]:
    """Read arrays of a split by name.

    Returns:
        For each name: x, float32 (n, 1, S, S), scaled and normalised; y, float32 (n, 1), 0 or 1;
        index, int64 (n,), of the raw image.

    Raises:
        InputError: as `read_tensors`.
    """
    kinds = {"x": (np.float32, 4), "y": (np.float32, 2), "index": (np.int64, 1)}
    tensors = read_tensors(path, {name: kinds[name] for name in names})
    return tuple(tensors[name] for name in names)


def read_metadata(path) -> dict:
    """Read what `write_tensors` was given as metadata; empty where there was none."""
    with _tensor_file(path) as file:
        return json.loads((file.metadata() or {}).get("json", "{}"))


def write_table(path, columns: Mapping[str, Sequence]) -> None:
    """Write columns of equal length as CSV: a header, then a line per row.

    Floats get 6 significant digits. A pandas DataFrame is such a mapping, too.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names, values = zip(*columns.items(), strict=True)
    writer.writerow(names)
    writer.writerows(zip(*(map(_cell, column) for column in values), strict=True))
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def read_table(path, *names: str) -> tuple[np.ndarray, ...]:
    """Read columns of numbers by name from a CSV file: float64 (rows,) each.

    Raises:
        InputError: the file is missing, lacks a column, or holds something else than numbers.
    """
    with _reading(path, ".csv"), Path(path).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        missing = sorted(set(names) - set(rows.fieldnames or ()))
        if missing:
            raise ValueError(f"no column {missing[0]!r}")
        table = [[float(row[name] or "nan") for name in names] for row in rows]
    return tuple(np.array(table, np.float64).reshape(-1, len(names)).T)


def _cell(value):
    return f"{value:.{SIGNIFICANT_DIGITS}g}" if isinstance(value, float | np.floating) else value


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


@contextmanager
def _tensor_file(path):
    with _reading(path, ".safetensors"):
        Path(path).open("rb").close()  # for Python's own errors, and for who watches files
        with safe_open(path, framework="numpy") as file:
            yield file


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


def _check(path, name: str, array: np.ndarray, dtype, ndim: int) -> None:
    if array.dtype != np.dtype(dtype) or array.ndim != ndim:
        raise InputError(
            f"{path}: {name}: expected {np.dtype(dtype)} with {ndim} dimensions, "
            f"found {array.dtype} with {array.ndim}"
        )
