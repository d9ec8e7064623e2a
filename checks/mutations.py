"""Files made wrong on purpose, for `checks.faults`: arrays, tensors, tables, params.yaml."""

import io
import json
import pickle
import random
import struct
from collections.abc import Iterator

import numpy as np
import safetensors.numpy
from ruamel.yaml import YAML


def of_file(path: str, content: bytes, stream: random.Random) -> Iterator[tuple[str, bytes]]:
    """Break the content of a file in every way: what was done, and what it is then."""
    yield "empty", b""
    yield "truncated", content[: stream.randrange(1, len(content))]
    yield "without its last byte", content[:-1]
    yield "random bytes", stream.randbytes(len(content))
    place = stream.randrange(min(len(content), 64))
    yield "a byte of its start", content[:place] + b"\xff" + content[place + 1 :]
    yield "a pickle", pickle.dumps([1, 2, 3])
    kind = path.rpartition(".")[2]
    if kind == "npy":
        yield from of_array(content)
    elif kind == "safetensors":
        yield from of_tensors(content)
    elif kind == "csv":
        head, _, rows = content.partition(b"\n")
        yield "other columns", b"a,b\n" + rows
        yield "words for numbers", head + b"\n" + b",".join([b"many"] * (head.count(b",") + 1))
        yield "no rows", head + b"\n"
    elif kind == "json":
        yield "a list", b"[]"
        yield "no keys", b"{}"
        yield "words for numbers", json.dumps(dict.fromkeys(json.loads(content), "many")).encode()


def of_array(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Store an array as another: of another type, shape, order, or with a wrong header."""
    array = np.load(io.BytesIO(content))

    def stored(other: np.ndarray) -> bytes:
        file = io.BytesIO()
        np.save(file, other)
        return file.getvalue()

    yield "another type", stored(array.astype(np.float16))
    yield "the other byte order", stored(array.astype(array.dtype.newbyteorder(">")))
    yield "Fortran's order", stored(np.asfortranarray(array))
    yield "a dimension more", stored(array[None])
    yield "flat", stored(array.reshape(-1)[0])
    yield "none", stored(array[:0])
    yield "fewer", stored(array[:-1])
    yield "twice as many", stored(np.concatenate([array, array]))
    yield ("huge numbers", stored(np.full_like(array, 77 if array.itemsize < 8 else 2**63 - 1)))
    yield "an object", stored(np.array([None], object))
    if array.dtype.kind == "f":
        yield "no numbers", stored(np.full_like(array, np.nan))
        yield "all zero", stored(np.zeros_like(array))
    length = struct.pack("<H", 60_000)
    yield "a wrong header length", content[:8] + length + content[10:]


def of_tensors(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Store tensors as others: under other names, of another type or shape, or with none."""
    tensors = safetensors.numpy.load(content)
    name = next(iter(tensors))
    save = safetensors.numpy.save
    yield "a tensor less", save({key: each for key, each in tensors.items() if key != name})
    yield "another name", save({("other" if key == name else key): t for key, t in tensors.items()})
    yield "another type", save({key: each.astype(np.int8) for key, each in tensors.items()})
    yield "another shape", save({key: each[..., :1].copy() for key, each in tensors.items()})
    yield "a dimension more", save({key: each[None].copy() for key, each in tensors.items()})
    yield "none", save({})
    floats = {key: np.full_like(t, np.nan) for key, t in tensors.items() if t.dtype.kind == "f"}
    yield "no numbers", save({**tensors, **floats})
    yield "a wrong header length", struct.pack("<Q", 2**60) + content[8:]


VALUES = (
    None, True, "many", "", [], {}, [1], -1, 0, 1, 2**31, 2**63, 10**30, 0.5, -0.5, 1e308, 1e-308,
    float("inf"), float("nan"), [1, 2], ["a"], {"a": 1}, "1e-3", "cpu", [[]], [0, 0], [-1, 2],
)  # fmt: skip


def of_params(text: str, n: int, stream: random.Random) -> Iterator[tuple[str, bytes]]:
    """Change params.yaml at random n times: what was done, and its bytes; then YAML's own traps."""
    for _ in range(n):
        document = YAML(typ="safe", pure=True).load(text)
        parents = list(_sections(document))
        section, key = stream.choice([(s, k) for s in parents for k in s])
        way = stream.choice(("value", "value", "value", "key", "less", "more"))
        value = stream.choice(VALUES)
        if way == "value":
            section[key] = value
        elif way == "more":
            section[f"{key}s"] = value
        else:
            old = section.pop(key)
            if way == "key":
                section[key[:-1] + stream.choice("xyz")] = old
        file = io.StringIO()
        YAML(typ="safe", pure=True).dump(document, file)
        yield f"{way} of {key}: {value!r}", file.getvalue().encode()
    lines = text.splitlines(keepends=True)
    yield "a line less", "".join(line for n, line in enumerate(lines) if n != 7).encode()
    yield "cut off", text[: len(text) // 2].encode()
    yield "empty", b""
    yield "a list", b"- 1\n- 2\n"
    yield "a number", b"7\n"
    yield "a byte order mark", b"\xef\xbb\xbf" + text.encode()
    yield "CRLF", text.replace("\n", "\r\n").encode()
    yield "UTF-16", text.encode("utf-16")
    yield "Latin 1", b"# \xe9\n" + text.encode()
    yield "a null byte", text.replace("seed", "se\0ed", 1).encode()
    yield "a tab", text.replace("  seed", "\tseed", 1).encode()
    yield "a duplicate key", text.replace("device: cpu", "device: cpu\ndevice: cpu", 1).encode()
    yield "an anchor", text.replace("device: cpu", "device: &a cpu", 1).encode()
    yield "an alias of nothing", text.replace("device: cpu", "device: *a", 1).encode()
    yield "a tag", text.replace("device: cpu", "device: !!python/object:os.system cpu", 1).encode()
    yield "two documents", (text + "---\n" + text).encode()
    yield "YAML 1.1's octal", text.replace("seed: 13", "seed: 013", 1).encode()
    yield "a date", text.replace("seed: 13", "seed: 2020-01-01", 1).encode()
    yield "sixty seconds", text.replace("seed: 13", "seed: 1:30", 1).encode()
    yield "an underscore", text.replace("seed: 13", "seed: 1_3", 1).encode()
    laughs = ["a0: &a0 [1, 1]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    yield "a billion laughs", "\n".join(laughs).encode()
    yield "a deep nest", b"[" * 5000


def _sections(document: dict) -> Iterator[dict]:
    yield document
    for value in document.values():
        if isinstance(value, dict):
            yield from _sections(value)
