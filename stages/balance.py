"""Weigh the training images so that batches hold both classes equally often."""

import torch

from diagonal import command
from diagonal.figures.lines import classes_in_batches
from diagonal.figures.style import style
from diagonal.pipeline import data, files
from diagonal.pipeline.params import load_params
from diagonal.training.sampling import class_weights, classes_per_batch


def main() -> None:
    params = load_params()
    labels, names = data.read_labels(), files.read_metrics(data.CLASSES)
    labels = torch.from_numpy(labels[data.read_split("train")])
    inverse, equal = class_weights(labels), torch.ones(2)
    chosen = inverse if params.balance.strategy == "inverse_frequency" else equal
    weights = chosen[labels].double()
    files.write_array(data.WEIGHTS, weights.numpy())

    seed, batch_size = params.train.seed, params.train.batch_size
    counts = {
        name: classes_per_batch(labels, by_class[labels].double(), seed=seed, batch_size=batch_size)
        for name, by_class in (("equal", equal), ("balanced", inverse))
    }
    drawn, ones = counts["equal" if chosen is equal else "balanced"], data.plural(names[1])
    files.write_metrics(
        "metrics/balance.json",
        {
            "count": dict(zip(names, labels.bincount().tolist(), strict=True)),
            "weight": dict(zip(names, chosen.tolist(), strict=True)),
            f"{ones}_before": labels.double().mean().item(),
            f"{ones}_after": (weights[labels == 1].sum() / weights.sum()).item(),
            f"{ones}_in_first_epoch": (drawn[:, 1].sum() / drawn.sum()).item(),
        },
    )
    columns = {
        f"{name}_{label}": column.numpy()
        for name, table in counts.items()
        for label, column in zip(names, table.T, strict=True)
    }
    batches = range(1, len(drawn) + 1)
    files.write_table("plots/balance/batches.csv", {"batch": batches} | columns)
    titles = ("Every image weighs the same", "Weighed by inverse frequency")
    tables = (table.numpy() for table in counts.values())
    with style():
        figure = classes_in_batches(dict(zip(titles, tables, strict=True)), names)
        files.write_figure("plots/balance/pictures/batches.png", figure)


if __name__ == "__main__":
    command.run(main)
