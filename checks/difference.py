"""Say in a few words how two versions of a file differ."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence
from safetensors import safe_open


def describe(ours: Path, theirs: Path) -> str:
    """Compare two files of the same kind, told by the suffix, down to the numbers in them.

    Returns:
        What differs and by how much, as `hidden0.weight: 1 of 125 numbers, by up to 1 ulp`.
    """
    for path in (ours, theirs):
        if not path.is_file():
            return f"{path.name} is missing on one side"
    if ours.read_bytes() == theirs.read_bytes():
        return "nothing"
    try:
        parts, other_parts = _parts(ours), _parts(theirs)
    except Exception as err:  # a file that cannot be read is one of the answers
        return f"a version that cannot be read: {' '.join(str(err).split())}"
    if parts.keys() != other_parts.keys():
        names = sorted(map(str, parts.keys() ^ other_parts.keys()))
        return f"what it holds: {', '.join(names[:3])}"
    found = (_values(name, parts[name], other_parts[name]) for name in parts)
    return next(filter(None, found), "bytes, but no value in it")


def _parts(path: Path) -> dict:
    """Read a file as named arrays or plain values."""
    match path.suffix:
        case ".safetensors":
            with safe_open(path, "np") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                return tensors | (file.metadata() or {})
        case ".npy":
            return {"array": np.load(path, allow_pickle=False)}
        case ".png" | ".gif":
            with Image.open(path) as image:
                frames = [
                    np.asarray(each.convert("RGBA")) for each in ImageSequence.Iterator(image)
                ]
            return {
                f"pixels of frame {n}" if n else "pixels": each for n, each in enumerate(frames)
            }
        case ".json":
            return flat(json.loads(path.read_text()))
        case ".csv":
            rows = csv.DictReader(path.read_text().splitlines(), strict=True)
            return {
                f"line {line}, {name}": cell
                for line, row in enumerate(rows, start=2)
                for name, cell in row.items()
            }
    return {f"line {line}": text for line, text in enumerate(path.read_text().splitlines(), 1)}


def flat(value, name: str = "") -> dict:
    """Flatten nested mappings: keys joined by dots -> what is no mapping."""
    if not isinstance(value, dict):
        return {name: value}
    return {
        path: leaf
        for key, item in value.items()
        for path, leaf in flat(item, f"{name}.{key}" if name else key).items()
    }


def _values(name: str, ours, theirs) -> str | None:
    if not isinstance(ours, np.ndarray):
        return None if ours == theirs else f"{name}: {ours} became {theirs}"
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{name}: {ours.dtype} {ours.shape} became {theirs.dtype} {theirs.shape}"
    differ = ours != theirs
    if not differ.any():
        return None
    count = f"{name}: {differ.sum()} of {differ.size} numbers"
    if ours.dtype.kind != "f":
        return count
    steps = abs(ours - theirs)[differ] / np.spacing(np.maximum(abs(ours), abs(theirs)))[differ]
    return f"{count}, by up to {steps.max():.3g} ulp"
