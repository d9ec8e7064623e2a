"""The stage that trains one model: images, labels and weights in; a trained model out."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import nn, optim

from diagonal.pipeline import data, files
from diagonal.pipeline.errors import InputError, located
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Params, load_params
from diagonal.pipeline.resources import require_memory
from diagonal.training import data_parallel
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent, known
from diagonal.training.device import resolve
from diagonal.training.history import History
from diagonal.training.models import drifts_to_a_tie, network, quantized_weights
from diagonal.training.progress import progress
from diagonal.training.sampling import weighted_sampler
from diagonal.training.transforms import scale_and_normalize

SMALL = 2**20  # multiplications for a batch
SAFE = 10  # drifts from a rounding tie: nearer than that, training warns


def train(name: str, with_history: bool = False) -> None:
    """Train a model as params.yaml has it; write its weights and losses.

    Args:
        name: of the model, a key of MODELS.
        with_history: also write its weights as they were at some epochs, to be animated.

    Raises:
        InputError: the device is not there, the files do not fit each other, or the weights do
            not stay finite.
    """
    params = load_params()
    own, dtype = getattr(params, f"train_{name}"), getattr(torch, params.train.precision)
    rank, n_processes = data_parallel.rank_and_size()
    if dtype == torch.float32 and n_processes > 1:
        raise InputError(
            "params.yaml: train.precision: expected float64 with several processes, found "
            "float32, whose bits would depend on their number"
        )
    with located("params.yaml: device"):
        device = resolve(params.device, dtype, data_parallel.local_rank())
    batches, val_batches = read_batches(params, device, dtype)

    sizes = [batches.images[0].numel(), *getattr(own, "hidden", ()), 1]
    model = network(sizes, MODELS[name].activation, seed=own.seed, dtype=dtype).to(device)
    history = History(model, own.n_epochs)
    with data_parallel.joined(device):
        architecture = _architecture(model, own.lr)
        architecture.set_loaders(batches, val_batches)
        n_weights = architecture.count_parameters()
        if device.type == "cpu" and n_weights * params.train.batch_size < SMALL:
            torch.set_num_threads(1)  # threads would wait for each other longer than they compute
        with progress(name, own.n_epochs, shown=rank == 0) as show, _divergence(model, name):

            def on_epoch(*losses) -> None:
                history.keep()
                show(*losses)

            architecture.train(own.n_epochs, params.train.seed, on_epoch)
    if rank > 0:
        return

    if dtype == torch.float64:
        _tell_safety(name, drifts_to_a_tie(model, history.initial, own.n_epochs))
    files.write_tensors(data.model_path(name), quantized_weights(model))
    if with_history:
        files.write_tensors(data.model_path(f"{name}_history"), history.arrays())
    losses = {"loss": architecture.losses, "val_loss": architecture.val_losses}
    files.write_table(f"plots/losses/{name}.csv", {"epoch": range(1, own.n_epochs + 1), **losses})


def read_batches(
    params: Params, device: torch.device, dtype: torch.dtype
) -> tuple[Batches, Batches]:
    """Read the data into training and validation batches, of which this process has its share."""
    images, labels = (as_tensor(each).to(device) for each in data.read_images(at_random=True))
    train, val = (as_tensor(data.read_split(name)) for name in ("train", "val"))
    require_memory("train", len(labels))
    batches = partial(
        Batches,
        images,
        labels,
        batch_size=params.train.batch_size,
        transform=scale_and_normalize(params.transforms.mean, params.transforms.std),
        dtype=dtype,
        share=data_parallel.rank_and_size(),
    )
    sampler = weighted_sampler(torch.from_numpy(data.read_weights(len(train))))
    return batches(train, sampler=sampler, hflip=params.transforms.hflip), batches(val)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """See an array as a tensor; of one that cannot be written to, PyTorch would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(array)


def _architecture(model: nn.Sequential, lr: float) -> Architecture:
    """Choose how to train: with other processes, by the written-out chain rule, or by autograd."""
    sgd = optim.SGD(model.parameters(), lr=lr)
    if data_parallel.rank_and_size()[1] > 1:
        return Architecture(*data_parallel.shared(model), sgd)
    return (Descent if known(model) else Architecture)(model, nn.BCELoss(), sgd)


@contextmanager
def _divergence(model: nn.Module, name: str) -> Iterator[None]:
    """Tell in a line, at the end or when the loss refuses what is no probability."""
    try:
        yield
    except RuntimeError:
        if _finite(model):
            raise
    if not _finite(model):
        raise InputError(
            f"params.yaml: train_{name}.lr: expected weights that stay finite, found that they "
            f"do not; try a smaller one"
        )


def _finite(model: nn.Module) -> bool:
    return all(each.isfinite().all() for each in quantized_weights(model).values())


def _tell_safety(name: str, drifts: float) -> None:
    risk = ": on another machine its last bit may differ" if drifts < SAFE else ", safe"
    line = f"{name}: the weight nearest to a rounding tie is {drifts:.2g} drifts from it{risk}"
    print(line, file=sys.stderr)
