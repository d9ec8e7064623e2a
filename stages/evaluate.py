"""Evaluate the three models on the same validation images, from their stored weights."""

import numpy as np
import pandas as pd
import torch

from diagonal import command, files
from diagonal.evaluation import (
    binary_metrics,
    calibration,
    precision_recall_curve,
    probabilities,
    roc_curve,
)
from diagonal.figures import evaluation as figures
from diagonal.figures.style import style
from diagonal.figures.training import loss_comparison
from diagonal.figures.weights import two_weightings, weights_as_pixels
from diagonal.images import distinct
from diagonal.models import ACTIVATIONS, collapsed, with_weights
from diagonal.params import load_params


def main() -> None:
    threshold = load_params().evaluate.threshold
    x, y, index = files.read_split("data/split/val.safetensors", "x", "y", "index")
    labels = y[:, 0].astype(np.int64)

    weights, models, metrics = {}, {}, {}
    tables = {"roc": {}, "precision_recall": {}, "calibration": {}}
    for name, activation in ACTIVATIONS.items():
        arrays = files.read_tensors(f"models/{name}.safetensors")
        weights[name] = {key: torch.from_numpy(array) for key, array in arrays.items()}
        models[name] = with_weights(weights[name], activation)
        probability = probabilities(models[name], x)
        metrics[name] = binary_metrics(labels, probability, threshold)
        files.write_metrics(f"metrics/evaluate/{name}.json", metrics[name])

        predictions = pd.DataFrame({"image": index, "probability": probability})
        predictions["actual"] = CLASSES[labels]
        predictions["predicted"] = CLASSES[(probability > threshold).astype(int)]
        files.write_table(f"plots/predictions/{name}.csv", predictions)
        tables["roc"][name] = named("fpr tpr", roc_curve(labels, probability))
        tables["precision_recall"][name] = named(
            "recall precision", precision_recall_curve(labels, probability)
        )
        tables["calibration"][name] = dict(calibration(labels, probability))
    for kind, by_model in tables.items():
        for name, columns in by_model.items():
            files.write_table(f"plots/{kind}/{name}.csv", columns)

    logistic, deepish = (collapsed(weights[name]).numpy()[0] for name in ("logistic", "deepish"))
    difference = abs(logistic - deepish).max()
    files.write_metrics("metrics/deepish_vs_logistic.json", {"largest_difference": difference})
    columns = {"pixel": range(len(logistic)), "logistic": logistic, "deepish": deepish}
    files.write_table("plots/evaluate/weights.csv", columns)
    with style():
        draw_metrics(metrics, tables, threshold)
        draw_weights(logistic, deepish, weights, img_size=x.shape[-1])
        draw_patterns(models, threshold)


def named(names: str, columns) -> dict:
    return dict(zip(names.split(), columns, strict=True))


def draw_metrics(metrics: dict, tables: dict, threshold: float) -> None:
    losses = {
        name: files.read_table(f"plots/losses/{name}.csv", "loss", "val_loss") for name in metrics
    }
    first_two = {name: losses[name] for name in ("logistic", "deepish")}
    files.write_figure("plots/evaluate/losses_of_two.png", loss_comparison(first_two))
    files.write_figure("plots/evaluate/losses_of_all.png", loss_comparison(losses))
    values = {
        kind: {name: tuple(columns.values()) for name, columns in by_model.items()}
        for kind, by_model in tables.items()
    }
    files.write_figure("plots/evaluate/curves.png", figures.curves(**values))
    counts = {
        name: np.array([[each["tn"], each["fp"]], [each["fn"], each["tp"]]])
        for name, each in metrics.items()
    }
    files.write_figure("plots/evaluate/confusion.png", figures.confusion(counts, threshold))


def draw_weights(logistic, deepish, weights: dict, img_size: int) -> None:
    layers = {
        "logistic\nits only layer": logistic[None],
        "deepish\nall layers as one": deepish[None],
        "deepish\nfirst hidden layer": weights["deepish"]["hidden0.weight"].numpy(),
        "relu\nfirst hidden layer": weights["relu"]["hidden0.weight"].numpy(),
    }
    files.write_figure("plots/evaluate/weights.png", weights_as_pixels(layers, img_size))
    figure = two_weightings(logistic, deepish)
    files.write_figure("plots/evaluate/deepish_vs_logistic.png", figure)


def draw_patterns(models: dict, threshold: float) -> None:
    """Draw what the models say of every pattern that training or validation holds."""
    splits = [files.read_split(f"data/split/{name}.safetensors", "x", "y") for name in SPLITS]
    x, y = (np.concatenate(arrays) for arrays in zip(*splits, strict=True))
    labels = y[:, 0].astype(np.int64)
    first, _ = distinct(x, labels)
    probability = {name: probabilities(model, x[first]) for name, model in models.items()}
    figure = figures.predicted_patterns(x[first, 0], labels[first], probability, threshold)
    files.write_figure("plots/evaluate/patterns.png", figure)
    columns = {"label": labels[first]} | probability
    files.write_table("plots/evaluate/patterns.csv", columns)


CLASSES = np.array(["straight", "diagonal"])
SPLITS = ("train", "val")

if __name__ == "__main__":
    command.run(main)
