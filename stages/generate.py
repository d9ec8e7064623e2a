"""Draw the images of lines and label them."""

import numpy as np

from diagonal import command
from diagonal.figures import lines as figures
from diagonal.figures.style import style
from diagonal.lines.channels import color_bands, grayscale
from diagonal.lines.images import chunks, every_line, labels_of, random_lines
from diagonal.lines.patterns import distinct
from diagonal.pipeline import data, files
from diagonal.pipeline.params import load_params


def main() -> None:
    params = load_params().generate
    lines = random_lines(params.img_size, params.n_images, params.seed)
    drawn = every_line(params.img_size)
    parts = (drawn.take(lines[part], axis=0) for part in chunks(len(lines), drawn[0].size))
    files.write_large_array(data.IMAGES, (len(lines), *drawn.shape[1:]), np.uint8, parts)
    files.write_array(data.LABELS, labels_of(lines))
    files.write_metrics(data.CLASSES, data.LINES)

    images, labels = data.read_images()
    first, pattern = distinct(images, labels)
    counts = np.bincount(pattern)
    metrics = {"images": len(images), "distinct": len(first), "diagonals": labels.mean()}
    files.write_metrics("metrics/generate.json", metrics)
    columns = {"image": first, "label": labels[first], "count": counts}
    files.write_table("plots/generate/patterns.csv", columns)

    bands = color_bands()
    pictures, color = images[:, 0], np.stack(bands, axis=-1)
    with style():
        write = files.write_figure
        write(f"{PICTURES}/samples.png", figures.samples(pictures, labels))
        figure = figures.pattern_counts(pictures[first], labels[first], counts)
        write(f"{PICTURES}/patterns.png", figure)
        write(f"{PICTURES}/channels.png", figures.channels(bands, grayscale(color), color))


PICTURES = "plots/generate/pictures"

if __name__ == "__main__":
    command.run(main)
