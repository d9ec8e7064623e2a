"""The stage that trains one model: images, labels and weights in; a trained model out."""

import warnings

import torch
from torch import nn, optim

from diagonal.errors import InputError, prefixed
from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Params, load_params
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import data_parallel, divergence
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent, known
from diagonal.training.device import resolve
from diagonal.training.history import History
from diagonal.training.models import Input, network, rounded_weights
from diagonal.training.progress import bar
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
    settings, dtype = getattr(params, f"train_{name}"), getattr(torch, params.train.precision)
    rank, n_processes, local_rank = data_parallel.ranks()
    if dtype == torch.float32 and n_processes > 1:
        raise InputError(
            "params.yaml: train.precision: expected float64 with several processes, found "
            "float32, whose bits would depend on their number"
        )
    with prefixed("params.yaml: device"):
        device = resolve(params.device, dtype, local_rank)
    batches, val_batches = read_batches(params, device, dtype)

    sizes = [batches.images[0].numel(), *getattr(settings, "hidden", ()), 1]
    activation = MODELS[name].activation
    model = network(sizes, activation, seed=settings.seed, dtype=dtype).to(device)
    history = History(model, settings.n_epochs)

    def on_epoch(loss: float, val_loss: float) -> None:
        history.keep()
        progress.set_postfix(loss=loss, val_loss=val_loss, refresh=False)
        progress.update()

    with data_parallel.joined(device):
        architecture = _architecture(model, settings.lr)
        architecture.set_loaders(batches, val_batches)
        n_weights = architecture.count_parameters()
        if device.type == "cpu" and n_weights * params.train.batch_size < SMALL:
            torch.set_num_threads(1)  # threads would wait longer for each other than they compute
        with (
            bar(total=settings.n_epochs, desc=name, unit="epoch", hidden=rank > 0) as progress,
            divergence.finite(model, f"params.yaml: train_{name}.lr", settings.lr),
        ):
            architecture.train(settings.n_epochs, params.train.seed, on_epoch)
    if rank > 0:
        return
    columns = {"loss": architecture.losses, "val_loss": architecture.val_losses}
    epochs = range(1, architecture.total_epochs + 1)
    files.write_table(f"plots/losses/{name}.csv", {"epoch": epochs, **columns})
    shape, names = batches.images.shape[1:], files.read_metrics(data.CLASSES)
    mean, std = params.transforms.mean, params.transforms.std
    takes = Input(shape=shape, mean=mean, std=std, classes=names)
    metadata = {"input": takes.model_dump_json(exclude_defaults=True)}
    files.write_tensors(data.MODEL.format(name), rounded_weights(model), metadata)
    if with_history:
        files.write_tensors(data.MODEL.format(f"{name}_history"), history.arrays())


def read_batches(params: Params, device, dtype: torch.dtype) -> tuple[Batches, Batches]:
    """Read the data into training and validation batches, of which this process has its share."""
    transforms, arrays = params.transforms, data.read_images()
    with warnings.catch_warnings(action="ignore"):  # these arrays cannot, and need not, be written
        images, labels = (torch.from_numpy(array).to(device) for array in arrays)
    train, val = (torch.tensor(data.read_split(name)) for name in ("train", "val"))
    sampler = weighted_sampler(torch.tensor(data.read_weights(len(train))))
    options = {
        "batch_size": params.train.batch_size,
        "transform": scale_and_normalize(transforms.mean, transforms.std),
        "dtype": dtype,
        "share": data_parallel.ranks()[:2],
    }
    return (
        Batches(images, labels, train, sampler=sampler, hflip=transforms.hflip, **options),
        Batches(images, labels, val, **options),
    )


def _architecture(model: nn.Sequential, lr: float) -> Architecture:
    """Choose how to train: with other processes, by the written-out chain rule, or by autograd."""
    loss_fn, sgd = nn.BCELoss(), optim.SGD(model.parameters(), lr=lr)
    if data_parallel.ranks()[1] > 1:
        return Architecture(*data_parallel.shared(model), sgd)
    return (Descent if known(model, loss_fn, sgd) else Architecture)(model, loss_fn, sgd)
