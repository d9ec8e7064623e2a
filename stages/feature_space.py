"""Draw the activation functions, and what each layer of each model makes of the images."""

import numpy as np
import torch

from diagonal import activations
from diagonal.feature_space import dead_units, representations, silent_share, view
from diagonal.figures import feature_space as figures
from diagonal.figures.animation import record, shown_epochs
from diagonal.figures.style import style
from diagonal.images import distinct
from diagonal.shell import command, files
from diagonal.shell.errors import InputError
from diagonal.shell.params import FeatureSpace, Params, load_params
from diagonal.training import models
from diagonal.training.models import ACTIVATIONS, with_weights
from stages.train import prepared


def main() -> None:
    params = load_params()
    splits = [files.read_split(f"data/split/{name}.safetensors", "x", "y") for name in SPLITS]
    x, y = (np.concatenate(arrays) for arrays in zip(*splits, strict=True))
    first, _ = distinct(x, y[:, 0])
    patterns, labels = x[first], y[first, 0].astype(np.int64)

    metrics = {}
    with style():
        draw_activations(params.feature_space)
        for name, activation in ACTIVATIONS.items():
            arrays = files.read_tensors(f"models/{name}.safetensors")
            weights = {key: torch.from_numpy(array) for key, array in arrays.items()}
            model = with_weights(weights, activation)
            if name == "relu":
                animate_relu(params, weights, patterns, labels)
            draw_layers(name, model, patterns, labels, params.evaluate.threshold)
            if activation:
                layers = representations(model, splits[-1][0])
                rectified = [layers[key] for key in layers if key.startswith("activation")]
                dead = {f"hidden{k}": dead_units(values) for k, values in enumerate(rectified)}
                metrics[name] = {"dead": dead, "silent": silent_share(rectified[-1])}
    files.write_metrics("metrics/feature_space.json", metrics)


def animate_relu(params: Params, stored: dict, patterns, labels) -> None:
    """Show what relu's last hidden layer makes of the patterns while it trains."""
    history, threshold = trained_again(params, stored), params.evaluate.threshold
    epochs = shown_epochs(len(history) - 1)
    networks = [with_weights(history[epoch], ACTIVATIONS["relu"]) for epoch in epochs]
    layers = [representations(network, patterns) for network in networks]
    layer = list(layers[-1])[-2]  # what the output sees
    among = np.concatenate([each[layer] for each in layers])
    steps = []
    for epoch, network, each in zip(epochs, networks, layers, strict=True):
        shown = view(network, layer, each[layer], threshold, among)
        probability = np.round(activations.sigmoid(each["output"][:, 0])[0], DECIMALS)
        wrong = ((probability > threshold) != labels).sum()
        title = f"relu after epoch {epoch}: {wrong} of {len(labels)} patterns wrong"
        steps.append((shown, probability, title))
    journey = figures.Journey(titled(layer), shown, labels, threshold)
    frames = record(journey.figure, journey.show, steps)
    files.write_animation("plots/feature_space/relu.gif", frames, milliseconds=200, hold=3000)


def trained_again(params: Params, stored: dict) -> list[dict[str, torch.Tensor]]:
    """Train relu as its stage does: its weights before training and after each epoch.

    Raises:
        InputError: it does not end where the stored model does.
    """

    def build(n_pixels, dtype):
        return models.relu(n_pixels, settings.hidden, seed=settings.seed, dtype=dtype)

    def keep(*_) -> None:
        history.append(models.stored_weights(architecture.model))

    settings, history = params.train_relu, []
    architecture = prepared(build, settings=settings, params=params)
    keep()
    architecture.train(settings.n_epochs, params.train.seed, keep)
    if not all(torch.allclose(stored[key], history[-1][key], atol=1e-4) for key in stored):
        raise InputError(
            "models/relu.safetensors: expected the weights that params.yaml's train_relu leads to, "
            "found others"
        )
    return history


def draw_layers(name: str, model, patterns, labels, threshold: float) -> None:
    """Draw where the patterns lie before and after each layer of a model."""
    layers = {"flatten": patterns.reshape(len(patterns), -1)} | representations(model, patterns)
    views = {
        titled(layer): view(model, layer, points.astype(float), threshold)
        for layer, points in layers.items()
    }
    title = f"{name}: where {len(patterns)} patterns lie, and where it says diagonal"
    figure = figures.layer_views(views, labels, title)
    files.write_figure(f"plots/feature_space/{name}.png", figure)


def titled(layer: str) -> str:
    """Name a layer as a reader would: hidden0 is hidden 0, activation0 is after ReLU 0."""
    kind, place = layer.rstrip("0123456789"), layer.lstrip("abcdefghijklmnopqrstuvwxyz")
    names = {"flatten": "pixels", "activation": f"after ReLU {place}", "output": "output"}
    return names.get(kind, f"{kind} {place}")


def draw_activations(params: FeatureSpace) -> None:
    """Draw the five activation functions and their gradients."""
    z = np.linspace(-params.z_max, params.z_max, 401)
    leaky, start = params.leaky_slope, params.prelu_slope
    functions = {
        "sigmoid": activations.sigmoid(z),
        "tanh": activations.tanh(z),
        "ReLU": activations.relu(z),
        f"leaky ReLU, slope {leaky:g}": activations.leaky_relu(z, leaky),
        f"PReLU, slope {start:g} at the start": activations.prelu(z, start),
    }
    rounded = {title: np.round(curves, DECIMALS) for title, curves in functions.items()}
    figure = figures.activation_functions(z, rounded)
    files.write_figure("plots/feature_space/activations.png", figure)


DECIMALS = 6  # of what is drawn: exp and tanh differ in their last bits from CPU to CPU
SPLITS = ("train", "val")

if __name__ == "__main__":
    command.run(main)
