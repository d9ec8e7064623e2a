"""How fast the pipeline is, against the lecture as one plain script: `make bench`.

What is compared runs in turn, so that it meets the same machine; times and ratios are medians over
the rounds. Ours must also compute what the script computes. The exit status is 1 unless every
target holds; a row without a target is for information.
"""

import copy
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from ruamel.yaml import YAML
from torch import nn, optim

from benchmarks import lecture
from checks.reproduction import copy_project
from diagonal.lines.images import generate_dataset
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent
from diagonal.training.sampling import make_balanced_sampler

ROOT = Path(__file__).parents[1]
MODELS = {"logistic": ((), None), "deepish": ((5, 3), None), "relu": ((5, 3), nn.ReLU)}
N_EPOCHS = 20  # per measurement of training
N_ROUNDS = 5  # of dvc repro
IMPORT = "import gc, os; gc.disable(); import stages.{}; os._exit(0)"  # as a stage starts and ends
COLUMNS = "{:40} {:>14} {:>14} {:>6} {:>7}  {}"


def main() -> None:
    print(COLUMNS.format("medians", "ours", "compared with", "ratio", "target", "holds"))
    held = [generation(), *training(), *pipeline()]
    sys.exit(not all(held))


def seconds(function: Callable) -> float:
    """Time one call, in seconds on the wall."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def report(name: str, rounds, *, n_images: int = 0, at_least: float = 0, at_most: float = 0):
    """Print a row of the table and return whether its target holds.

    Args:
        name: of what was measured.
        rounds: pairs of seconds, ours and what it is compared with.
        n_images: if given, images per second are shown, and the ratio of those.
        at_least: target of the ratio.
        at_most: target of the ratio; without either the row always holds.
    """
    if n_images:
        rounds = [(n_images / ours, n_images / other) for ours, other in rounds]
    ratio = median(ours / other for ours, other in rounds)
    holds = ratio >= at_least and (not at_most or ratio <= at_most)
    target = f">= {at_least:g}" if at_least else f"<= {at_most:g}" if at_most else ""
    medians = (median(column) for column in zip(*rounds, strict=True))
    cells = (f"{each:,.0f} / s" if n_images else f"{each:.2f} s" for each in medians)
    verdict = ("yes" if holds else "NO") if target else ""
    print(COLUMNS.format(name, *cells, f"{ratio:.2f}", target, verdict).rstrip(), flush=True)
    return holds


def generation() -> bool:
    """Draw images of lines: ours is a look-up, the lecture's a loop over pixels."""
    size = {"img_size": 5, "n_images": 300_000, "seed": 13}
    ours, theirs = partial(generate_dataset, **size), partial(lecture.generate_dataset, **size)
    for our_array, their_array in zip(ours(), theirs(), strict=True):
        np.testing.assert_array_equal(our_array, their_array, strict=True)
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(7)]
    return report("images generated", rounds, n_images=size["n_images"], at_least=50)


def training() -> Iterator[bool]:
    """Train on one thread: batches this small keep no second one busy."""
    torch.set_num_threads(1)
    images, labels = lecture.generate_dataset(5, 300, True, 13)
    train, val = (torch.tensor(part.indices) for part in lecture.index_splitter(300, [80, 20]))
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
            rounds = [(seconds(ours), seconds(theirs)) for _ in range(9)]
            yield report(title, rounds, n_images=N_EPOCHS * len(train), at_least=8)


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


def pipeline() -> Iterator[bool]:
    """Run the eight stages in a copy of the project, against the script and against their floor.

    The floor is what eight stages must take: their imports, DVC's own time, and the script's time
    without its imports.
    """
    with tempfile.TemporaryDirectory() as folder:
        project, empty, figures = (Path(folder, name) for name in ("project", "empty", "figures"))
        copy_project(ROOT, project)
        repro = ("dvc", "repro", "--quiet", "--force")
        run(repro, cwd=project)
        shutil.copytree(project, empty)
        stages = without_commands(empty)
        python, lecture_file = sys.executable, ROOT / "benchmarks/lecture.py"
        commands = {
            "repro": [repro],
            "nothing to do": [("dvc", "repro", "--quiet")],
            "imports": [(python, "-c", IMPORT.format(stage)) for stage in stages],
            "script": [(python, lecture_file, figures)],
            "script's imports": [(python, "-c", "import benchmarks.lecture")],
        }
        rounds = []
        for _ in range(N_ROUNDS):
            times = {
                name: seconds(partial(run, *each, cwd=project)) for name, each in commands.items()
            }
            times["DVC"] = seconds(partial(run, repro, cwd=empty))
            times["computing"] = times["script"] - times["script's imports"]
            times["floor"] = times["imports"] + times["DVC"] + times["computing"]
            rounds.append(times)
    for title, ours, other, at_most in (
        ("imports, part of the floor", "imports", "floor", 0),
        ("DVC, part of the floor", "DVC", "floor", 0),
        ("computing, part of the floor", "computing", "floor", 0),
        ("dvc repro --force, against the floor", "repro", "floor", 1.25),
        ("dvc repro --force, against the script", "repro", "script", 0),
        ("dvc repro, nothing to do, and the script", "nothing to do", "script", 0),
    ):
        pairs = [(times[ours], times[other]) for times in rounds]
        yield report(title, pairs, at_most=at_most)


def without_commands(project: Path) -> list[str]:
    """Let each stage of a project that has run do nothing; return the stages' names."""
    yaml = YAML()
    wiring = yaml.load(project / "dvc.yaml")
    for stage in wiring["stages"].values():
        stage["cmd"] = "true"
    yaml.dump(wiring, project / "dvc.yaml")
    return list(wiring["stages"])


def run(*commands, cwd: Path) -> None:
    """Run commands quietly and on one thread; exit with the output of one that fails.

    The lecture's loop is no faster on two threads, and many times slower if others use the machine:
    its threads wait for each other.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as everywhere
    for words in commands:
        done = subprocess.run(
            words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(map(str, words))}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
