"""The pipeline against the lecture as one plain script, side by side: `make bench`.

Each measurement is a pair, ours and the lecture's one after the other, so that both meet the same
machine; a ratio is the median over the pairs. Prints a table and leaves with status 1 unless
every target holds. What both compute is compared as well: a faster way to something else is none.
"""

import copy
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn, optim

from benchmarks import lecture
from diagonal.lines.images import generate_dataset
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent
from diagonal.training.sampling import make_balanced_sampler

ROOT = Path(__file__).parents[1]
LAST_STAGES = ("evaluate", "feature_space")  # with all before them: what the lecture does
STUDIES = ("seeds", "parabolas")  # and the seeds; the experiments on claims are apart
MODELS = {"logistic": ((), None), "deepish": ((5, 3), None), "relu": ((5, 3), nn.ReLU)}
N_EPOCHS = 20  # per measurement of training
N_CLONES = 3  # counted runs of dvc repro
COLUMNS = "{:34} {:>15} {:>15} {:>7} {:>9}  {}"


def main() -> None:
    print(COLUMNS.format("median of pairs", "ours", "lecture's", "ratio", "target", "holds"))
    held = [*generation(), *training(), *whole()]
    sys.exit(not all(held))


def pairs(ours: Callable, theirs: Callable, count: int) -> list[tuple[float, float]]:
    """Time both in turn, in seconds, after one round that is not counted."""
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(count + 1)]
    return rounds[1:]


def seconds(function: Callable) -> float:
    """Time one call, in seconds on the wall."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def report(name: str, times, *, per_second: float | None = None, at_least=None, at_most=None):
    """Print a line of the table; tell whether the target holds.

    Args:
        name: of what was measured.
        times: pairs of seconds, ours and the lecture's.
        per_second: what a measurement handles, to show as a rate; None shows seconds.
        at_least: target of lecture's time / ours.
        at_most: target of ours / lecture's; without any target the line always holds.
    """
    ours, theirs = (median(column) for column in zip(*times, strict=True))
    if per_second:
        ours, theirs = (f"{per_second / each:,.0f} / s" for each in (ours, theirs))
    else:
        ours, theirs = (f"{each:.2f} s" for each in (ours, theirs))
    faster = median(theirs / ours for ours, theirs in times)
    ratio, target, holds = faster, "", True
    if at_least:
        target, holds = f">= {at_least:g}", faster >= at_least
    else:
        ratio = 1 / faster
    if at_most:
        target, holds = f"<= {at_most:g}", ratio <= at_most
    print(COLUMNS.format(name, ours, theirs, f"{ratio:.2f}", target, "yes" if holds else "NO"))
    return holds


def generation():
    """Draw images of lines: ours is a look-up, the lecture's a loop over pixels."""
    size = {"img_size": 5, "n_images": 300_000, "seed": 13}
    ours, theirs = partial(generate_dataset, **size), partial(lecture.generate_dataset, **size)
    for one, other in zip(ours(), theirs(), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    times = pairs(ours, theirs, 7)
    yield report("images generated", times, per_second=size["n_images"], at_least=50)


def training():
    """Train on one thread: batches this small keep no second one busy."""
    torch.set_num_threads(1)
    images, labels = lecture.generate_dataset(5, 300, True, 13)
    train, val = (torch.tensor(each.indices) for each in lecture.index_splitter(300, [80, 20]))
    stored = torch.from_numpy(images), torch.from_numpy(labels), train, val
    for dtype in (torch.float32, torch.float64):
        x, y = torch.as_tensor(images / 255).to(dtype), torch.as_tensor(labels[:, None]).to(dtype)
        data = x[train], y[train], x[val], y[val]
        for name, (hidden, activation) in MODELS.items():
            model = lecture.make_model(hidden, activation).to(dtype)
            ours, theirs = partial(train_ours, model, stored), partial(train_theirs, model, data)
            if ours() != theirs():
                raise AssertionError(f"{name}: expected the lecture's losses and weights")
            title = f"images trained, {name}, {str(dtype).removeprefix('torch.')}"
            images_seen = N_EPOCHS * len(train)
            yield report(title, pairs(ours, theirs, 9), per_second=images_seen, at_least=8)


def train_theirs(model: nn.Module, data) -> tuple:
    """Train a copy through DataLoaders; return its losses and weights, exactly."""
    model = copy.deepcopy(model)
    losses = lecture.train(model, *lecture.make_loaders(*data), N_EPOCHS)
    return (*losses, [weight.tolist() for weight in model.parameters()])


def train_ours(model: nn.Module, stored) -> tuple:
    """Train a copy by the pipeline's Descent and Batches, from images as in its files."""
    model = copy.deepcopy(model)
    images, labels, train, val = stored
    architecture = Descent(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    sampler, transform = make_balanced_sampler(labels[train]), scale_and_normalize(0.5, 0.5)
    options = {"batch_size": 16, "transform": transform, "dtype": architecture.dtype}
    architecture.set_loaders(
        Batches(images, labels, train, sampler=sampler, hflip=0.5, **options),
        Batches(images, labels, val, **options),
    )
    architecture.train(N_EPOCHS, seed=42)
    weights = [weight.tolist() for weight in model.parameters()]
    return architecture.losses, architecture.val_losses, weights


def whole():
    """Run what is committed, in fresh clones with empty caches, against the lecture's script."""
    with tempfile.TemporaryDirectory() as folder:
        clone, figures = Path(folder, "clone"), Path(folder, "figures")
        theirs = partial(run, sys.executable, ROOT / "benchmarks/lecture.py", figures)
        for name, stages, at_most in (
            ("dvc repro, the lecture's stages", LAST_STAGES, 1.75),
            ("dvc repro, with seeds and parabolas", (*LAST_STAGES, *STUDIES), 3),
        ):
            times = []
            for _ in range(N_CLONES + 1):
                shutil.rmtree(clone, ignore_errors=True)
                run("git", "clone", "--quiet", ROOT, clone)
                ours = partial(run, "dvc", "repro", "--quiet", "--force", *stages, cwd=clone)
                times.append((seconds(ours), seconds(theirs)))
            yield report(name, times[1:], at_most=at_most)
        again = partial(run, "dvc", "repro", "--quiet", cwd=clone)
        yield report("dvc repro, nothing to do", pairs(again, theirs, N_CLONES), at_most=0.1)


def run(*command, cwd: Path = ROOT) -> None:
    """Run a command quietly, on one thread; its failure is ours, with what it said.

    The lecture's loop is no faster on two threads, and where others use the machine many times
    slower: its threads wait for each other.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as everywhere
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
