"""Draw every picture at other parameters, and tell what in it cannot be read.

`python -m checks.sheet FOLDER` takes minutes. It puts the pictures of each point of a grid of
parameters into a folder of its own, and those of one name side by side into FOLDER/NAME.png. With
words after FOLDER, only points with one of them in their names are drawn.
"""

import argparse
import shutil
from collections import defaultdict
from collections.abc import Mapping
from contextlib import chdir, nullcontext
from itertools import cycle, product
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from unittest import mock

import numpy as np
from PIL import Image
from ruamel.yaml import YAML

from checks.legibility import faults
from diagonal.pipeline import command, data, files
from stages import (
    balance,
    claims_boundaries,
    claims_data,
    claims_training,
    evaluate,
    feature_space,
    generate,
    parabolas,
    seeds,
    split,
    train_deepish,
    train_logistic,
    train_relu,
)  # fmt: skip

ROOT = Path(__file__).parents[1]
OF_IMAGES = (
    split, balance, train_logistic, train_deepish, train_relu, evaluate, seeds, feature_space
)  # fmt: skip
LECTURE = (generate, *OF_IMAGES)
CLAIMS = (claims_training, claims_data, claims_boundaries)

SHOWN = 5  # faults of a picture that are told at most
SIZES = (2, 5, 10, 28, 64)
STACKS = ([1], [8], [64], [5, 3], [64, 1], [8, 4, 2], [3, 3, 3, 3], [64, 1, 64, 64])
OTHERS = (  # in turns
    {"seeds.n": 3, "evaluate.threshold": 0.3, "split.unit": "pattern", "train.batch_size": 1},
    {"seeds.n": 2, "evaluate.threshold": 0.1, "split.ratios": [1, 1], "train_relu.n_epochs": 1},
    {"seeds.n": 256, "evaluate.threshold": 0.9, "train.batch_size": 300},
)
QUICK = {f"train_{name}.n_epochs": 5 for name in ("logistic", "deepish", "relu")}
QUICK |= {"parabolas.n_epochs": 3, "parabolas.n_points": 200}
QUICK |= {f"claims.{key}": value for key, value in {
    "n": 2, "baseline.n_epochs": 2, "gradients.n_epochs": 1, "dead_units.n_epochs": 4,
    "dead_units.patience": 2, "batch_norm.n_epochs": 2, "augmentation.split_seeds": 2,
    "augmentation.seeds_per_split": 1, "variation.levels": 2, "one_matrix.n_epochs": [1, 3],
    "one_matrix.n_shown": 3, "bias.n_epochs": [1, 2],
}.items()}  # fmt: skip


class Point(NamedTuple):
    """Parameters by their keys in params.yaml, and the stages that draw with them, in order.

    Own images, uint8 (n, C, S, S), stand in for those of `generate`.
    """

    params: Mapping
    stages: tuple[ModuleType, ...]
    own: np.ndarray | None = None


def points() -> dict[str, Point]:
    """Name the points of the grid: each size of images with each stack of layers, and the rest."""
    result, others = {}, cycle(OTHERS)
    for size, hidden in product(SIZES, STACKS):
        params = {"generate.img_size": size, **of_layers(hidden), **next(others)}
        result[f"{size}px_{'-'.join(map(str, hidden))}"] = Point(params, LECTURE)
    noise = np.random.default_rng(0).integers(0, 256, (300, 3, 28, 28), dtype=np.uint8)
    for n_channels in (1, 2, 3):
        own = Point({"seeds.n": 3, **of_layers([5, 3])}, OF_IMAGES, noise[:, :n_channels])
        result[f"own_{n_channels}_channels"] = own
    parabolas_large = {
        "parabolas.n_points": 2,
        "parabolas.networks.wider.hidden": [64, 64, 64, 2],
        "parabolas.networks.deeper.hidden": [2] * 8,
    }
    result["parabolas_large"] = Point(parabolas_large, (parabolas,))
    result["parabolas_quick"] = Point({}, (parabolas,))
    claims_small = {
        "claims.baseline.img_size": 3,
        "claims.baseline.hidden": [1],
        "claims.gradients.depths": 1,
        "claims.batch_norm.depths": [1],
        "claims.dead_units.leaks": [0.1],
        "claims.parabolas.widths": [1],
        "claims.parabolas.depths": [1],
    }
    claims_large = {
        "claims.n": 3,
        "claims.baseline.img_size": 10,
        "claims.baseline.hidden": [8, 4, 2, 64],
        "claims.activations.lrs": [0.001, 0.025, 0.3],
        "claims.gradients.depths": 32,
        "claims.batch_norm.depths": [1, 4, 32],
        "claims.dead_units.leaks": [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0],
        "claims.parabolas.widths": [1, 2, 3, 4, 5, 8, 16, 32, 64, 128],
        "claims.parabolas.depths": [1, 2, 3, 4, 5],
        "parabolas.networks.wider.hidden": [64, 64, 64, 2],
    }
    result["claims_small"] = Point(claims_small, CLAIMS)
    result["claims_large"] = Point(claims_large, CLAIMS)
    return result


