"""What the three training stages share: all but the model itself."""

import ctypes
import inspect
import sys
import warnings
from collections.abc import Callable
from functools import partial
from itertools import chain

import numpy as np
import torch
from torch import nn, optim

from diagonal import processes
from diagonal.device import resolve
from diagonal.launch import launch
from diagonal.progress import progress
from diagonal.resources import require_memory
from diagonal.shell import files
from diagonal.shell.errors import InputError, located
from diagonal.shell.params import Params, TrainModel
from diagonal.training.architecture import Architecture
from diagonal.training.batches import CATEGORIES, GATHER, Batches, draw, weighted_sampler
from diagonal.training.history import History
from diagonal.training.models import drifts_to_a_tie, stored_weights

Build = Callable[[int, torch.dtype], nn.Module]  # (number of pixels, dtype) to a model
SMALL = 2**20  # multiplications for a batch
M_MMAP_THRESHOLD, LARGE = -3, 2**20  # of malloc.h; bytes from which an array is large
SAFE = 10  # drifts from a rounding tie: nearer than that, training warns

# Making its first optimizer, PyTorch imports its compiler, which takes as long as PyTorch itself,
# only to keep the compiler away from this method. Nothing is compiled here.
optim.Optimizer.add_param_group = inspect.unwrap(optim.Optimizer.add_param_group)


def train(
    name: str,
    build: Build,
    *,
    settings: TrainModel,
    params: Params,
    with_history: bool = False,
) -> None:
    """Train one model on the balanced batches; write its weights, losses and metrics.

    Args:
        name: of the model and of its files.
        build: makes the model with its initial weights.
        settings: the model's own section of params.yaml.
        params: all of params.yaml.
        with_history: also write its weights as they were at some epochs, to be animated.

    Raises:
        InputError: the device is not there, the files do not fit each other, or a process among
            several has failed.
    """
    elsewhere = params.train.launch != "python" and not processes.launched()
    with processes.reported():
        if params.train.precision == "float32" and (elsewhere or processes.launched()):
            raise InputError(
                "params.yaml: train.precision: expected float64 with torchrun, "
                "found float32, whose bits would depend on the number of processes"
            )
        if elsewhere:
            launch(params.train.launch, f"train_{name}")
        else:
            architecture = prepared(build, settings=settings, params=params)
            with processes.joined(architecture.device):
                history = _run(name, architecture, settings=settings, params=params)
                if processes.place()[0] == 0:
                    _write(name, architecture, history if with_history else None, params=params)


def _run(name: str, architecture: Architecture, *, settings: TrainModel, params: Params) -> History:
    """Train; the first of the processes shows how it goes and tells how safe the outcome is."""
    first = processes.place()[0] == 0
    model, x = architecture.model, architecture.train_loader.x
    if first and params.device == "auto":
        print(f"{name}: device auto is {architecture.device}")
    if first and len(x) > CATEGORIES:
        print(f"{name}: more than 2^24 images: drawn without torch.multinomial", file=sys.stderr)
    initial = {key: weight.clone() for key, weight in model.state_dict().items()}
    history = History(model, settings.n_epochs)
    try:
        with progress(name, settings.n_epochs, shown=first) as show:

            def on_epoch(*losses) -> None:
                history.keep()
                show(*losses)

            architecture.train(settings.n_epochs, params.train.seed, on_epoch)
    except RuntimeError:  # the loss refuses what is no probability
        _check_finite(architecture, x, name, settings.lr)
        raise
    if first:
        _check_finite(architecture, x, name, settings.lr)
        if architecture.dtype == torch.float64:
            _tell_safety(name, drifts_to_a_tie(model, initial, settings.n_epochs))
    return history


