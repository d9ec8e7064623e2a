"""Split the images into training and validation, and list the distinct ones."""

import sys

import numpy as np
import torch
from torchvision.transforms.v2 import Compose, functional

from diagonal import command
from diagonal.errors import prefixed
from diagonal.figures import lines as figures
from diagonal.figures.style import style
from diagonal.lines.patterns import count_shown, distinct, mirror_groups, survey
from diagonal.lines.splitting import groups_of, train_val_split
from diagonal.pipeline import data, files
from diagonal.pipeline.params import Transforms, load_params
from diagonal.pipeline.transforms import scale_and_normalize


def main() -> None:
    params = load_params()
    split, transforms = params.split, params.transforms
    (images, labels), names = data.read_images(), files.read_metrics(data.CLASSES)
    ones, low, high = data.plural(names[1]), images.min(), images.max()
    if high - low < 64:
        found = f"pixels from {low} to {high} only; models learn little unless they fill 0 to 255"
        print(f"{data.IMAGES}: {found}", file=sys.stderr)
    with prefixed(data.LABELS):
        first, pattern = distinct(images, labels)
    with prefixed("params.yaml: split"):
        groups = groups_of(images, split.group_by, transforms.hflip)
        train, val = train_val_split(labels, split.ratios, split.seed, groups)
    for name, index in (("train", train), ("val", val)):
        files.write_array(data.SPLIT.format(name), index)
    prepare = Compose([torch.from_numpy, scale_and_normalize(transforms.mean, transforms.std)])
    patterns = survey(images, labels, train, val, lambda drawn: prepare(drawn).numpy())
    files.write_tensors(data.PATTERNS, patterns._asdict())

    counts = [np.bincount(pattern[index], minlength=len(first)) for index in (train, val)]
    group, trained = mirror_groups(images[first], transforms.hflip), counts[0] > 0
    seen = np.isin(group, group[trained])
    lines = patterns.images[patterns.population > 0]
    n_shown, n_outside = count_shown(lines, images[first[trained]], transforms.hflip)
    outside = n_outside if len(lines) else None
    metrics = {
        "train": {
            "images": len(train),
            ones: labels[train].mean(),
            "augmented": {"patterns": n_shown, "outside_population": outside},
        },
        "val": {
            "images": len(val),
            ones: labels[val].mean(),
            "seen_in_train": counts[1][trained].sum() / len(val),
            "seen_in_train_augmented": counts[1][seen].sum() / len(val),
        },
    }
    files.write_metrics("metrics/split.json", metrics)
    columns = {"image": first, "label": labels[first], "mirror_group": group}
    columns |= {"train": counts[0], "val": counts[1]}
    files.write_table("plots/split/patterns.csv", columns)
    steps = preparation(torch.tensor(images[min(EXAMPLE, len(images) - 1)]), transforms)
    with style():
        files.write_figure("plots/split/pictures/preparation.png", figures.preparation(steps))
        pictures = data.pictures(images[first])
        figure = figures.patterns_by_split(pictures, labels[first], *counts, seen, names)
        files.write_figure("plots/split/pictures/patterns.png", figure)


def preparation(image: torch.Tensor, transforms: Transforms) -> dict[str, np.ndarray]:
    """Follow an image (C, S, S) through the lecture's transforms, mirrored for certain."""
    scaled = functional.to_dtype(image, torch.float32, scale=True)
    flipped = functional.horizontal_flip(scaled)
    normalised = functional.normalize(flipped, [transforms.mean], [transforms.std])
    steps = {"as drawn": image, "scaled": scaled, "flipped": flipped, "normalised": normalised}
    return {title: step[0].numpy() for title, step in steps.items()}


EXAMPLE = 7  # the slides' example image

if __name__ == "__main__":
    command.run(main)
