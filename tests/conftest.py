"""What several tests start from: the lecture's data, random data, and a copy of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def lecture_data():
    """Images in [0, 1] and labels of the lecture, split: x, y, x_val, y_val."""
    import torch

    from diagonal.images import generate_dataset
    from diagonal.splitting import train_val_split

    images, labels = generate_dataset(5, 300, seed=13)
    train, val = train_val_split(labels, (80, 20), 13)
    x, y = torch.from_numpy(images) / 255, torch.from_numpy(labels).float()[:, None]
    return SimpleNamespace(x=x[train], y=y[train], x_val=x[val], y_val=y[val])


@pytest.fixture(scope="session")
def random_data():
    """Make images in [0, 1] and labels, split, of any size: random_data(n, n_val, size, seed)."""
    import torch

    def make(n, n_val, size, seed):
        stream = torch.Generator().manual_seed(seed)
        x = torch.rand(n + n_val, 1, size, size, generator=stream)
        y = (torch.arange(n + n_val) % 3 > 0).float()[:, None]
        return SimpleNamespace(x=x[:n], y=y[:n], x_val=x[n:], y_val=y[n:])

    return make


@pytest.fixture
def project(tmp_path):
    """A copy of the project as git sees it, tracked and new files, with a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    copy = tmp_path / "project"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    return copy


@pytest.fixture
def run(project):
    """Run a command in that copy with this environment's programs first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run(*command, **environment):
        return subprocess.run(
            command,
            cwd=project,
            env={**os.environ, "PATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
