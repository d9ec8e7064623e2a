"""The stage that trains one model: images, labels and weights in; a trained model out."""

import warnings
from contextlib import nullcontext
from functools import partial

import torch
from torch import nn, optim

from diagonal.pipeline import data, files
from diagonal.pipeline.errors import InputError, located
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Params, load_params
from diagonal.pipeline.resources import require_memory
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import data_parallel, divergence
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent, known
from diagonal.training.device import resolve
from diagonal.training.history import History
from diagonal.training.models import Input, network, quantized_weights
from diagonal.training.progress import bar, live_table
from diagonal.training.sampling import weighted_sampler

SMALL = 2**20  # multiplications for a batch


def train(name: str, with_history: bool = False) -> None:
    """Train a model, a key of MODELS, as params.yaml has it; write its weights and losses.

    `with_history` also writes its weights as they were at some epochs, to be animated.

    Raises:
        InputError: the device is not there, the files do not fit each other, or the weights do
            not stay finite.
    """
    params = load_params()
    own, dtype = getattr(params, f"train_{name}"), getattr(torch, params.train.precision)
    rank, n_processes, local_rank = data_parallel.place()
    if dtype == torch.float32 and n_processes > 1:
        raise InputError(
            "params.yaml: train.precision: expected float64 with several processes, found "
            "float32, whose bits would depend on their number"
        )
    with located("params.yaml: device"):
        device = resolve(params.device, dtype, local_rank)
    batches, val_batches = read_batches(params, device, dtype)

    sizes = [batches.images[0].numel(), *getattr(own, "hidden", ()), 1]
    model = network(sizes, MODELS[name].activation, seed=own.seed, dtype=dtype).to(device)
    history = History(model, own.n_epochs)

    def losses() -> dict:
        columns = {"loss": architecture.losses, "val_loss": architecture.val_losses}
        return {"epoch": range(1, architecture.total_epochs + 1), **columns}

    def on_epoch(loss: float, val_loss: float) -> None:
        history.keep()
        progress.set_postfix(loss=loss, val_loss=val_loss, refresh=False)
        progress.update()
        update_curve()

    curve = live_table(f"plots/losses/{name}.csv", losses)
    with curve if rank == 0 else nullcontext(lambda: None) as update_curve:
        with data_parallel.joined(device):
            architecture = _architecture(model, own.lr)
            architecture.set_loaders(batches, val_batches)
            n_weights = architecture.count_parameters()
            if device.type == "cpu" and n_weights * params.train.batch_size < SMALL:
                # Threads would wait longer for each other than they compute.
                torch.set_num_threads(1)
            with (
                bar(total=own.n_epochs, desc=name, unit="epoch", hidden=rank > 0) as progress,
                divergence.finite(partial(quantized_weights, model), f"train_{name}.lr", own.lr),
            ):
                architecture.train(own.n_epochs, params.train.seed, on_epoch)
        if rank > 0:
            return
        transforms = params.transforms
        takes = Input(shape=batches.images.shape[1:], mean=transforms.mean, std=transforms.std)
        metadata = {"input": takes.model_dump_json()}
        files.write_tensors(data.MODEL.format(name), quantized_weights(model), metadata)
        if with_history:
            files.write_tensors(data.MODEL.format(f"{name}_history"), history.arrays())


def read_batches(
    params: Params, device: torch.device, dtype: torch.dtype
) -> tuple[Batches, Batches]:
    """Read the data into training and validation batches, of which this process has its share."""
    transforms, arrays = params.transforms, data.read_images(at_random=True)
    require_memory("train", len(arrays[0]))
    with warnings.catch_warnings(action="ignore"):  # these arrays cannot, and need not, be written
        images, labels = (torch.from_numpy(each).to(device) for each in arrays)
    train, val = (torch.tensor(data.read_split(name, len(labels))) for name in ("train", "val"))
    sampler = weighted_sampler(torch.tensor(data.read_weights(len(train))))
    options = {
        "batch_size": params.train.batch_size,
        "transform": scale_and_normalize(transforms.mean, transforms.std),
        "dtype": dtype,
        "share": data_parallel.place()[:2],
    }
    return (
        Batches(images, labels, train, sampler=sampler, hflip=transforms.hflip, **options),
        Batches(images, labels, val, **options),
    )


def _architecture(model: nn.Sequential, lr: float) -> Architecture:
    """Choose how to train: with other processes, by the written-out chain rule, or by autograd."""
    sgd = optim.SGD(model.parameters(), lr=lr)
    if data_parallel.place()[1] > 1:
        return Architecture(*data_parallel.shared(model), sgd)
    return (Descent if known(model) else Architecture)(model, nn.BCELoss(), sgd)
