"""Weigh the training images so that batches hold both classes equally often."""

import torch

from diagonal.lines.figures import classes_in_batches
from diagonal.pipeline import command, data, files
from diagonal.pipeline.params import load_params
from diagonal.pipeline.resources import require_memory
from diagonal.pipeline.style import style
from diagonal.training.sampling import class_weights, classes_per_batch


def main() -> None:
    params = load_params()
    every_label = data.read_labels()
    labels = torch.from_numpy(every_label[data.read_split("train", len(every_label))])
    require_memory("balance", len(labels))
    inverse, equal = class_weights(labels), torch.ones(2)
    chosen = inverse if params.balance.strategy == "inverse_frequency" else equal
    weights = chosen[labels].double()
    files.write_array(data.WEIGHTS, weights.numpy())

    seed, batch_size = params.train.seed, params.train.batch_size
    counts = {
        name: classes_per_batch(labels, by_class[labels].double(), seed=seed, batch_size=batch_size)
        for name, by_class in (("equal", equal), ("balanced", inverse))
    }
    drawn = counts["equal" if chosen is equal else "balanced"]
    files.write_metrics(
        "metrics/balance.json",
        {
            "count": dict(zip(NAMES, labels.bincount().tolist(), strict=True)),
            "weight": dict(zip(NAMES, chosen.tolist(), strict=True)),
            "diagonals_before": labels.double().mean().item(),
            "diagonals_after": (weights[labels == 1].sum() / weights.sum()).item(),
            "diagonals_in_first_epoch": (drawn[:, 1].sum() / drawn.sum()).item(),
        },
    )
    columns = {
        f"{name}_{kind}": each[:, label].numpy()
        for name, each in counts.items()
        for label, kind in enumerate(NAMES)
    }
    batches = range(1, len(drawn) + 1)
    files.write_table("plots/balance/batches.csv", {"batch": batches} | columns)
    titles = ("Every image weighs the same", "Weighed by inverse frequency")
    with style():
        figure = classes_in_batches(
            {title: each.numpy() for title, each in zip(titles, counts.values(), strict=True)}
        )
        files.write_figure("plots/balance/pictures/batches.png", figure)


NAMES = ("straight", "diagonal")  # of the labels 0 and 1

if __name__ == "__main__":
    command.run(main)
