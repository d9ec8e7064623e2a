"""Check the parameters as a whole, before DVC starts a stage: `python -m checks.params`.

What can be known beforehand is found here, not after an hour: the schemas, the device, whether
memory and disk have room for the data, and whether the split leaves both classes on both sides.
"""

import shutil
from math import prod
from pathlib import Path

import psutil
import torch

from checks.wiring import STUDY, declared
from diagonal import command
from diagonal.errors import InputError, prefixed
from diagonal.lines.images import every_line, labels_of, random_lines
from diagonal.lines.patterns import distinct, numbered
from diagonal.lines.splitting import groups_of, train_val_split
from diagonal.pipeline import data
from diagonal.pipeline.params import load_params
from diagonal.training.device import resolve

BYTES = 2**30  # of memory that a stage needs for Python, its libraries and what does not grow
BYTES_PER_IMAGE = 80  # of the stages that need most, see docs/scale.md; images are memory maps
# The limit of a container, which psutil does not see: of cgroups version 2 and 1.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def main() -> None:
    check_lecture()
    check_study()


def check_study() -> None:
    """Check study/params.yaml if there is one; an InputError says what is wrong."""
    if Path(STUDY.params).exists():
        from study.params import load_study_params  # nobody has to keep the study

        load_study_params()


def check_lecture() -> None:
    """Check params.yaml; an InputError says what is wrong."""
    params = load_params()
    generate, split = params.generate, params.split
    with prefixed("params.yaml: device"):
        resolve(params.device, getattr(torch, params.train.precision))
    if declared(Path())["generate"]["frozen"]:  # the images are the user's own
        images, labels = data.read_images()
        with prefixed(data.LABELS):
            distinct(images, labels)
        with prefixed(data.IMAGES):
            _require_room(images.shape)
        groups = groups_of(images, split.group_by, params.transforms.hflip)
    else:
        with prefixed("params.yaml: generate.n_images"):
            _require_room((generate.n_images, 1, generate.img_size, generate.img_size))
        lines = random_lines(generate.img_size, generate.n_images, generate.seed)
        labels, groups = labels_of(lines), None
        of_line = groups_of(every_line(generate.img_size), split.group_by, params.transforms.hflip)
        if of_line is not None:
            groups = numbered(of_line[lines])
    with prefixed("params.yaml: split"):
        train_val_split(labels, split.ratios, split.seed, groups)


def _require_room(shape: tuple[int, ...]) -> None:
    """Hold the data of images (N, C, S, S) against memory and disk.

    On disk they are twice, in the workspace and in DVC's cache; what is there now is replaced.

    Raises:
        InputError: they do not fit.
    """
    n_images, *size = shape
    needed, found = BYTES + BYTES_PER_IMAGE * n_images, available_memory()
    if needed > found:
        raise InputError(
            f"expected {needed:,} bytes of memory for {n_images:,} images, found {found:,}"
        )
    needed = 2 * data_bytes(prod(size), n_images)
    replaced = 2 * sum(path.stat().st_size for path in Path("data").rglob("*") if path.is_file())
    found = shutil.disk_usage(".").free + replaced
    if needed > found:
        raise InputError(
            f"expected {needed:,} bytes of disk for {n_images:,} images, found {found:,}"
        )


def available_memory() -> int:
    """Return the bytes of memory that are free, or the container's limit."""
    limits = [file.read_text().strip() for file in LIMITS if file.is_file()]
    free = psutil.virtual_memory().available
    return min([free, *(int(limit) for limit in limits if limit.isdigit())])


def data_bytes(n_pixels: int, n_images: int) -> int:
    """Add up the bytes of data/: of each image its pixels, label, index and weight."""
    return n_images * (n_pixels + 8 + 8 + 8)


if __name__ == "__main__":
    command.run(main)
