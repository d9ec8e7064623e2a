"""Every artifact read or written: whole or not at all, the same bytes everywhere, no pickle.

Writers go through a temporary file in the target's folder and a rename. Readers check that a
file is what the caller expects and raise InputError in one line where it is not. Arrays that grow
with the number of images are written piece by piece and read as memory maps, of which the system
loads what is used: so they may be larger than memory.
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
from typing import NamedTuple

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from diagonal.shell.errors import InputError

SAFETENSORS_DTYPES = {np.float32: "F32", np.int64: "I64"}  # of a split's tensors
SIGNIFICANT_DIGITS = 6  # of every number in a table or in metrics: CPUs differ far below that


class Pieces(NamedTuple):
    """An array that is never held as a whole: its parts, along the first axis, in order."""

    shape: tuple[int, ...]
    dtype: type[np.generic]
    parts: Iterable[np.ndarray]

    @property
    def nbytes(self) -> int:
        """The size of the whole array, in bytes."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    def write_to(self, file) -> None:
        """Write all parts to an open file, as little-endian numbers in C order."""
        rows = 0
        for part in self.parts:
            file.write(np.ascontiguousarray(part, self.dtype).data)
            rows += len(part)
        assert rows == self.shape[0], f"{rows} rows of {self.shape[0]}"


def whole(array: np.ndarray) -> Pieces:
    """See an array as one piece."""
    return Pieces(array.shape, array.dtype.type, [array])


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


def write_array(path, array: np.ndarray | Pieces) -> None:
    """Write one array as .npy.

    Raises:
        InputError: the disk has no room for it.
    """
    pieces = array if isinstance(array, Pieces) else whole(array)
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(pieces.dtype)),
        "fortran_order": False,
        "shape": pieces.shape,
    }
    with replacing(path, pieces.nbytes) as file:
        np.lib.format.write_array_header_1_0(file, header)
        pieces.write_to(file)


def read_array(path, dtype, ndim: int, at_random: bool = False) -> np.ndarray:
    """Map an .npy file that must hold an array of this dtype and number of dimensions.

    The array cannot be written to.

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
    _check(path, "array", array, dtype, ndim)
    return _opened(array, at_random)


def write_tensors(path, tensors: Mapping[str, np.ndarray], metadata: Mapping | None = None) -> None:
    """Write named arrays as .safetensors, with JSON-able metadata.

    The metadata stand under one key of the header, as sorted JSON: safetensors writes several
    keys in an order that differs from one process to the next.
    """
    header = {"json": json.dumps(metadata, sort_keys=True)} if metadata else None
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    with replacing(path) as file:
        file.write(safetensors.numpy.save(contiguous, header))


def write_split(path, x: Pieces, y: np.ndarray, index: np.ndarray) -> None:
    """Write a split as .safetensors, the bytes that the library would write, but piece by piece.

    A header in JSON says what is where (the format's own description is on the library's page):
    tensors of the widest numbers come first, then by name.

    Args:
        path: the file.
        x: images, float32 (n, 1, S, S), scaled and normalised.
        y: labels, float32 (n, 1).
        index: of the raw images, int64 (n,).

    Raises:
        InputError: the disk has no room for it.
    """
    header, end = {}, 0
    tensors = {"index": whole(index), "x": x, "y": whole(y)}
    for name, pieces in tensors.items():
        start, end = end, end + pieces.nbytes
        offsets = {"shape": pieces.shape, "data_offsets": [start, end]}
        header[name] = {"dtype": SAFETENSORS_DTYPES[pieces.dtype], **offsets}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers start at multiples of 8 bytes
    with replacing(path, end) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for pieces in tensors.values():
            pieces.write_to(file)


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
            raise ValueError(_missing(missing[0], names))
        tensors = {name: file.get_tensor(name) for name in expected or names}
    for name, (dtype, ndim) in (expected or {}).items():
        _check(path, name, tensors[name], dtype, ndim)
    return tensors


def read_split(path, *names: str, at_random: bool = False) -> tuple[np.ndarray, ...]:
    """Map arrays of a split by name; they cannot be written to.

    Args:
        path: the file.
        names: of the arrays.
        at_random: as in `read_array`.

    Returns:
        For each name: x, float32 (n, 1, S, S), scaled and normalised; y, float32 (n, 1), 0 or 1;
        index, int64 (n,), of the raw image.

    Raises:
        InputError: as `read_tensors`.
    """
    kinds = {"x": (np.float32, 4), "y": (np.float32, 2), "index": (np.int64, 1)}
    with _tensor_file(path) as file:  # the library checks header and length
        missing = sorted(set(names) - set(file.keys()))
        if missing:
            raise ValueError(_missing(missing[0], file.keys()))
    with Path(path).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    maps = (_mapped(path, name, header[name], 8 + length, *kinds[name]) for name in names)
    return tuple(_opened(each, at_random) for each in maps)


def _opened(array: np.memmap, at_random: bool) -> np.ndarray:
    if at_random and hasattr(mmap, "MADV_RANDOM"):
        array._mmap.madvise(mmap.MADV_RANDOM)
    return np.asarray(array)


def _mapped(path, name: str, entry: Mapping, start: int, dtype, ndim: int) -> np.memmap:
    """Map a tensor by its entry in the header; numbers start at this byte of the file."""
    expected, shape = SAFETENSORS_DTYPES[dtype], tuple(entry["shape"])
    if (entry["dtype"], len(shape)) != (expected, ndim):
        raise InputError(
            f"{path}: {name}: expected {expected} with {ndim} dimensions, "
            f"found {entry['dtype']} with {len(shape)}"
        )
    offset = start + entry["data_offsets"][0]
    return np.memmap(path, dtype, mode="r", offset=offset, shape=shape)


def read_metadata(path) -> dict:
    """Read what `write_tensors` was given as metadata; empty where there was none."""
    with _tensor_file(path) as file:
        return json.loads((file.metadata() or {}).get("json", "{}"))


def write_table(path, columns: Mapping[str, Sequence]) -> None:
    """Write columns of equal length as CSV: a header, then a line per row.

    Floats get 6 significant digits. A pandas DataFrame is such a mapping, too.
    """
    write_long_table(path, [columns])


def write_long_table(path, parts: Iterable[Mapping[str, Sequence]]) -> None:
    """Write a table as `write_table` does, one part of its rows after the other.

    Args:
        path: the file.
        parts: at least one; all have the same columns in the same order.
    """
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        for number, columns in enumerate(parts):
            if number == 0:
                writer.writerow(columns)
            cells = (map(_cell, columns[name]) for name in columns)
            writer.writerows(zip(*cells, strict=True))
        text.detach()  # flushes, and leaves the file open


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


def _missing(name: str, names: Iterable[str]) -> str:
    return f"no tensor {name!r} (it holds {', '.join(sorted(names)) or 'none'})"


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
