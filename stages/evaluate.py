"""Evaluate the three models on the validation images and on all images that can be drawn."""

import numpy as np
import pandas as pd
import torch

from diagonal import command, figures, files
from diagonal.evaluation import binary_metrics, probabilities, roc_curve
from diagonal.models import ACTIVATIONS, collapsed, with_weights
from diagonal.params import load_params
from diagonal.population import population, scaled_and_normalised


def main() -> None:
    params = load_params()
    threshold, transforms = params.evaluate.threshold, params.transforms
    x, y, index = files.read_split("data/split/val.safetensors", "x", "y", "index")
    labels = y[:, 0].astype(np.int64)
    lines, kinds, counts = population(img_size=x.shape[-1])
    every_x = scaled_and_normalised(lines, transforms.mean, transforms.std)

    weights = {}
    for name, activation in ACTIVATIONS.items():
        arrays = files.read_tensors(f"models/{name}.safetensors")
        weights[name] = {key: torch.from_numpy(array) for key, array in arrays.items()}
        model = with_weights(weights[name], activation)
        probability = probabilities(model, x)
        metrics = {
            "validation": binary_metrics(labels, probability, threshold),
            "population": binary_metrics(kinds, probabilities(model, every_x), threshold, counts),
        }
        for where, values in metrics.items():
            files.write_metrics(f"metrics/{name}/{where}.json", values)

        fpr, tpr = roc_curve(labels, probability)
        files.write_table(f"plots/roc/{name}.csv", {"fpr": fpr, "tpr": tpr})
        predictions = pd.DataFrame({"image": index, "probability": probability})
        predictions["actual"] = CLASSES[labels]
        predictions["predicted"] = CLASSES[(probability > threshold).astype(int)]
        files.write_table(f"plots/predictions/{name}.csv", predictions)

    logistic, deepish = (collapsed(weights[name]).numpy() for name in ("logistic", "deepish"))
    difference = abs(logistic - deepish).max()
    files.write_metrics("metrics/deepish_vs_logistic.json", {"largest_difference": difference})

    layers = {
        "logistic: its only layer": logistic,
        "deepish: its three layers multiplied": deepish,
        "deepish: first hidden layer": weights["deepish"]["hidden0.weight"].numpy(),
        "relu: first hidden layer": weights["relu"]["hidden0.weight"].numpy(),
    }
    with figures.style():
        picture = figures.weights_as_pixels(layers, img_size=x.shape[-1])
        files.write_figure("plots/weights.png", picture)
        picture = figures.two_weightings(logistic[0], deepish[0])
        files.write_figure("plots/deepish_vs_logistic.png", picture)


CLASSES = np.array(["straight", "diagonal"])

if __name__ == "__main__":
    command.run(main)
