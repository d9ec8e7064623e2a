"""What the three training stages share: all but the model itself."""

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch import nn, optim

from diagonal import files
from diagonal.batches import Batches, draw, weighted_sampler
from diagonal.device import resolve
from diagonal.errors import InputError, located
from diagonal.models import drifts_to_a_tie, stored_weights
from diagonal.params import Params, TrainModel
from diagonal.progress import progress
from diagonal.training import Architecture

SAFE = 10  # drifts from a rounding tie: nearer than that, training warns
log = logging.getLogger(__name__)


def train(
    name: str,
    build: Callable[[int, torch.dtype], nn.Module],
    *,
    settings: TrainModel,
    params: Params,
) -> None:
    """Train one model on the balanced batches; write its weights, losses and metrics.

    Args:
        name: of the model and of its files.
        build: (number of pixels, dtype) to the model with its initial weights.
        settings: the model's own section of params.yaml.
        params: all of params.yaml.

    Raises:
        InputError: the device is not there, or the files do not fit each other.
    """
    dtype = getattr(torch, params.train.precision)
    with located("params.yaml: device"):
        device = resolve(params.device, dtype)
    if params.device == "auto":
        print(f"{name}: device auto is {device}")
    x, y = read_images("train", device, dtype)
    sampler = weighted_sampler(read_weights(len(x)))

    model = build(x[0].numel(), dtype).to(device)
    initial = {key: weight.clone() for key, weight in model.state_dict().items()}
    optimizer = optim.SGD(model.parameters(), lr=settings.lr)
    architecture = Architecture(model, nn.BCELoss(), optimizer)
    size = params.train.batch_size
    architecture.set_loaders(
        Batches(x, y, batch_size=size, sampler=sampler, hflip=params.transforms.hflip),
        Batches(*read_images("val", device, dtype), batch_size=size),
    )
    try:
        with progress(name, settings.n_epochs) as on_epoch:
            architecture.train(settings.n_epochs, params.train.seed, on_epoch)
    except RuntimeError:  # the loss refuses what is no probability
        _check_finite(model, x, name, settings.lr)
        raise
    _check_finite(model, x, name, settings.lr)
    if dtype == torch.float64:
        _tell_safety(name, drifts_to_a_tie(model, initial, settings.n_epochs))

    losses, val_losses = architecture.losses, architecture.val_losses
    weights = {key: weight.numpy() for key, weight in stored_weights(model).items()}
    files.write_tensors(f"models/{name}.safetensors", weights)
    epochs = range(1, settings.n_epochs + 1)
    columns = {"epoch": epochs, "loss": losses, "val_loss": val_losses}
    files.write_table(f"plots/losses/{name}.csv", columns)
    sampler.generator.manual_seed(params.train.seed)  # draw the first epoch once more
    files.write_metrics(
        f"metrics/train_{name}.json",
        {
            "loss": losses[-1],
            "val_loss": val_losses[-1],
            "parameters": architecture.count_parameters(),
            "diagonals_drawn": y.cpu()[draw(sampler)].mean().item(),
        },
    )


def _tell_safety(name: str, drifts: float) -> None:
    """Log how far the nearest rounding tie is; only where it is near does anyone see it.

    Without a word about logging, Python shows warnings on standard error, and nothing below.
    """
    near = drifts < SAFE
    end = ": its last bit may differ on another machine" if near else ""
    log.log(
        logging.WARNING if near else logging.INFO,
        f"{name}: a weight lies within {drifts:.2g} drifts of a rounding tie{end}",
    )


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
