"""Split the images into training and validation, and list the distinct ones with their counts."""

import numpy as np

from diagonal.lines import figures
from diagonal.lines.patterns import distinct, numbered, survey
from diagonal.lines.splitting import train_val_split
from diagonal.pipeline import command, data, files
from diagonal.pipeline.errors import located
from diagonal.pipeline.params import load_params
from diagonal.pipeline.resources import require_memory
from diagonal.pipeline.style import style


def main() -> None:
    split = load_params().split
    images, labels = data.read_images()
    require_memory("split", len(labels))
    groups = numbered(images) if split.unit == "pattern" else None
    with located("params.yaml: split"):
        train, val = train_val_split(labels, split.ratios, split.seed, groups)
    for name, index in (("train", train), ("val", val)):
        files.write_array(data.SPLIT.format(name), index)
    files.write_tensors(data.PATTERNS, survey(images, labels, train, val)._asdict())

    first, pattern = distinct(images, labels)
    counts = [np.bincount(pattern[index], minlength=len(first)) for index in (train, val)]
    seen_in_train = counts[1][counts[0] > 0].sum() / len(val)
    metrics = {
        "train": {"images": len(train), "diagonals": labels[train].mean()},
        "val": {
            "images": len(val),
            "diagonals": labels[val].mean(),
            "seen_in_train": seen_in_train,
        },
    }
    files.write_metrics("metrics/split.json", metrics)
    columns = {"image": first, "label": labels[first], "train": counts[0], "val": counts[1]}
    files.write_table("plots/split/patterns.csv", columns)
    with style():
        figure = figures.patterns_by_split(images[first, 0], labels[first], *counts)
        files.write_figure("plots/split/pictures/patterns.png", figure)


if __name__ == "__main__":
    command.run(main)
