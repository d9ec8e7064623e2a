import json
import os
import stat
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from diagonal.errors import InputError
from diagonal.pipeline import files


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "kept.npy"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), files.replacing(path) as file:
        file.write(b"half of the n")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_makes_folders_and_follows_the_umask(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    files.write_array(path, np.zeros(3))
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_arrays_come_back_uncopied_and_cannot_be_changed(tmp_path):
    path, array = tmp_path / "a.npy", np.arange(6, dtype=np.int64).reshape(2, 3)
    files.write_array(path, array)
    back = files.read_array(path, np.int64, ndim=2)
    np.testing.assert_array_equal(back, array, strict=True)
    assert isinstance(back.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        back[0] = 1


def test_tensors_come_back(tmp_path):
    path = tmp_path / "t.safetensors"
    tensors = {"b": np.eye(3, dtype=np.float32).T[:, ::-1], "a": np.array([2.5])}
    files.write_tensors(path, tensors)
    back = files.read_tensors(path)
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(back[name], tensor, strict=True)


@pytest.mark.parametrize(("shape", "n_parts"), [((1,), 1), ((9, 1, 4, 4), 3)])
def test_an_array_in_parts_has_the_bytes_that_numpy_writes(tmp_path, shape, n_parts):
    array = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    np.save(tmp_path / "expected.npy", array)
    parts = (part.astype(np.int32) for part in np.array_split(array, n_parts))
    files.write_large_array(tmp_path / "parts.npy", shape, np.int64, parts)
    files.write_array(tmp_path / "whole.npy", array)
    expected = (tmp_path / "expected.npy").read_bytes()
    assert (tmp_path / "parts.npy").read_bytes() == expected
    assert (tmp_path / "whole.npy").read_bytes() == expected


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: SimpleNamespace(free=23))
    files.write_array(tmp_path / "small.npy", np.zeros(2, np.float32))
    with pytest.raises(InputError) as caught:
        files.write_array(tmp_path / "large.npy", np.zeros(3))
    assert str(caught.value) == (
        f"{tmp_path}/large.npy: expected 24 free bytes to write here, found 23"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["small.npy"]


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


def test_foreign_arrays_are_told_in_one_line(tmp_path):
    cut_off, pickled = tmp_path / "cut_off.npy", tmp_path / "pickled.npy"
    np.save(cut_off, np.zeros(100))
    cut_off.write_bytes(cut_off.read_bytes()[:-8])
    np.save(pickled, np.array([Bomb()], dtype=object))
    for path in (cut_off, pickled):
        message = rf"^{path}: expected a readable .npy file, found: [^\n]+$"
        with pytest.raises(InputError, match=message):
            files.read_array(path, np.float64, ndim=1)


def test_tensors_that_are_cut_off_are_told_in_one_line(tmp_path):
    path = tmp_path / "train.safetensors"
    path.write_bytes(safetensors.numpy.save({"x": np.zeros(100)})[:-8])
    message = rf"^{path}: expected a readable .safetensors file, found: [^\n]+$"
    with pytest.raises(InputError, match=message):
        files.read_tensors(path)


def test_a_missing_file_is_told_with_what_makes_it(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(InputError) as caught:
        files.read_metrics(path)
    assert str(caught.value) == f"{path}: expected a .json file, found none; run `dvc repro`"


def test_tables_have_six_digits_and_whole_integers(tmp_path):
    columns = {"epoch": range(1, 3), "loss": [0.123456789, np.float32(1e-7)], "name": ["a", "b,c"]}
    files.write_table(tmp_path / "t.csv", columns)
    text = (tmp_path / "t.csv").read_bytes().decode()
    assert text == 'epoch,loss,name\n1,0.123457,a\n2,1e-07,"b,c"\n'


def test_columns_are_read_by_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('x,y,z\n1,0.5,"a, b"\n3,2,oops\n')
    expected = pd.DataFrame({"y": [0.5, 2], "x": [1.0, 3]})
    pd.testing.assert_frame_equal(files.read_table(path, "y", "x"), expected)
    for name, reason in (("z", "could not convert string to float"), ("w", "'w'")):
        with pytest.raises(InputError, match=rf"a\.csv: expected a readable .csv .*{reason}"):
            files.read_table(path, "x", name)


def test_metrics_are_sorted_rounded_and_end_with_a_newline(tmp_path):
    metrics = {"b": np.float64(2 / 3), "a": {"n": np.int64(3), "undefined": None}}
    files.write_metrics(tmp_path / "m.json", metrics)
    text = (tmp_path / "m.json").read_text()
    assert text.endswith("}\n")
    assert list(json.loads(text)) == ["a", "b"]
    assert files.read_metrics(tmp_path / "m.json") == json.loads(text)
    assert json.loads(text) == {"a": {"n": 3, "undefined": None}, "b": 0.666667}


def test_metrics_that_are_no_numbers_are_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_metrics(tmp_path / "m.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_what_a_process_that_was_killed_has_left_goes_with_the_next_write(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    running, swap = f".a.npy.{os.getppid()}", ".a.npy.swp"
    for name in (running, swap, f".a.npy.{ended.pid}"):
        (tmp_path / name).touch()
    files.write_array(tmp_path / "a.npy", np.arange(3))
    assert {path.name for path in tmp_path.iterdir()} == {running, swap, "a.npy"}
