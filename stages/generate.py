"""Draw the images of lines and label them."""

import numpy as np

from diagonal.figures import images as figures
from diagonal.figures.style import style
from diagonal.images import (
    chunks,
    color_bands,
    distinct,
    every_line,
    grayscale,
    images_of,
    labels_of,
    random_lines,
    rgb,
)
from diagonal.resources import require_memory
from diagonal.shell import command, files
from diagonal.shell.params import load_params


def main() -> None:
    params = load_params().generate
    require_memory("generate", params.n_images)
    lines = random_lines(params.img_size, params.n_images, params.seed)
    drawn, labels = every_line(params.img_size), labels_of(lines)
    shape = (len(lines), *drawn.shape[2:])
    parts = (images_of(lines[part], drawn) for part in chunks(len(lines), params.img_size**2))
    files.write_array("data/raw/images.npy", files.Pieces(shape, np.uint8, parts))
    files.write_array("data/raw/labels.npy", labels)

    images = files.read_array("data/raw/images.npy", np.uint8, ndim=4)
    first, pattern = distinct(images, labels)
    counts = np.bincount(pattern)
    files.write_metrics(
        "metrics/generate.json",
        {"images": len(images), "distinct": len(first), "diagonals": labels.mean()},
    )
    columns = {"image": first, "label": labels[first], "count": counts}
    files.write_table("plots/generate/patterns.csv", columns)

    bands = color_bands()
    pictures, color = images[:, 0], rgb(*bands)
    with style():
        write = files.write_figure
        write("plots/generate/samples.png", figures.samples(pictures, labels))
        figure = figures.pattern_counts(pictures[first], labels[first], counts)
        write("plots/generate/patterns.png", figure)
        write("plots/generate/channels.png", figures.channels(bands, grayscale(color), color))


if __name__ == "__main__":
    command.run(main)
