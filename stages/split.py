"""Split the images into training and validation, and list the distinct ones."""

import numpy as np
import torch
from torchvision.transforms.v2 import functional

from diagonal.lines import figures
from diagonal.lines.patterns import count_shown, distinct, orbits, survey
from diagonal.lines.splitting import split_by_unit
from diagonal.pipeline import command, data, files
from diagonal.pipeline.errors import located
from diagonal.pipeline.params import Transforms, load_params
from diagonal.pipeline.resources import require_memory
from diagonal.pipeline.style import style
from diagonal.pipeline.transforms import scale_and_normalize


def main() -> None:
    params = load_params()
    split, transforms = params.split, params.transforms
    images, labels = data.read_images()
    require_memory("split", len(labels))
    with located(data.LABELS):
        first, pattern = distinct(images, labels)
    with located("params.yaml: split"):
        train, val = split_by_unit(
            images, labels, split.ratios, split.seed, split.unit, transforms.hflip
        )
    for name, index in (("train", train), ("val", val)):
        files.write_array(data.SPLIT.format(name), index)
    compose = scale_and_normalize(transforms.mean, transforms.std)

    def transform(drawn: np.ndarray) -> np.ndarray:
        return compose(torch.from_numpy(drawn)).numpy()

    patterns = survey(images, labels, train, val, transform)
    files.write_tensors(data.PATTERNS, patterns._asdict())

    counts = [np.bincount(pattern[index], minlength=len(first)) for index in (train, val)]
    orbit, trained = orbits(images[first], transforms.hflip), counts[0] > 0
    seen = np.isin(orbit, orbit[trained])
    lines = patterns.images[patterns.population > 0]
    n_shown, n_outside = count_shown(lines, images[first[trained]], transforms.hflip)
    metrics = {
        "train": {
            "images": len(train),
            "diagonals": labels[train].mean(),
            "augmented": {
                "patterns": n_shown,
                "outside_population": n_outside if len(lines) else None,
            },
        },
        "val": {
            "images": len(val),
            "diagonals": labels[val].mean(),
            "seen_in_train": counts[1][trained].sum() / len(val),
            "seen_in_train_augmented": counts[1][seen].sum() / len(val),
        },
    }
    files.write_metrics("metrics/split.json", metrics)
    columns = {"image": first, "label": labels[first], "orbit": orbit}
    columns |= {"train": counts[0], "val": counts[1]}
    files.write_table("plots/split/patterns.csv", columns)
    steps = preparation(torch.tensor(images[min(EXAMPLE, len(images) - 1)]), transforms)
    with style():
        files.write_figure("plots/split/pictures/preparation.png", figures.preparation(steps))
        figure = figures.patterns_by_split(
            data.pictures(images[first]), labels[first], *counts, seen
        )
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
