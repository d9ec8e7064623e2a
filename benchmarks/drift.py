"""Measure how far trainings in float64 drift apart when sums are taken in other orders.

    python -m benchmarks.drift        (about half an hour)

The same trainings run in one process for each setting, under which PyTorch and its BLAS choose
other code and so sum in other orders. For each size of network and number of epochs this prints,
over the settings: the largest difference of any trained weight; the expected number of weights
of one model whose stored value flips, for two ways of rounding; and how many were seen to flip.

A weight that differs by d between settings, and whose stored values are s apart, flips where a
tie lies between: with probability d / s. Weights of dead units never move, differ nowhere and
add nothing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import train_val_split
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent
from diagonal.training.models import GRID, network, rounded_to_grid
from diagonal.training.sampling import class_weights, weighted_sampler

SETTINGS = (  # one thread each: so small, sums are hardly divided, and waiting threads cost much
    {"OMP_NUM_THREADS": "1"},
    {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE"},
)
EPOCHS = (50, 100, 500, 1000, 5000)
# pixels of an image's side; hidden units; learning rate; number of seeds; epochs at most
PLAN = (
    (5, (5, 3), 0.1, 1, 1000),
    (5, (5, 3), 0.1, 32, 5000),
    (10, (16, 8), 0.1, 1, 5000),
    (28, (64, 16), 0.1, 1, 1000),
    (28, (64, 16), 0.01, 1, 1000),
)
SEEDS = (17, *range(31))  # of initial weights: the lecture's, and others
BATCH_SIZE, HFLIP, SAMPLER_SEED = 16, 0.5, 42


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", allow_abbrev=False)
    parser.add_argument("--weights", type=Path, help="train in this process, write weights there")
    target = parser.parse_args().weights
    if target:
        np.savez(target, **dict(trainings()))
        return
    results = []
    with tempfile.TemporaryDirectory(prefix="drift-") as folder:
        for number, setting in enumerate(SETTINGS):
            print(f"training under {setting or 'the settings of this machine'}", flush=True)
            path = Path(folder, f"{number}.npz")
            command = [sys.executable, "-m", "benchmarks.drift", "--weights", str(path)]
            subprocess.run(command, env={**os.environ, **setting}, check=True)
            results.append(np.load(path))
        report(results)


def trainings():
    """Train all networks; yield "size lr name seeds epochs", weights (seeds, number)."""
    for size, hidden, lr, n_seeds, longest in PLAN:
        images = data(size)
        for name, (activation, deep) in MODELS.items():
            sizes = [size**2, *(hidden if deep else ()), 1]
            stops = [epochs for epochs in EPOCHS if epochs <= longest]
            runs = [train(sizes, activation, stops, lr, seed, *images) for seed in SEEDS[:n_seeds]]
            for epochs, weights in zip(stops, zip(*runs, strict=True), strict=True):
                yield f"{size} {lr} {name} {n_seeds} {epochs}", np.stack(weights)


def data(size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw the lecture's 300 images in this size: the training images, labels and weights."""
    images, labels = generate_dataset(size, 300, seed=13)
    train, _ = train_val_split(labels, (80, 20), 13)
    x = scale_and_normalize(0.5, 0.5)(torch.from_numpy(images[train])).double()
    labels = torch.from_numpy(labels[train])
    return x, labels.double()[:, None], class_weights(labels)[labels].double()


def train(sizes, activation, stops, lr, seed, x, y, weights) -> list[np.ndarray]:
    """Train a network as the pipeline does: its weights, (number,), after each of some epochs."""
    model = network(sizes, activation, seed=seed, dtype=torch.float64)
    architecture = Descent(model, nn.BCELoss(), torch.optim.SGD(model.parameters(), lr=lr))
    options = {"batch_size": BATCH_SIZE, "hflip": HFLIP, "dtype": torch.float64}
    architecture.set_loaders(Batches(x, y[:, 0], sampler=weighted_sampler(weights), **options))
    kept = []

    def keep(*_):
        if len(architecture.losses) in stops:
            kept.append(nn.utils.parameters_to_vector(model.parameters()).detach().numpy())

    architecture.train(stops[-1], SAMPLER_SEED, keep)
    return kept


def report(results: list) -> None:
    """Print a line for each training and number of epochs."""
    print(f"{'':33}largest drift       float32: flips, loss            grid: flips, loss")
    print("size   lr model    seeds epochs  median    worst    expected  worst seen  moves"
          "      expected  worst seen  moves")  # fmt: skip
    for key in results[0]:
        size, lr, name, seeds, epochs = key.split()
        values = np.stack([each[key] for each in results])  # (settings, members, weights)
        drift = np.ptp(values, axis=0)
        cells = [np.median(drift.max(axis=1)), drift.max()]
        spacing = np.spacing(abs(values[0]).astype(np.float32)).astype(np.float64)
        grid = rounded_to_grid(torch.from_numpy(values)).numpy()
        single = values.astype(np.float32)
        for stored, apart in ((single, spacing), (grid, np.maximum(spacing, GRID))):
            flips = (drift / apart).sum(axis=1)
            seen = (np.ptp(stored, axis=0) > 0).sum()
            moves = loss_moves(int(size), name, values[0, 0], stored[0, 0])
            cells += [flips.mean(), flips.max(), seen, moves]
        numbers = "{:.1e}  {:.1e}   {:.1e} {:.1e} {:4d} {:.0e}   {:.1e} {:.1e} {:4d} {:.0e}"
        print(f"{size:>4} {lr:>4} {name:8} {seeds:>5} {epochs:>6}  {numbers.format(*cells)}")


def loss_moves(size: int, name: str, weights: np.ndarray, stored: np.ndarray) -> float:
    """Compute how far rounding its weights moves a network's loss on the training images."""
    hidden = next(hidden for pixels, hidden, *_ in PLAN if pixels == size)
    sizes = [size**2, *(hidden if MODELS[name].hidden else ()), 1]
    model = network(sizes, MODELS[name].activation, seed=0, dtype=torch.float64)
    x, y, _ = data(size)
    losses = []
    for each in (weights, stored):
        vector = torch.from_numpy(each.astype(np.float64))
        nn.utils.vector_to_parameters(vector, model.parameters())
        losses.append(nn.functional.binary_cross_entropy(model(x), y).item())
    return abs(losses[1] - losses[0])


if __name__ == "__main__":
    main()
