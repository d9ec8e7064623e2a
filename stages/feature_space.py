"""Draw the activation functions, and what each layer of each model makes of the images."""

import numpy as np

from diagonal import activations
from diagonal.feature_space import dead_units, representations, silent_share, view
from diagonal.figures import feature_space as figures
from diagonal.figures.animation import record
from diagonal.figures.style import style
from diagonal.images import distinct, first_places, patterns
from diagonal.inference import RECTIFIED, layers, probabilities
from diagonal.shell import command, files
from diagonal.shell.params import FeatureSpace, load_params


def main() -> None:
    params = load_params()
    threshold = params.evaluate.threshold
    splits = [read_patterns(name) for name in ("train", "val")]
    x, y, counts = (np.concatenate(arrays) for arrays in zip(*splits, strict=True))
    first, _ = distinct(x, y, counts)
    images, labels = x[first], y[first]

    metrics = {}
    with style():
        draw_activations(params.feature_space)
        for name, rectified in RECTIFIED.items():
            network = layers(files.read_tensors(f"models/{name}.safetensors"), rectified)
            draw_layers(name, network, images, labels, threshold)
            if rectified:
                val_x, _, val_counts = splits[-1]
                seen = representations(network, val_x)
                relus = [seen[key] for key in seen if key.startswith("activation")]
                dead = {f"hidden{k}": dead_units(values) for k, values in enumerate(relus)}
                metrics[name] = {"dead": dead, "silent": silent_share(relus[-1], val_counts)}
        animate_relu(images, labels, threshold)
    files.write_metrics("metrics/feature_space.json", metrics)


def read_patterns(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the distinct images (n, 1, S, S) of a split, their labels (n,) and counts (n,)."""
    x, y = files.read_split(f"data/split/{name}.safetensors", "x", "y")
    pattern = patterns(x)
    first = first_places(pattern)
    return x[first], y[first, 0].astype(np.int64), np.bincount(pattern)


def animate_relu(images, labels, threshold: float) -> None:
    """Show what relu's last hidden layer makes of the distinct images while it trains."""
    history = files.read_tensors("models/relu_history.safetensors")
    epochs = history.pop("epoch")
    networks = [
        layers({name: weights[place] for name, weights in history.items()}, RECTIFIED["relu"])
        for place in range(len(epochs))
    ]
    seen = [representations(network, images) for network in networks]
    layer = list(seen[-1])[-2]  # what the output sees
    among = np.concatenate([each[layer] for each in seen])
    steps = []
    for epoch, network, each in zip(epochs, networks, seen, strict=True):
        shown = view(network, layer, each[layer], threshold, among)
        probability = np.round(probabilities(network, images), DECIMALS)
        wrong = ((probability > threshold) != labels).sum()
        title = f"relu after epoch {epoch}: {wrong} of {len(labels)} patterns wrong"
        steps.append((shown, probability, title))
    journey = figures.Journey(titled(layer), shown, labels, threshold)
    frames = record(journey.figure, journey.show, steps)
    files.write_animation("plots/feature_space/relu.gif", frames, milliseconds=200, hold=3000)


def draw_layers(name: str, network, images, labels, threshold: float) -> None:
    """Draw where the distinct images lie before and after each layer of a network."""
    pixels = images.reshape(len(images), -1).astype(float)
    views = {
        titled(layer): view(network, layer, points, threshold)
        for layer, points in ({"flatten": pixels} | representations(network, images)).items()
    }
    title = f"{name}: where {len(images)} patterns lie, and where it says diagonal"
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

if __name__ == "__main__":
    command.run(main)