def _write(
    name: str, architecture: Architecture, history: History | None, *, params: Params
) -> None:
    losses, val_losses = architecture.losses, architecture.val_losses
    weights = {key: weight.numpy() for key, weight in stored_weights(architecture.model).items()}
    files.write_tensors(f"models/{name}.safetensors", weights)
    if history:
        files.write_tensors(f"models/{name}_history.safetensors", history.arrays())
    columns = {"epoch": range(1, len(losses) + 1), "loss": losses, "val_loss": val_losses}
    files.write_table(f"plots/losses/{name}.csv", columns)
    batches = architecture.train_loader
    batches.sampler.generator.manual_seed(params.train.seed)  # draw the first epoch once more
    diagonals = batches.y.cpu()[draw(batches.sampler)]
    files.write_metrics(
        f"metrics/train_{name}.json",
        {
            "loss": losses[-1],
            "val_loss": val_losses[-1],
            "parameters": architecture.count_parameters(),
            "diagonals_drawn": diagonals.mean(dtype=torch.float64).item(),
        },
    )


def return_large_arrays() -> None:
    """Have glibc give memory of large arrays back to the system when they are freed.

    By default it learns to keep it for the next ones. But small arrays that live longer settle
    there, the next large one no longer fits, and memory grows with every chunk that is gathered.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGE)


def prepared(build: Build, *, settings: TrainModel, params: Params) -> Architecture:
    """Make what `train` trains: a model, its optimizer and its batches, on the device."""
    return_large_arrays()
    dtype = getattr(torch, params.train.precision)
    with located("params.yaml: device"):
        device = resolve(params.device, dtype, processes.place()[2])
    x, y = read_images("train", device)
    require_memory("train", len(x))
    sampler = weighted_sampler(read_weights(len(x)))

    model = build(x[0].numel(), dtype).to(device)
    optimizer = optim.SGD(model.parameters(), lr=settings.lr)
    if processes.launched():
        loss_fn = nn.BCELoss(reduction="sum")
        architecture = processes.SharedArchitecture(model, loss_fn, optimizer)
        batches = partial(processes.SharedBatches, dtype=dtype)
    else:
        architecture = Architecture(model, nn.BCELoss(), optimizer)
        batches = partial(Batches, dtype=dtype)
    size = params.train.batch_size
    if device.type == "cpu" and size * architecture.count_parameters() < SMALL:
        torch.set_num_threads(1)  # threads would wait for each other longer than they compute
    architecture.set_loaders(
        batches(x, y, batch_size=size, sampler=sampler, hflip=params.transforms.hflip),
        batches(*read_images("val", device), batch_size=size),
    )
    return architecture


def _tell_safety(name: str, drifts: float) -> None:
    risk = ": on another machine its last bit may differ" if drifts < SAFE else ", safe"
    line = f"{name}: the weight nearest to a rounding tie is {drifts:.2g} drifts from it{risk}"
    print(line, file=sys.stderr)


@torch.no_grad()
def _check_finite(architecture: Architecture, x: torch.Tensor, name: str, lr: float) -> None:
    model, dtype = architecture.model, architecture.dtype
    parts = x.split(max(GATHER // x[0].numel(), 1))
    numbers = chain(stored_weights(model).values(), (model(part.to(dtype)) for part in parts))
    if not all(number.isfinite().all() for number in numbers):
        raise InputError(
            f"params.yaml: train_{name}.lr: expected weights that stay finite, "
            f"found that they do not with {lr:g}; try a smaller one"
        )


def read_images(name: str, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Read images (n, 1, S, S) and labels (n, 1) of a split, train or val: float32, as stored."""
    sampled = name == "train" and device.type == "cpu"  # where they lie
    x, y = files.read_split(f"data/split/{name}.safetensors", "x", "y", at_random=sampled)
    return as_tensor(x).to(device), as_tensor(y).to(device)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """See an array as a tensor; of one that cannot be written to, PyTorch would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(array)


def read_weights(n_images: int) -> np.ndarray:
    """Read the weights of this many training images in the sampler's draw, float64 (n,).

    Raises:
        InputError: there are more or fewer, or they are no weights.
    """
    path = "data/balance/sample_weights.npy"
    weights = files.read_array(path, np.float64, ndim=1)
    if len(weights) != n_images:
        raise InputError(f"{path}: expected {n_images} weights, found {len(weights)}")
    if not (weights.min() >= 0 and 0 < weights.sum() < np.inf):
        raise InputError(f"{path}: expected weights of 0 or more, found other numbers")
    return weights.copy()  # PyTorch wants one that can be written to
