"""What the three training stages share: all but the model itself."""

import inspect
import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import nn, optim

from diagonal.device import resolve
from diagonal.progress import progress
from diagonal.shell import files
from diagonal.shell.errors import InputError, located
from diagonal.shell.params import Params, TrainModel
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches, draw, weighted_sampler
from diagonal.training.history import History
from diagonal.training.models import drifts_to_a_tie, stored_weights

Build = Callable[[int, torch.dtype], nn.Module]  # (number of pixels, dtype) to a model
SMALL = 2**20  # multiplications for a batch
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
        InputError: the device is not there, or the files do not fit each other.
    """
    architecture = prepared(build, settings=settings, params=params)
    model, batches = architecture.model, architecture.train_loader
    if params.device == "auto":
        print(f"{name}: device auto is {architecture.device}")
    initial = {key: weight.clone() for key, weight in model.state_dict().items()}
    history = History(model, settings.n_epochs)
    try:
        with progress(name, settings.n_epochs) as show:

            def on_epoch(*losses) -> None:
                history.keep()
                show(*losses)

            architecture.train(settings.n_epochs, params.train.seed, on_epoch)
    except RuntimeError:  # the loss refuses what is no probability
        _check_finite(model, batches.x, name, settings.lr)
        raise
    _check_finite(model, batches.x, name, settings.lr)
    if architecture.dtype == torch.float64:
        _tell_safety(name, drifts_to_a_tie(model, initial, settings.n_epochs))

    losses, val_losses = architecture.losses, architecture.val_losses
    weights = {key: weight.numpy() for key, weight in stored_weights(model).items()}
    files.write_tensors(f"models/{name}.safetensors", weights)
    if with_history:
        files.write_tensors(f"models/{name}_history.safetensors", history.arrays())
    epochs = range(1, settings.n_epochs + 1)
    columns = {"epoch": epochs, "loss": losses, "val_loss": val_losses}
    files.write_table(f"plots/losses/{name}.csv", columns)
    batches.sampler.generator.manual_seed(params.train.seed)  # draw the first epoch once more
    files.write_metrics(
        f"metrics/train_{name}.json",
        {
            "loss": losses[-1],
            "val_loss": val_losses[-1],
            "parameters": architecture.count_parameters(),
            "diagonals_drawn": batches.y.cpu()[draw(batches.sampler)].mean().item(),
        },
    )


def prepared(build: Build, *, settings: TrainModel, params: Params) -> Architecture:
    """Make what `train` trains: a model, its optimizer and its batches, on the device."""
    dtype = getattr(torch, params.train.precision)
    with located("params.yaml: device"):
        device = resolve(params.device, dtype)
    x, y = read_images("train", device, dtype)
    sampler = weighted_sampler(read_weights(len(x)))

    model = build(x[0].numel(), dtype).to(device)
    optimizer = optim.SGD(model.parameters(), lr=settings.lr)
    architecture = Architecture(model, nn.BCELoss(), optimizer)
    size = params.train.batch_size
    if device.type == "cpu" and size * architecture.count_parameters() < SMALL:
        torch.set_num_threads(1)  # threads would wait for each other longer than they compute
    architecture.set_loaders(
        Batches(x, y, batch_size=size, sampler=sampler, hflip=params.transforms.hflip),
        Batches(*read_images("val", device, dtype), batch_size=size),
    )
    return architecture


def _tell_safety(name: str, drifts: float) -> None:
    risk = ": on another machine its last bit may differ" if drifts < SAFE else ", safe"
    line = f"{name}: the weight nearest to a rounding tie is {drifts:.2g} drifts from it{risk}"
    print(line, file=sys.stderr)


@torch.no_grad()
def _check_finite(model: nn.Module, x: torch.Tensor, name: str, lr: float) -> None:
    numbers = [*stored_weights(model).values(), model(x)]
    if not all(number.isfinite().all() for number in numbers):
        raise InputError(
            f"params.yaml: train_{name}.lr: expected weights that stay finite, "
            f"found that they do not with {lr:g}; try a smaller one"
        )


def read_images(name: str, device, dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Read images (n, 1, S, S) and labels (n, 1) of a split, train or val, to train with."""
    x, y = files.read_split(f"data/split/{name}.safetensors", "x", "y")
    return torch.from_numpy(x).to(device, dtype), torch.from_numpy(y).to(device, dtype)


def read_weights(n_images: int) -> np.ndarray:
    """Read the weights of this many training images in the sampler's draw, float64 (n,).

    Raises:
        InputError: there are more or fewer.
    """
    path = "data/balance/sample_weights.npy"
    weights = files.read_array(path, np.float64, ndim=1)
    if len(weights) != n_images:
        raise InputError(f"{path}: expected {n_images} weights, found {len(weights)}")
    return weights
