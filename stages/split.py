"""Split the images into training and validation, scaled and normalised."""

import numpy as np

from diagonal.figures import images as figures
from diagonal.figures.style import style
from diagonal.images import distinct, patterns
from diagonal.shell import command, files
from diagonal.shell.errors import located
from diagonal.shell.params import load_params
from diagonal.splitting import train_val_split
from diagonal.transforms import preparation, scaled_and_normalised


def main() -> None:
    params = load_params()
    images = files.read_array("data/raw/images.npy", np.uint8, ndim=4)
    labels = files.read_array("data/raw/labels.npy", np.int64, ndim=1)
    split = params.split
    groups = patterns(images) if split.unit == "pattern" else None
    with located("params.yaml: split"):
        train, val = train_val_split(labels, split.ratios, split.seed, groups)

    metrics = {}
    for name, index in (("train", train), ("val", val)):
        x = scaled_and_normalised(images[index], params.transforms.mean, params.transforms.std)
        y = labels[index, None].astype(np.float32)
        arrays = {"x": x.numpy(), "y": y, "index": index}
        files.write_tensors(f"data/split/{name}.safetensors", arrays)
        metrics[name] = {"images": len(index), "diagonals": labels[index].mean()}
    first, pattern = distinct(images, labels)
    metrics["val"]["seen_in_train"] = np.isin(pattern[val], pattern[train]).mean()
    files.write_metrics("metrics/split.json", metrics)

    counts = [np.bincount(pattern[index], minlength=len(first)) for index in (train, val)]
    columns = {"image": first, "label": labels[first], "train": counts[0], "val": counts[1]}
    files.write_table("plots/split/patterns.csv", columns)
    example = images[min(EXAMPLE, len(images) - 1)]
    steps = preparation(example, params.transforms.mean, params.transforms.std)
    with style():
        files.write_figure("plots/split/preparation.png", figures.preparation(steps))
        figure = figures.patterns_by_split(images[first, 0], labels[first], *counts)
        files.write_figure("plots/split/patterns.png", figure)


EXAMPLE = 7  # the slides' example image

if __name__ == "__main__":
    command.run(main)