def of_layers(hidden: list[int]) -> dict:
    """Give both deep models these hidden layers."""
    return {"train_deepish.hidden": hidden, "train_relu.hidden": hidden}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.sheet", description=faults.__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="where the pictures go")
    parser.add_argument("words", nargs="*", default=[], metavar="WORD", help="points of this name")
    folder, words = vars(parser.parse_args()).values()
    n_faults = 0
    for name, point in points().items():
        if words and not any(word in name for word in words):
            continue
        for path, found in drawn(point, Path(folder) / name).items():
            n_faults += len(found)
            for fault in found[:SHOWN]:
                print(f"{name}/{path}: {fault}", flush=True)
    side_by_side(Path(folder))
    return int(n_faults > 0)


def drawn(point: Point, folder: Path) -> dict[str, list[str]]:
    """Run a point's stages in a folder of its own; return each picture's faults, by its path.

    Of an animation the first, the middle and the last frame are looked at, and written as pictures.
    """
    found, write = {}, files.write_figure
    record = feature_space.record

    def look(path, figure):
        write(path, figure)
        found[str(path)] = faults(figure)

    def look_at_frames(figure, show, steps):
        steps = list(steps)
        frames = record(figure, show, steps)
        for place in (0, len(steps) // 2, len(steps) - 1):
            for artist in show(*steps[place]):
                artist.set_animated(False)
            title = figure.get_suptitle().split()[0]
            look(f"plots/frames/{title}_{place}.png", figure)
        return frames

    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "params.yaml", folder)
    write_params(folder / "params.yaml", QUICK | point.params)
    with chdir(folder), mock.patch.object(files, "write_figure", look):
        if point.own is not None:
            files.write_array(data.IMAGES, point.own)
            files.write_array(data.LABELS, (point.own[:, 0].mean((1, 2)) > 127).astype(np.int64))
        for stage in point.stages:
            animated = {"record": look_at_frames} if hasattr(stage, "record") else {}
            with mock.patch.multiple(stage, **animated) if animated else nullcontext():
                stage.main()
    return found


def write_params(path: Path, changes: Mapping) -> Path:
    """Change values in a params.yaml, keys with dots -> value; return its path."""
    yaml = YAML()
    params = yaml.load(path)
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = params
        for parent in parents:
            section = section[parent]
        section[last] = value
    yaml.dump(params, path)
    return path


def side_by_side(folder: Path) -> None:
    """Put the pictures of one name, one from each point, into a picture of rows of five."""
    by_name = defaultdict(list)
    for path in sorted(folder.glob("*/plots/**/*.png")):
        by_name["_".join(path.relative_to(folder).parts[2:])].append(path)
    for name, paths in by_name.items():
        pictures = [Image.open(path).reduce(2) for path in paths]
        rows = [pictures[start : start + 5] for start in range(0, len(pictures), 5)]
        heights = [max(each.height for each in row) for row in rows]
        sheet = Image.new("RGB", (5 * 480, sum(heights)), "gray")
        for place, row in enumerate(rows):
            for column, picture in enumerate(row):
                sheet.paste(picture, (480 * column, sum(heights[:place])))
        sheet.save(folder / name)


if __name__ == "__main__":
    command.run(main)
