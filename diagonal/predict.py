"""Ask trained models whether lines are diagonal.

An IMAGE is a picture of any size, an .npy of uint8 (height, width), (channels, height, width) or
(n, channels, height, width), or - for a drawing typed as rows of . and #. The models have learnt
lines that are bright on dark: # is white, and what is transparent is black.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageOps
from torchvision.transforms.v2 import Compose, Resize

from diagonal import command
from diagonal.errors import InputError, prefixed
from diagonal.lines.channels import grayscale
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.models import Input, probabilities, read_with_input


def main() -> None:
    parser = argparse.ArgumentParser("python -m diagonal.predict", description=__doc__)
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--model", action="append", help="may be repeated; default: all there are")
    parser.add_argument("--models", default="models", metavar="FOLDER", help="default: ./models")
    parser.add_argument("--tta", action="store_true", help="take the mean with the mirror image")
    parser.add_argument("--json", action="store_true", help="print a list, an object per image")
    arguments = parser.parse_args()
    tta = "hflip" if arguments.tta else "none"
    table = predict(arguments.images, arguments.model, folder=arguments.models, tta=tta)
    if arguments.json:
        print(json.dumps(table.reset_index(names="image").to_dict("records"), indent=2))
    else:
        print(table.rename_axis(columns="P(diagonal)").to_string(float_format="{:.6f}".format))


def predict(images, models=None, *, folder="models", tta: str = "none") -> pd.DataFrame:
    """Compute the probability that each image shows a diagonal, by each model.

    Images are one or a list of paths, "-", or arrays like those of an .npy; models are keys of
    MODELS, None for all that the folder holds. With tta "hflip" an answer is the mean over an image
    and its mirror image. Returns a row per image, named by its path or "array", with [k] behind it
    where one holds several, and a column per model, float64 with 9 decimals.

    Raises:
        InputError: something is no image, or no model, or they do not fit each other.
    """
    alone = isinstance(images, str | Path | np.ndarray)
    named = [_read(image) for image in ([images] if alone else images)]
    names = [f"{name}[{k}]" if len(a) > 1 else name for name, a in named for k in range(len(a))]
    there = [name for name in MODELS if Path(folder, f"{name}.safetensors").exists()]
    columns = {}
    for model_name in models or there or MODELS:
        if model_name not in MODELS:
            raise InputError(f"model: expected {', '.join(MODELS)}, found {model_name}")
        model, takes = read_with_input(model_name, folder=folder)
        columns[model_name] = column = []
        for name, array in named:
            with prefixed(name):
                column.extend(probabilities(model, _as_learnt(array, takes), tta))
    return pd.DataFrame(columns, index=names)


def _as_learnt(images: np.ndarray, takes: Input) -> torch.Tensor:
    """Turn images, uint8 (n, C, H, W), to what a model takes, float32: gray, resized and scaled."""
    n_channels, *size = takes.shape
    if (images.shape[1], n_channels) == (3, 1):
        images = grayscale(np.moveaxis(images, 1, -1))[:, None]
    if images.shape[1] != n_channels:
        raise InputError(f"expected images of {n_channels} channels, found {images.shape[1]}")
    prepare = Compose([Resize(size), scale_and_normalize(takes.mean, takes.std)])
    return prepare(torch.tensor(np.ascontiguousarray(images)))


def _read(image) -> tuple[str, np.ndarray]:
    """Read one image or several: a name, and uint8 (n, C, H, W)."""
    name, array = ("array", image) if isinstance(image, np.ndarray) else (str(image), None)
    try:
        if name == "-":
            rows = sys.stdin.read().split()
            if not rows or any(len(row) != len(rows) or set(row) - {*".#"} for row in rows):
                raise ValueError(f"no square of . and #: {' '.join(rows) or 'nothing'}")
            array = np.array([[255 * (pixel == "#") for pixel in row] for row in rows], np.uint8)
        elif array is None:
            array = np.load(name) if name.endswith(".npy") else _pixels(name)
    except Exception as err:  # a broken file may lead its reader to any
        found = getattr(err, "strerror", None) or " ".join(str(err).split())
        raise InputError(f"{name}: expected an image, found: {found}") from err
    if array.dtype != np.uint8 or array.ndim not in (2, 3, 4) or array.size == 0:
        found = f"{array.dtype} {array.shape}"
        raise InputError(f"{name}: expected uint8 (n, channels, height, width), found {found}")
    return name, array[(None,) * (4 - array.ndim)]


def _pixels(path: str) -> np.ndarray:
    """Read a picture as uint8 (3, H, W), turned as its EXIF says, with black behind it."""
    with Image.open(path) as file:
        picture = ImageOps.exif_transpose(file)
    if picture.mode in ("I", "F"):
        raise ValueError(f"32 bits a pixel (Pillow's mode {picture.mode}), of unknown range")
    if picture.mode.startswith("I;16"):  # which Pillow would clip
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    behind = Image.new("RGBA", picture.size, "black")
    picture = Image.alpha_composite(behind, picture.convert("RGBA")).convert("RGB")
    return np.moveaxis(np.asarray(picture), -1, 0)


if __name__ == "__main__":
    command.run(main)
