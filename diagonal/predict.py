"""Ask trained models which class an image is of: whether a line is diagonal.

An IMAGE is a picture of any size, an .npy of uint8 (height, width), (channels, height, width) or
(n, channels, height, width), or - for a drawing typed as rows of . and #. The lecture's models know
bright lines on black: # is white, what is transparent is black, bright backgrounds are inverted.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageOps
from torchvision.transforms.v2.functional import resize

from diagonal import command
from diagonal.errors import InputError, prefixed
from diagonal.lines.channels import grayscale
from diagonal.lines.images import every_line
from diagonal.pipeline.data import LINES
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.models import probabilities, read_with_input


def main() -> None:
    parser = argparse.ArgumentParser("python -m diagonal.predict", description=__doc__)
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--model", action="append", help="may be repeated; default: all there are")
    parser.add_argument("--models", default="models", metavar="FOLDER", help="default: ./models")
    parser.add_argument("--tta", action="store_true", help="take the mean with the mirror image")
    parser.add_argument("--json", action="store_true", help="print a list, an object per image")
    arguments = parser.parse_args()
    tta = "hflip" if arguments.tta else "none"
    table, images, classes = _predict(arguments.images, arguments.model, arguments.models, tta)
    if arguments.json:
        print(json.dumps(table.reset_index(names="image").to_dict("records"), indent=2))
        return
    for (name, row), image in zip(table.iterrows(), images, strict=True):
        print(f"{name}, as the models see it:")
        step = -(-image.shape[-1] // 40)  # a terminal has 80 columns
        for pixels in image[:, ::step, ::step].mean(axis=0).astype(int):
            print("".join(2 * "·░▒▓█"[pixel // 52] for pixel in pixels))
        for model, p in row.items():
            answer = "undecided" if p == 0.5 else classes[int(p > 0.5)]
            print(f"{model}: {answer}, P({classes[1]}) = {p:.6f}")
        if classes == LINES:  # differences are summed, in pixels of white against black
            differences = abs(every_line(image.shape[-1]).astype(np.int16) - image) / 255
            if (least := differences.sum(axis=(1, 2, 3)).min()) >= 1:
                differs = f"differs by {least:.1f} of {image.size} pixels"
                print(f"Do not trust this: the nearest line of the lecture {differs}")


def predict(images, models=None, *, folder="models", tta: str = "none") -> pd.DataFrame:
    """Compute the probability of label 1, a diagonal, for each image, by each model.

    Images are one or a list of paths, "-", or arrays like those of an .npy; models are keys of
    MODELS, None for all that the folder holds. With tta "hflip" an answer is the mean over an image
    and its mirror image. Returns a row per image, named by its path or "array", with [k] behind it
    where one holds several, and a column per model, float64 with 9 decimals.

    Raises:
        InputError: something is no image, or no model, or they do not fit each other.
    """
    return _predict(images, models, folder, tta)[0]


def _predict(images, models, folder, tta: str) -> tuple[pd.DataFrame, list[np.ndarray], tuple]:
    """Return also the images as the last model sees them, uint8 (C, S, S), and its classes."""
    there = [name for name in MODELS if Path(folder, f"{name}.safetensors").exists()]
    loaded = {name: read_with_input(name, folder=folder) for name in models or there or MODELS}
    of_lines = all(takes.classes == LINES for _, takes in loaded.values())
    alone = isinstance(images, str | Path | np.ndarray)
    named = [_read(image, of_lines) for image in ([images] if alone else images)]
    names = [f"{name}[{k}]" if len(a) > 1 else name for name, a in named for k in range(len(a))]
    columns = {}
    for model_name, (model, takes) in loaded.items():
        columns[model_name], seen = [], []
        for name, array in named:
            with prefixed(name):
                x = fitted(array, takes.shape)
            seen.extend(x.numpy())
            x = scale_and_normalize(takes.mean, takes.std)(x)
            columns[model_name].extend(probabilities(model, x, tta))
    return pd.DataFrame(columns, index=names), seen, takes.classes


def fitted(images: np.ndarray, shape: tuple[int, int, int]) -> torch.Tensor:
    """Resize images, uint8 (n, C, H, W), to a shape (C, H, W), gray for one channel."""
    n_channels, *size = shape
    if (images.shape[1], n_channels) == (3, 1):
        images = grayscale(np.moveaxis(images, 1, -1))[:, None]
    if images.shape[1] != n_channels:
        raise InputError(f"expected images of {n_channels} channels, found {images.shape[1]}")
    return resize(torch.tensor(np.ascontiguousarray(images)), size)


def _read(image, of_lines: bool) -> tuple[str, np.ndarray]:
    """Read one image or several: a name, and uint8 (n, C, H, W)."""
    array = isinstance(image, np.ndarray)
    name, array = ("array", image) if array else (str(image), read(str(image), of_lines))
    if array.dtype != np.uint8 or array.ndim not in (2, 3, 4) or array.size == 0:
        found = f"{array.dtype} {array.shape}"
        raise InputError(f"{name}: expected uint8 (n, channels, height, width), found {found}")
    return name, array[(None,) * (4 - array.ndim)]


def read(path: str, of_lines: bool = False) -> np.ndarray:
    """Read a picture as uint8 (1, 3, H, W), upright and with black behind it; or what IMAGE may be.

    A picture `of_lines` is inverted if its background is bright. A note on standard error says so,
    or that only the first of several pages is read; an InputError says what cannot be read.
    """
    try:
        if path == "-":
            rows = sys.stdin.read().split()
            if not rows or any(len(row) != len(rows) or set(row) - {*".#"} for row in rows):
                raise ValueError(f"no square of . and #: {' '.join(rows) or 'nothing'}")
            return np.array([[255 * (pixel == "#") for pixel in row] for row in rows], np.uint8)
        if path.endswith(".npy"):
            return np.load(path)
        with Image.open(path) as file:
            n_pages, picture = getattr(file, "n_frames", 1), ImageOps.exif_transpose(file)
        if picture.mode in ("I", "F"):
            raise ValueError("a picture of 32 bits per pixel; save it with 8 or 16")
    except Exception as err:  # a broken file may lead its reader to any
        found = getattr(err, "strerror", None) or " ".join(str(err).split())
        raise InputError(f"{path}: expected an image, found: {found}") from err
    if n_pages > 1:
        print(f"{path}: only the first of {n_pages} pages is read", file=sys.stderr)
    if picture.mode.startswith("I;16"):  # which Pillow would clip
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    behind = Image.new("RGBA", picture.size, "black")
    picture = Image.alpha_composite(behind, picture.convert("RGBA")).convert("RGB")
    if of_lines and np.median(picture) > 127:
        print(f"{path}: inverted, as its background is bright", file=sys.stderr)
        picture = ImageOps.invert(picture)
    return np.moveaxis(np.asarray(picture), -1, 0)[None]


if __name__ == "__main__":
    command.run(main)
