"""Draw the activation functions, and what each layer of each model makes of the images."""

import numpy as np
import torch
from torch import nn

from diagonal import command
from diagonal.feature_space.activations import activation_functions, value_and_gradient
from diagonal.feature_space.decisions import COORDINATE_DECIMALS
from diagonal.feature_space.representations import representations, view
from diagonal.figures import feature_space as figures
from diagonal.figures.animation import record
from diagonal.figures.style import style
from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import FeatureSpace, load_params
from diagonal.training.models import dead_units, probabilities, read_history, read_model


def main() -> None:
    torch.set_num_threads(1)  # on matrices this small, threads would wait for each other
    params = load_params()
    threshold = params.evaluate.threshold
    patterns, names = data.read_patterns(), files.read_metrics(data.CLASSES)
    patterns = patterns.chosen(patterns.train + patterns.val > 0)
    labels, in_val = patterns.labels, patterns.val > 0
    x = torch.from_numpy(patterns.x)

    metrics = {}
    with style():
        draw_activations(params.feature_space)
        for name in MODELS:
            model = read_model(name, x[0].numel())
            seen = representations(model, x)
            wrong = (probabilities(model, x) > threshold) != labels
            draw_layers(name, model, seen, labels, wrong, threshold, names)
            rectified = [layer for layer in seen if isinstance(model.get_submodule(layer), nn.ReLU)]
            if rectified:
                dead = {
                    layer.replace("activation", "hidden"): dead_units(seen[layer][in_val], 0).sum()
                    for layer in rectified
                }
                # If the last hidden layer is all 0, the output is 0.5, whatever the image.
                silent = dead_units(seen[rectified[-1]][in_val], 1)
                share = np.average(silent, weights=patterns.val[in_val])
                metrics[name] = {"dead": dead, "silent": share}
        animate("relu", x, labels, threshold, names)
    files.write_metrics("metrics/feature_space.json", metrics)


def draw_activations(params: FeatureSpace) -> None:
    """Draw the five activation functions and their gradients."""
    z = np.linspace(-params.z_max, params.z_max, 401)
    functions = activation_functions(params.leaky_slope, params.prelu_slope)
    rounded = {
        title: np.round(value_and_gradient(function, z), COORDINATE_DECIMALS)
        for title, function in functions.items()
    }
    figure = figures.activation_functions(z, rounded)
    files.write_figure("plots/feature_space/activations.png", figure)


def draw_layers(name: str, model, seen: dict, labels, wrong, threshold: float, names) -> None:
    """Draw where the distinct images lie before and after each layer of a network."""
    views = {titled(model, layer): view(model, layer, seen[layer], threshold) for layer in seen}
    title = f"{name}: where {len(labels)} patterns lie, {wrong.sum()} of them called wrong"
    figure = figures.layer_views(views, labels, wrong, title, names)
    files.write_figure(f"plots/feature_space/{name}.png", figure)


def animate(name: str, x: torch.Tensor, labels: np.ndarray, threshold: float, names) -> None:
    """Show what a model's last hidden layer makes of the distinct images while it trains.

    At first the points are close together, so each epoch's are divided by their largest value. The
    next layer's weights are multiplied by it instead, so that the network decides as before.
    """
    epochs, models = read_history(name, x[0].numel())
    layer = list(representations(models[-1], x))[-2]  # what the output sees
    points = np.stack([representations(model, x)[layer] for model in models])
    largest = np.maximum(abs(points).max(axis=(1, 2)), 10.0**-COORDINATE_DECIMALS)
    points = np.round(points / largest[:, None, None], COORDINATE_DECIMALS)
    steps = []
    for place, (epoch, model) in enumerate(zip(epochs, models, strict=True)):
        probability = probabilities(model, x)
        model.output.weight.data *= largest[place]
        shown = view(model, layer, points[place], threshold, among=np.concatenate(points))
        wrong = (probability > threshold) != labels
        title = f"{name} after epoch {epoch}: {wrong.sum()} of {len(labels)} patterns wrong"
        title += f"\nLargest value on the left: {largest[place]:.2f}"
        steps.append((shown, probability.round(COORDINATE_DECIMALS), wrong, title))
    journey = figures.Journey(titled(model, layer), shown, labels, threshold, names)
    frames = record(journey.figure, journey.show, steps)
    files.write_animation(f"plots/feature_space/{name}.gif", frames, milliseconds=200, hold=3000)


def titled(model, layer: str) -> str:
    """Name a layer as a reader would: hidden0 is hidden 0, activation0 is after ReLU 0."""
    kind, place = layer.rstrip("0123456789"), layer.lstrip("abcdefghijklmnopqrstuvwxyz")
    activation = f"after {type(model.get_submodule(layer)).__name__} {place}"
    names = {"flatten": "pixels", "activation": activation, "output": "output"}
    return names.get(kind, f"{kind} {place}")


if __name__ == "__main__":
    command.run(main)
