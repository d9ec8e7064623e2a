"""Check params.yaml as a whole, before DVC starts a stage: `python -m checks.params`.

What can be known beforehand is found here, not after an hour: the schema, the device and torchrun's
options, whether memory and disk have room, and whether the split leaves both classes on both sides.
"""

import io
import shutil
import socket
from contextlib import redirect_stderr, redirect_stdout
from math import prod
from pathlib import Path

import torch
from torch.distributed.run import determine_local_world_size, get_args_parser, parse_min_max_nnodes

from checks.wiring import declared
from diagonal.feature_space.parabolas import SIDE
from diagonal.lines.images import every_line, labels_of, random_lines
from diagonal.lines.patterns import distinct, numbered
from diagonal.lines.splitting import train_val_split, units
from diagonal.pipeline import command, data
from diagonal.pipeline.errors import InputError, located
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Params, Train, load_params
from diagonal.pipeline.resources import PER_IMAGE, require_memory, require_memory_of_network
from diagonal.training.device import resolve


def main() -> None:
    params = load_params()
    generate, split = params.generate, params.split
    with located("params.yaml: device"):
        resolve(params.device, getattr(torch, params.train.precision))
    with located("params.yaml: train.launch"):
        _require_launch(params.train)
    if declared(Path())["generate"]["frozen"]:  # the images are the user's own
        images, labels = data.read_images()
        with located(data.LABELS):
            distinct(images, labels)
        _require_room(params, data.IMAGES, images.shape)
        groups = units(images, split.unit, params.transforms.hflip)
    else:
        shape = (generate.n_images, 1, generate.img_size, generate.img_size)
        _require_room(params, "params.yaml: generate.n_images", shape)
        lines = random_lines(generate.img_size, generate.n_images, generate.seed)
        labels, groups = labels_of(lines), None
        of_line = units(every_line(generate.img_size), split.unit, params.transforms.hflip)
        if of_line is not None:
            groups = numbered(of_line[lines])
    with located("params.yaml: split"):
        train_val_split(labels, split.ratios, split.seed, groups)


def _require_launch(train: Train) -> None:
    """Look at torchrun's options by its own parser, and at what they ask of this machine.

    Raises:
        InputError: they are no options of torchrun, or ask for GPUs or a port that are not to be
            had, or for several processes where the bits depend on their number.
    """
    _, *words = train.launch.split()
    if not words:
        return
    said, parser = io.StringIO(), get_args_parser()
    parser.prog = "torchrun"
    try:
        with redirect_stdout(said), redirect_stderr(said):
            options = parser.parse_args([*words, "-m", "stages.train_relu"])
            _, n_machines = parse_min_max_nnodes(options.nnodes)
            n_here = determine_local_world_size(options.nproc_per_node)
    except (SystemExit, ValueError) as err:
        reason = (said.getvalue() or str(err)).strip().splitlines()[-1]
        raise InputError(f"expected options of torchrun, found: {reason}") from err
    named = [options.training_script, *options.training_script_args]
    if named != ["stages.train_relu"] or options.no_python or min(n_machines, n_here) < 1:
        raise InputError(
            f"expected options of torchrun alone, for at least 1 process, found {train.launch}"
        )
    if train.precision == "float32" and n_machines * n_here > 1:
        raise InputError(
            "expected python or one process with train.precision float32, whose bits depend on the "
            f"number of processes, found {train.launch}"
        )
    found_by_torchrun = options.standalone or options.rdzv_endpoint or options.master_port is None
    if n_machines == 1 and not found_by_torchrun:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", options.master_port))
            except (OSError, OverflowError) as err:
                raise InputError(
                    f"expected a free port, found: {options.master_port} is not; name another "
                    "with --master-port, or let --standalone find one"
                ) from err


def _require_room(params: Params, images: str, shape: tuple[int, ...]) -> None:
    """Hold against memory and disk what images (N, C, S, S), and networks for them, will need."""
    n_pixels, rows = prod(shape[1:]), params.train.batch_size
    for name in MODELS:
        hidden = getattr(getattr(params, f"train_{name}"), "hidden", ())
        with located(f"params.yaml: train_{name}{'.hidden' if hidden else ''}"):
            require_memory_of_network([n_pixels, *hidden, 1], rows)
    rows = max(2 * params.parabolas.n_points, SIDE**2)
    for name, network in params.parabolas.networks:
        with located(f"params.yaml: parabolas.networks.{name}.hidden"):
            require_memory_of_network([2, *network.hidden, 1], rows)
    with located(images):
        for stage in PER_IMAGE:
            require_memory(stage, shape[0])
        _require_disk(n_pixels, shape[0])


def _require_disk(n_pixels: int, n_images: int) -> None:
    """Hold the data's size, once in the workspace and once in DVC's cache, against the disk.

    Raises:
        InputError: it does not fit, even if what is there now is replaced.
    """
    needed = 2 * data_bytes(n_pixels, n_images)
    replaced = 2 * sum(path.stat().st_size for path in Path("data").rglob("*") if path.is_file())
    found = shutil.disk_usage(".").free + replaced
    if needed > found:
        raise InputError(
            f"expected {needed:,} bytes of disk for {n_images:,} images, found {found:,}"
        )


def data_bytes(n_pixels: int, n_images: int) -> int:
    """Add up the bytes of data/: of each image its pixels, label, index and weight."""
    return n_images * (n_pixels + 8 + 8 + 8)


if __name__ == "__main__":
    command.run(main)
