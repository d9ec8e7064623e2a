"""Weigh the training images so that batches hold both classes equally often."""

import numpy as np

from diagonal.balancing import (
    class_weights,
    expected_share,
    first_epoch,
    sample_weights,
)
from diagonal.figures.balancing import classes_per_batch
from diagonal.figures.style import style
from diagonal.resources import require_memory
from diagonal.shell import command, files
from diagonal.shell.params import load_params


def main() -> None:
    params = load_params()
    (y,) = files.read_split("data/split/train.safetensors", "y")
    require_memory("balance", len(y))
    labels = y[:, 0].astype(np.int8)
    inverse = class_weights(labels)
    by_class = inverse if params.balance.strategy == "inverse_frequency" else {0: 1.0, 1: 1.0}
    weights = sample_weights(labels, by_class)

    files.write_array("data/balance/sample_weights.npy", weights)
    files.write_metrics(
        "metrics/balance.json",
        {
            "count": {name: (labels == label).sum() for label, name in enumerate(NAMES)},
            "weight": {name: by_class[label] for label, name in enumerate(NAMES)},
            "diagonals_before": labels.mean(),
            "diagonals_after": expected_share(labels, weights),
        },
    )

    seed, batch_size = params.train.seed, params.train.batch_size
    by_inverse = sample_weights(labels, inverse)
    counts = {
        "equal": first_epoch(labels, np.ones(len(labels)), seed, batch_size),
        "balanced": first_epoch(labels, by_inverse, seed, batch_size),
    }
    columns = {
        f"{name}_{NAMES[label]}": each[:, label]
        for name, each in counts.items()
        for label in (0, 1)
    }
    batches = range(1, len(counts["equal"]) + 1)
    files.write_table("plots/balance/batches.csv", {"batch": batches} | columns)
    titles = ("Every image weighs the same", "Weighed by inverse frequency")
    with style():
        figure = classes_per_batch(dict(zip(titles, counts.values(), strict=True)))
        files.write_figure("plots/balance/batches.png", figure)


NAMES = ("straight", "diagonal")  # of the labels 0 and 1

if __name__ == "__main__":
    command.run(main)
