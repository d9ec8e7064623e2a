"""Draw the images of lines and label them."""

import numpy as np

from diagonal.figures import images as figures
from diagonal.figures.style import style
from diagonal.images import color_bands, distinct, generate_dataset, grayscale, rgb
from diagonal.shell import command, files
from diagonal.shell.params import load_params


def main() -> None:
    params = load_params().generate
    images, labels = generate_dataset(
        img_size=params.img_size, n_images=params.n_images, seed=params.seed
    )
    files.write_array("data/raw/images.npy", images)
    files.write_array("data/raw/labels.npy", labels)
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
