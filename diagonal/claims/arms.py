"""The arms of an experiment: the lecture's settings, and what an arm changes of them."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from torch import nn
from torch.utils.data import RandomSampler, Sampler

from diagonal.claims.batches import Batches, DataSet, Inputs, draw_counts
from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import split_by_unit
from diagonal.pipeline.params import ClaimsBaseline
from diagonal.training.models import network
from diagonal.training.sampling import make_balanced_sampler, weighted_sampler

PART = 128  # members that one process draws for and trains
RATIOS = (80, 20)  # training : validation
SAMPLERS: dict[str, Callable[[torch.Tensor], Sampler]] = {  # of labels (n,)
    "balanced": make_balanced_sampler,
    "equal": lambda labels: weighted_sampler(torch.ones(len(labels))),
    "shuffled": lambda labels: RandomSampler(labels, generator=torch.Generator()),
}


def data_set(
    inputs: Inputs,
    base: ClaimsBaseline,
    *,
    data_seed: int | None = None,
    split_seed: int | None = None,
    unit: str = "image",
) -> DataSet:
    """Draw images and split them, with the baseline's seeds where none are given.

    The unit of the split is an image, a pattern (all images that look the same stay together) or
    an orbit (mirror images do, too).

    Raises:
        InputError: a side of the split lacks a class.
    """
    seed = base.data_seed if data_seed is None else data_seed
    images, labels = generate_dataset(base.img_size, base.n_images, seed=seed)
    places = inputs.find(images)
    seed = base.split_seed if split_seed is None else split_seed
    # Arms without flips share the split of those that have them, hence 1.
    train, val = split_by_unit(images, labels, RATIOS, seed, unit, hflip=1)
    return DataSet(places[train], np.bincount(places[val], minlength=len(inputs.images)))


def batches(
    inputs: Inputs,
    data: DataSet,
    base: ClaimsBaseline,
    seeds: Sequence[int],
    *,
    sampler: str = "balanced",
    hflip: float | None = None,
    n_epochs: int | None = None,
    x: torch.Tensor | None = None,
) -> Batches:
    """Draw the batches of members with these sampling seeds, as the baseline where None is given.

    The sampler is a key of SAMPLERS; x are the inputs as networks see them.
    """
    labels = torch.from_numpy(inputs.labels)
    counts = draw_counts(
        np.stack([data.train, inputs.mirror[data.train]], axis=1),
        len(inputs.images),
        [SAMPLERS[sampler](labels[data.train]) for _ in seeds],
        seeds=seeds,
        hflip=base.hflip if hflip is None else hflip,
        n_epochs=base.n_epochs if n_epochs is None else n_epochs,
        batch_size=base.batch_size,
    )
    return Batches(inputs.x() if x is None else x, labels, counts)


def networks(
    base: ClaimsBaseline,
    seeds: Sequence[int],
    activation: str = "relu",
    hidden: Sequence[int] | None = None,
    *,
    bias: bool = False,
    outputs: int = 1,
) -> list[nn.Sequential]:
    """Build networks with these initialisation seeds, float64; hidden as the baseline if None.

    Outputs are 1, or one for each class.
    """
    sizes = [base.img_size**2, *(base.hidden if hidden is None else hidden), outputs]
    return [network(sizes, activation, bias=bias, seed=s, dtype=torch.float64) for s in seeds]


def parts(seeds: Sequence[int]) -> list[Sequence[int]]:
    """Divide members into parts, each to be drawn for and trained by a process of its own."""
    return [seeds[first : first + PART] for first in range(0, len(seeds), PART)]


def side_by_side(runs: Mapping[str, Callable]) -> dict:
    """Call functions that do not depend on each other at the same time; return what they do.

    Steps on matrices this small are so short that threads would wait for Python's lock. So each
    runs in a process forked from this one, which has all that it needs, and its result is sent
    back. Where the system cannot fork safely, they run one after the other.
    """
    if sys.platform != "linux":
        return {name: run() for name, run in runs.items()}
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(os.cpu_count(), fork, _prepare, [runs]) as pool:
        # A terminal interrupts these processes, too; to say so is the stage's. So until they heed
        # an interrupt in their own way, in `_prepare`, it waits.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        results = pool.map(_run, runs)  # which forks
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        return dict(zip(runs, map(pickle.loads, results), strict=True))


RUNS: dict[str, Callable] = {}  # of a process of `side_by_side`: functions cannot be sent to it


def _prepare(runs: Mapping[str, Callable]) -> None:
    """Remember what a forked process may be asked to run, on one thread: others were not forked."""
    torch.set_num_threads(1)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    RUNS.update(runs)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has, however that was: else it waits for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _run(name: str) -> bytes:
    """Run a function; as bytes, for tensors would go through shared memory, often a scarce one."""
    return pickle.dumps(RUNS[name]())
