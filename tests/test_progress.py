"""What a training shows while it runs, and what it leaves behind when it fails."""

import os
import pty
import shutil
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from conftest import run_stages, write_params

from diagonal.errors import InputError
from diagonal.training.descent import Descent

ROOT = Path(__file__).parents[1]


def test_a_training_that_fails_loses_neither_curve_nor_model(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    write_params(tmp_path / "params.yaml", {"train_relu.n_epochs": 5})
    run_stages(tmp_path, "generate", "split", "balance", "train_relu")
    paths = [tmp_path / "plots/losses/relu.csv", *(tmp_path / "models").iterdir()]
    before = {path: path.read_bytes() for path in paths}
    assert before[paths[0]].count(b"\n") == 6

    def diverge(self, n_epochs, seed, on_epoch):
        next(self.model.parameters()).data[:] = np.nan

    monkeypatch.setattr(Descent, "train", diverge)
    with pytest.raises(InputError, match=r"^params\.yaml: train_relu\.lr: expected weights that"):
        run_stages(tmp_path, "train_relu")
    assert {path: path.read_bytes() for path in paths} == before


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
