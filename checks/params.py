"""Check params.yaml as a whole, before DVC removes an output: `python -m checks.params`.

A stage that fails has already lost its outputs, so what can be known beforehand is found here: the
schema, the device, whether memory and disk have room, and whether the split leaves both classes on
both sides.
"""

import shutil
from pathlib import Path

from diagonal.images import every_line, labels_of, patterns, random_lines
from diagonal.resources import PER_IMAGE, require_memory
from diagonal.shell import command
from diagonal.shell.errors import InputError, located
from diagonal.shell.params import Params, load_params
from diagonal.splitting import train_val_split


def main() -> None:
    params = load_params()
    _check_device(params)
    generate, split = params.generate, params.split
    with located("params.yaml: generate.n_images"):
        for stage in PER_IMAGE:
            require_memory(stage, generate.n_images)
        _check_disk(params)
    lines = random_lines(generate.img_size, generate.n_images, generate.seed)
    groups = None
    if split.unit == "pattern":
        drawn = every_line(generate.img_size)
        groups = patterns(patterns(drawn.reshape(-1, *drawn.shape[2:]))[lines])
    with located("params.yaml: split"):
        train_val_split(labels_of(lines), split.ratios, split.seed, groups)


def _check_device(params: Params) -> None:
    """Look for the device; the CPU is there, and PyTorch need not be loaded to know it."""
    if params.device != "cpu":
        import torch

        from diagonal.device import resolve

        with located("params.yaml: device"):
            resolve(params.device, getattr(torch, params.train.precision))


def _check_disk(params: Params) -> None:
    """Hold the data's size, once in the workspace and once in DVC's cache, against the disk.

    Raises:
        InputError: it does not fit, even if what is there now is replaced.
    """
    needed = 2 * data_bytes(params.generate.img_size, params.generate.n_images)
    replaced = 2 * sum(path.stat().st_size for path in Path("data").rglob("*") if path.is_file())
    found = shutil.disk_usage(".").free + replaced
    if needed > found:
        raise InputError(
            f"expected {needed:,} bytes of disk for {params.generate.n_images:,} images, "
            f"found {found:,}"
        )


def data_bytes(img_size: int, n_images: int) -> int:
    """Add up the bytes of an image in data/: pixels as uint8 and as float32, labels and indices."""
    pixels = img_size**2
    raw, label, split, weight = pixels, 8, 4 * pixels + 4 + 8, 8
    return n_images * (raw + label + split + weight)


if __name__ == "__main__":
    command.run(main)
