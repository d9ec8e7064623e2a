"""Check params.yaml as a whole, before DVC removes an output: `python -m checks.params`.

A stage that fails has already lost its outputs, so what can be known beforehand is found here: the
schema, the device, whether memory and disk have room, and whether the split leaves both classes on
both sides.
"""

import shutil
from pathlib import Path

import torch

from diagonal.lines.images import every_line, labels_of, random_lines
from diagonal.lines.patterns import numbered
from diagonal.lines.splitting import train_val_split, units
from diagonal.pipeline import command
from diagonal.pipeline.errors import InputError, located
from diagonal.pipeline.params import load_params
from diagonal.pipeline.resources import PER_IMAGE, require_memory
from diagonal.training.device import resolve


def main() -> None:
    params = load_params()
    generate, split = params.generate, params.split
    with located("params.yaml: device"):
        resolve(params.device, getattr(torch, params.train.precision))
    with located("params.yaml: generate.n_images"):
        for stage in PER_IMAGE:
            require_memory(stage, generate.n_images)
        _require_disk(generate.img_size, generate.n_images)
    lines = random_lines(generate.img_size, generate.n_images, generate.seed)
    groups = units(every_line(generate.img_size), split.unit, params.transforms.hflip)
    if groups is not None:
        groups = numbered(groups[lines])
    with located("params.yaml: split"):
        train_val_split(labels_of(lines), split.ratios, split.seed, groups)


def _require_disk(img_size: int, n_images: int) -> None:
    """Hold the data's size, once in the workspace and once in DVC's cache, against the disk.

    Raises:
        InputError: it does not fit, even if what is there now is replaced.
    """
    needed = 2 * data_bytes(img_size, n_images)
    replaced = 2 * sum(path.stat().st_size for path in Path("data").rglob("*") if path.is_file())
    found = shutil.disk_usage(".").free + replaced
    if needed > found:
        raise InputError(
            f"expected {needed:,} bytes of disk for {n_images:,} images, found {found:,}"
        )


def data_bytes(img_size: int, n_images: int) -> int:
    """Add up the bytes of data/: of each image its pixels, label, index and weight."""
    return n_images * (img_size**2 + 8 + 8 + 8)


if __name__ == "__main__":
    command.run(main)
