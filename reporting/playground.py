"""What the playground of the report has to know: a dict that goes into the page as JSON.

The browser evaluates and trains networks itself, so it gets their weights, the distinct images and
the numbers that training drew. What is too large for a page, or cannot be drawn, is left out, and
`without` says why in a sentence.
"""

import base64
from collections.abc import Iterable
from itertools import islice

import numpy as np
import torch
from torch import nn

from diagonal.errors import InputError
from diagonal.figures.style import LOOKS
from diagonal.lines.patterns import numbered
from diagonal.pipeline import data, files
from diagonal.pipeline.data import Patterns
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Params, load_params
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.models import collapsed, network, read_history, read_model
from diagonal.training.sampling import make_balanced_sampler, weighted_sampler
from study.trainings.draws import draw_epochs

SHOWN = "relu"  # whose history the pipeline keeps, and whose training the page repeats
SIDE = 28  # pixels of the largest image that a finger can draw
UNITS = 12  # of a layer that are shown, at most
LARGEST = {"patterns": 1000, "pixels": 2**21, "weights": 2**18, "draws": 2**17}  # about 5 MB
COUNTS = ("train", "val", "population")


def gather() -> dict:
    """Read params.yaml and what the stages have written.

    Returns:
        `without`: part of the page -> why it is not there; with `all` there is nothing else. `size`
        and `channels` of images; `levels`: what networks see of a pixel from 0 to 255; `classes`:
        the names of labels 0 and 1; `threshold` and `tta` of evaluation; `patterns` and how often
        each occurs; `units` of a layer to show; `models`; `shown`: the one whose `history` and
        `training` follow.

    Raises:
        InputError: a file is missing, or the files do not fit each other.
    """
    params, patterns = load_params(), data.read_patterns()
    n_channels, size, _ = patterns.images.shape[1:]
    models = {name: read_model(name, patterns.images[0].size) for name in MODELS}
    n_weights = sum(w.numel() for model in models.values() for w in model.parameters())
    for kind, n, what in (
        ("patterns", len(patterns.images), "distinct images"),
        ("pixels", patterns.images.size, "pixels of all distinct images"),
        ("weights", n_weights, "weights of all models"),
    ):
        if n > LARGEST[kind]:
            return {"without": {"all": too_large(kind, n, what)}}

    without = {}
    if n_channels > 1 or size > SIDE:
        without["draw"] = (
            f"Drawing is for images of one channel and at most {SIDE} x {SIDE} pixels; these have "
            f"{n_channels} and {size} x {size}."
        )
    epochs, history = read_history(SHOWN, patterns.images[0].size)
    n_weights = sum(w.numel() for model in history for w in model.parameters())
    if n_weights > LARGEST["weights"]:
        without["time"] = too_large("weights", n_weights, "weights of all epochs")
    n_train, n_val = int(patterns.train.sum()), int(patterns.val.sum())
    n_draws = max(n_train * getattr(params, f"train_{SHOWN}").n_epochs, n_val)
    if n_draws > LARGEST["draws"]:
        without["train"] = too_large("draws", n_draws, "images in all epochs")

    losses = files.read_table(f"plots/losses/{SHOWN}.csv", "loss", "val_loss").to_dict("list")
    steps = [layers(SHOWN, model) for model in history] if "time" not in without else []
    normalize = scale_and_normalize(params.transforms.mean, params.transforms.std)
    return {
        "without": without,
        "size": size,
        "channels": n_channels,
        "levels": packed(normalize(torch.arange(256, dtype=torch.uint8)[:, None, None, None])),
        "classes": files.read_metrics(data.CLASSES),
        "threshold": params.evaluate.threshold,
        "tta": params.evaluate.tta,
        "patterns": {
            "images": packed(patterns.images),
            **{key: getattr(patterns, key).tolist() for key in ("labels", *COUNTS)},
        },
        "units": UNITS,
        "models": [
            {
                "name": name,
                "color": LOOKS[name][0],
                "together": packed(collapsed(model)),
                **layers(name, model),
            }
            for name, model in models.items()
        ],
        "history": {"epochs": epochs.tolist(), "steps": steps, **losses},
        "shown": SHOWN,
        "training": None if "train" in without else training(params, patterns),
    }


def too_large(kind: str, n: int, what: str) -> str:
    """Say that there is more than a page holds of a kind, a key of LARGEST."""
    return f"This part is for up to {LARGEST[kind]:,} {what}; here are {n:,}."


def training(params: Params, patterns: Patterns) -> dict:
    """Collect what a training starts from and what it draws, epoch by epoch.

    Raises:
        InputError: the images are not those that the patterns count.
    """
    settings = getattr(params, f"train_{SHOWN}")
    hidden, hflip = getattr(settings, "hidden", ()), params.transforms.hflip
    sizes = [patterns.images[0].size, *hidden, 1]
    dtype = getattr(torch, params.train.precision)
    model = network(sizes, MODELS[SHOWN].activation, seed=settings.seed, dtype=dtype)
    images, labels = data.read_images()
    train, val = (data.read_split(name) for name in ("train", "val"))
    place = numbered(np.concatenate([patterns.images, images]))[len(patterns.images) :]
    if place.max() >= len(patterns.images):
        raise InputError(f"{data.IMAGES}: expected images that {data.PATTERNS} counts, found more")
    samplers = {
        "inverse_frequency": make_balanced_sampler(torch.from_numpy(labels[train])),
        "none": weighted_sampler(torch.ones(len(train), dtype=torch.float64)),
    }
    drawn = {}
    for strategy, sampler in samplers.items():
        epochs = draw_epochs([sampler], seeds=[params.train.seed], hflip=hflip or 0.5)
        rows, flips = zip(*islice(epochs, settings.n_epochs), strict=True)
        drawn[strategy] = packed(place[train][torch.cat(rows).numpy()].astype(np.uint16))
    return {
        "lr": settings.lr,
        "batch_size": params.train.batch_size,
        "n_epochs": settings.n_epochs,
        "activation": MODELS[SHOWN].activation,
        "hidden": list(hidden),
        "hflip": hflip,
        "balance": params.balance.strategy,
        "seed": settings.seed,
        "precision": params.train.precision,
        "initial": layers(SHOWN, model, torch.float64),
        "drawn": drawn,
        "flips": packed(torch.cat(flips).numpy().astype(np.uint8)),
        "val": packed(place[val].astype(np.uint16)),
    }


def layers(name: str, model: Iterable[nn.Module], dtype=torch.float32) -> dict:
    """Take a network apart: the weights of its linear layers, and PReLU's slopes, if it has any."""
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    weights = [packed(layer.weight.detach().to(dtype)) for layer in linear]
    slopes = [layer.weight.item() for layer in model if isinstance(layer, nn.PReLU)]
    return {"activation": MODELS[name].activation, "weights": weights, "slopes": slopes}


def packed(array) -> dict:
    """Pack an array or tensor for the browser, as its shape and its bytes, little-endian."""
    array = np.asarray(array)
    content = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return {
        "dtype": array.dtype.name,
        "shape": array.shape,
        "base64": base64.b64encode(content).decode(),
    }
