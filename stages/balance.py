"""Weigh the training images so that batches hold both classes equally often."""

import numpy as np

from diagonal import command, files
from diagonal.balancing import class_weights, expected_share, sample_weights
from diagonal.params import load_params


def main() -> None:
    params = load_params().balance
    (y,) = files.read_split("data/split/train.safetensors", "y")
    labels = y[:, 0].astype(np.int64)
    by_class = class_weights(labels) if params.strategy == "inverse_frequency" else {0: 1.0, 1: 1.0}
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


NAMES = ("straight", "diagonal")  # of the labels 0 and 1

if __name__ == "__main__":
    command.run(main)
