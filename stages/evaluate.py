"""Evaluate the three models on the validation images and on all images that can be drawn."""

from collections.abc import Iterator

import numpy as np

from diagonal.evaluation import (
    Tally,
    binary_metrics,
    calibration,
    precision_recall_curve,
    roc_curve,
)
from diagonal.figures import evaluation as figures
from diagonal.figures.style import style
from diagonal.figures.training import loss_comparison
from diagonal.figures.weights import two_weightings, weights_as_pixels
from diagonal.images import chunks, distinct
from diagonal.inference import RECTIFIED, collapsed, layers, probabilities
from diagonal.population import population
from diagonal.preparation import scaled_and_normalised
from diagonal.shell import command, files
from diagonal.shell.params import load_params


def main() -> None:
    params = load_params()
    threshold, transforms = params.evaluate.threshold, params.transforms
    split = files.read_split("data/split/val.safetensors", "x", "y", "index")
    img_size = split[0].shape[-1]
    lines, kinds, counts = population(img_size)
    every_x = scaled_and_normalised(lines, transforms.mean, transforms.std)

    weights, models, metrics, tables = {}, {}, {}, {}
    for name, rectified in RECTIFIED.items():
        weights[name] = files.read_tensors(f"models/{name}.safetensors")
        models[name] = layers(weights[name], rectified)
        tally = Tally()
        parts = predicted(models[name], split, threshold, tally)
        files.write_long_table(f"plots/predictions/{name}.csv", parts)
        labels, probability, occurrences = tally.arrays()
        every_probability = probabilities(models[name], every_x)
        metrics[name] = {
            "validation": binary_metrics(labels, probability, threshold, occurrences),
            "population": binary_metrics(kinds, every_probability, threshold, counts),
        }
        for where, values in metrics[name].items():
            files.write_metrics(f"metrics/{name}/{where}.json", values)
        tables[name] = curves(labels, probability, occurrences)
        for kind, columns in tables[name].items():
            files.write_table(f"plots/{kind}/{name}.csv", columns)

    with style():
        draw_metrics(metrics, tables, threshold)
        draw_weights(weights, img_size)
        draw_patterns(models, lines, every_x, kinds, threshold)


def predicted(model, split: tuple, threshold: float, tally: Tally) -> Iterator[dict]:
    """Predict the images of a split (x, y, index) part by part, for a table and a tally."""
    for part in chunks(len(split[0]), split[0][0].size):
        x, y, index = (array[part] for array in split)
        probability, labels = probabilities(model, x), y[:, 0].astype(np.int64)
        tally.add(labels, probability)
        columns = {"image": index, "probability": probability, "actual": CLASSES[labels]}
        yield columns | {"predicted": CLASSES[(probability > threshold).astype(int)]}


def curves(labels, probability, counts) -> dict[str, dict]:
    """Compute what is drawn of a model's probabilities: kind -> columns."""
    fpr, tpr = roc_curve(labels, probability, counts)
    recall, precision = precision_recall_curve(labels, probability, counts)
    return {
        "roc": {"fpr": fpr, "tpr": tpr},
        "precision_recall": {"recall": recall, "precision": precision},
        "calibration": calibration(labels, probability, counts),
    }


def draw_metrics(metrics: dict, tables: dict, threshold: float) -> None:
    """Draw how losses fell, what the curves say, and which class is taken for which."""
    losses = {
        name: files.read_table(f"plots/losses/{name}.csv", "loss", "val_loss") for name in metrics
    }
    first_two = {name: losses[name] for name in ("logistic", "deepish")}
    files.write_figure("plots/evaluate/losses_of_two.png", loss_comparison(first_two))
    files.write_figure("plots/evaluate/losses_of_all.png", loss_comparison(losses))
    kinds = {
        kind: {name: tuple(tables[name][kind].values()) for name in tables}
        for kind in ("roc", "precision_recall", "calibration")
    }
    files.write_figure("plots/evaluate/curves.png", figures.curves(**kinds))
    counts = {}
    for name, values in metrics.items():
        tn, fp, fn, tp = (values["validation"][key] for key in ("tn", "fp", "fn", "tp"))
        counts[name] = np.array([[tn, fp], [fn, tp]])
    files.write_figure("plots/evaluate/confusion.png", figures.confusion(counts, threshold))


def draw_weights(weights: dict, img_size: int) -> None:
    """Draw the first layers' weights, and how far deepish's one matrix is from logistic's."""
    logistic, deepish = (collapsed(weights[name]) for name in ("logistic", "deepish"))
    difference = abs(logistic - deepish).max()
    files.write_metrics("metrics/deepish_vs_logistic.json", {"largest_difference": difference})
    columns = {"pixel": range(img_size**2), "logistic": logistic[0], "deepish": deepish[0]}
    files.write_table("plots/evaluate/weights.csv", columns)
    files.write_figure(
        "plots/evaluate/deepish_vs_logistic.png", two_weightings(logistic[0], deepish[0])
    )
    layers = {
        "logistic\nits only layer": logistic,
        "deepish\nall layers as one": deepish,
        "deepish\nfirst hidden layer": weights["deepish"]["hidden0.weight"],
        "relu\nfirst hidden layer": weights["relu"]["hidden0.weight"],
    }
    files.write_figure("plots/evaluate/weights.png", weights_as_pixels(layers, img_size))


def draw_patterns(models: dict, images, x, labels, threshold: float) -> None:
    """Draw what the models say of every pattern that there is: images, as tensors, labels."""
    first, _ = distinct(images, labels)  # sorted by class
    images, x, labels = images[first], x[first], labels[first]
    probability = {name: probabilities(model, x) for name, model in models.items()}
    figure = figures.predicted_patterns(images[:, 0], labels, probability, threshold)
    files.write_figure("plots/evaluate/patterns.png", figure)
    files.write_table("plots/evaluate/patterns.csv", {"label": labels} | probability)


CLASSES = np.array(["straight", "diagonal"])

if __name__ == "__main__":
    command.run(main)
