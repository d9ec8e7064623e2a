"""What a step costs when processes share it: `python -m benchmarks.processes`.

Prints milliseconds per step of relu for one process as usual and for 1, 2 and 4 that torchrun
starts here, each on one thread: the median over epochs, at small and at large batches.
"""

import subprocess
import sys
import time
from itertools import pairwise
from statistics import median

import torch
from torch import distributed, nn, optim

from diagonal.training import data_parallel
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent
from diagonal.training.models import network
from diagonal.training.sampling import make_balanced_sampler

CASES = (  # img_size, hidden units, images per batch, steps per epoch
    (5, (5, 3), 16, 500),
    (5, (5, 3), 65_536, 8),
    (28, (64, 16), 65_536, 2),
)
N_EPOCHS = 5  # that count, after one that does not


def main() -> None:
    titles = [f"{size} x {size}, batch {batch:,}" for size, _, batch, _ in CASES]
    print(("{:24}" + "{:>26}" * len(CASES)).format("ms per step", *titles))
    for n in (None, 1, 2, 4):
        name = f"{n} by torchrun" if n else "python"
        start = ["torchrun", "--standalone", "--nproc-per-node", str(n)] if n else [sys.executable]
        command = [*start, "-m", "benchmarks.processes", "measure"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(("{:24}" + "{:>26}" * len(CASES)).format(name, *done.stdout.split()), flush=True)


def measure() -> None:
    """Print the milliseconds of each case, in this process or together with others."""
    torch.set_num_threads(1)
    with data_parallel.joined(torch.device("cpu")):
        times = [milliseconds(*case) for case in CASES]
    if data_parallel.place()[0] == 0:
        print(*(f"{each:.3f}" for each in times))


def milliseconds(img_size: int, hidden: tuple, batch_size: int, n_steps: int) -> float:
    """Train on random images; return the median over epochs of the time per step."""
    n, stream = batch_size * n_steps, torch.Generator().manual_seed(0)
    x, y = torch.rand(n, 1, img_size, img_size, generator=stream), (torch.arange(n) % 3 > 0).long()
    model = network([img_size**2, *hidden, 1], "relu", seed=17, dtype=torch.float64)
    optimizer, share = optim.SGD(model.parameters(), lr=0.01), data_parallel.place()[:2]
    if distributed.is_initialized():
        ours = Architecture(*data_parallel.shared(model), optimizer)
    else:
        ours = Descent(model, nn.BCELoss(), optimizer)
    options = {"batch_size": batch_size, "dtype": torch.float64, "share": share}
    ours.set_loaders(Batches(x, y, sampler=make_balanced_sampler(y), hflip=0.5, **options))
    ends = [time.perf_counter()]
    ours.train(N_EPOCHS + 1, on_epoch=lambda *_: ends.append(time.perf_counter()))
    times = [end - start for start, end in pairwise(ends[1:])]
    return 1000 * median(times) / n_steps


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
