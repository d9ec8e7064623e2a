"""Split the images into training and validation, scaled and normalised."""

import numpy as np

from diagonal.figures import images as figures
from diagonal.figures.style import style
from diagonal.images import chunks, distinct, patterns
from diagonal.preparation import scaled_and_normalised, steps
from diagonal.resources import require_memory
from diagonal.shell import command, files
from diagonal.shell.errors import located
from diagonal.shell.params import load_params
from diagonal.splitting import train_val_split


def main() -> None:
    params = load_params()
    images = files.read_array("data/raw/images.npy", np.uint8, ndim=4)
    labels = files.read_array("data/raw/labels.npy", np.int64, ndim=1)
    require_memory("split", len(labels))
    split = params.split
    groups = patterns(images) if split.unit == "pattern" else None
    with located("params.yaml: split"):
        train, val = train_val_split(labels, split.ratios, split.seed, groups)

    metrics = {}
    mean, std = params.transforms.mean, params.transforms.std
    in_any_order = files.read_array("data/raw/images.npy", np.uint8, ndim=4, at_random=True)
    for name, index in (("train", train), ("val", val)):
        parts = (
            scaled_and_normalised(in_any_order[index[part]], mean, std)
            for part in chunks(len(index), images[0].size)
        )
        x = files.Pieces((len(index), *images.shape[1:]), np.float32, parts)
        y = labels[index, None].astype(np.float32)
        files.write_split(f"data/split/{name}.safetensors", x, y, index)
        metrics[name] = {"images": len(index), "diagonals": y.mean(dtype=np.float64)}
    first, pattern = distinct(images, labels)
    counts = [np.bincount(pattern[index], minlength=len(first)) for index in (train, val)]
    metrics["val"]["seen_in_train"] = counts[1][counts[0] > 0].sum() / len(val)
    files.write_metrics("metrics/split.json", metrics)

    columns = {"image": first, "label": labels[first], "train": counts[0], "val": counts[1]}
    files.write_table("plots/split/patterns.csv", columns)
    example = images[min(EXAMPLE, len(images) - 1)]
    with style():
        figure = figures.preparation(steps(example[0], mean, std))
        files.write_figure("plots/split/preparation.png", figure)
        figure = figures.patterns_by_split(images[first, 0], labels[first], *counts)
        files.write_figure("plots/split/patterns.png", figure)


EXAMPLE = 7  # the slides' example image

if __name__ == "__main__":
    command.run(main)
