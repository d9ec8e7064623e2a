"""What a training shows while it runs."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from diagonal.pipeline import files
from diagonal.pipeline.errors import InputError
from diagonal.training import progress
from diagonal.training.descent import Descent
from stages import balance, generate, split, train_relu

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
CURVE = Path("plots/losses/relu.csv")


@pytest.fixture
def clock(monkeypatch):
    """Stop the clock; `clock[0] += s` lets seconds go by."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_a_table_is_written_after_ten_seconds_then_once_a_second_and_at_the_end(clock, tmp_path):
    path, rows, seen = tmp_path / "curves/t.csv", [], []
    with progress.live_table(path, lambda: {"n": rows}) as update:
        clock[0] += 9
        for k in range(10):
            rows.append(k)
            clock[0] += 0.4
            update()
            seen.append(path.read_text().count("\n") - 1 if path.exists() else 0)
    assert seen == [0, 0, 3, 3, 3, 6, 6, 6, 9, 9]
    files.write_table(tmp_path / "expected.csv", {"n": range(10)})
    assert path.read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_what_takes_long_to_write_is_written_more_rarely(clock, tmp_path, monkeypatch):
    written = []

    def slow(path, columns):
        written.append(clock[0])
        clock[0] += 0.5

    monkeypatch.setattr(files, "write_table", slow)
    with progress.live_table(tmp_path / "t.csv", dict) as update:
        for _ in range(1000):
            clock[0] += 0.1
            update()
    first, second, _last = written
    assert second - first >= 50


@pytest.mark.parametrize("error", [InputError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [None, b"epoch\n1\n2\n"])
def test_an_error_leaves_the_file_as_it_was(clock, tmp_path, before, error):
    path = tmp_path / "t.csv"
    if before:
        path.write_bytes(before)
    with pytest.raises(error), progress.live_table(path, lambda: {"n": [1]}) as update:
        clock[0] += 11
        update()
        assert path.read_text() == "n\n1\n"
        raise error
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [before] * bool(before)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A folder with the lecture's data, where a training may run; no second is too short."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "FIRST", 0)
    monkeypatch.setattr(progress, "INTERVAL", 0)
    monkeypatch.setattr(progress, "SHARE", np.inf)
    text = (ROOT / "params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("n_epochs: 50\n", "n_epochs: 5\n", 1))
    for stage in (generate, split, balance):
        stage.main()


def test_a_curve_grows_on_disk_while_its_model_trains(prepared, monkeypatch):
    seen, write = [], files.write_table

    def spy(path, columns):
        write(path, columns)
        if Path(path) == CURVE:
            seen.append(pd.read_csv(path))

    monkeypatch.setattr(files, "write_table", spy)
    train_relu.main()
    assert [len(table) for table in seen] == [1, 2, 3, 4, 5, 5]
    final = pd.read_csv(CURVE)
    for table in seen:
        pd.testing.assert_frame_equal(table, final[: len(table)])


def test_a_training_that_fails_loses_neither_curve_nor_model(prepared, monkeypatch):
    train_relu.main()
    before = {path: path.read_bytes() for path in [CURVE, *Path("models").iterdir()]}

    def diverge(self, n_epochs, seed, on_epoch):
        self.losses.append(7.0)
        self.val_losses.append(7.0)
        on_epoch(7.0, 7.0)
        assert CURVE.read_bytes() != before[CURVE]
        next(self.model.parameters()).data[:] = np.nan

    monkeypatch.setattr(Descent, "train", diverge)
    with pytest.raises(InputError, match="expected weights that stay finite"):
        train_relu.main()
    assert {path: path.read_bytes() for path in before} == before


def test_no_bar_without_a_terminal_and_none_that_tqdm_is_told_not_to_show():
    code = "from diagonal.training.progress import bar; [None for _ in bar(range(9))]"

    def shown(**variables):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        words = [sys.executable, "-c", code]
        subprocess.run(words, cwd=ROOT, env=os.environ | variables, stderr=theirs, check=True)
        os.close(theirs)
        try:
            return os.read(ours, 1000)
        except OSError:  # nothing, and nobody left to write
            return b""
        finally:
            os.close(ours)

    assert b"9/9" in shown()
    assert shown(TQDM_DISABLE="1") == b""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stderr == b""
