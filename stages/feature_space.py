"""Draw the activation functions, and what each layer of each model makes of the images."""

import numpy as np
import torch

from diagonal import activations, command, files
from diagonal.feature_space import dead_units, on_a_plane, representations, silent_share
from diagonal.figures import feature_space as figures
from diagonal.figures.style import style
from diagonal.images import patterns
from diagonal.models import ACTIVATIONS, with_weights
from diagonal.params import load_params


def main() -> None:
    params = load_params().feature_space
    x, y = files.read_split("data/split/val.safetensors", "x", "y")
    first = np.unique(patterns(x), return_index=True)[1]  # one image of each pattern
    labels = y[first, 0].astype(np.int64)

    metrics = {}
    with style():
        for name, activation in ACTIVATIONS.items():
            arrays = files.read_tensors(f"models/{name}.safetensors")
            weights = {key: torch.from_numpy(array) for key, array in arrays.items()}
            layers = representations(with_weights(weights, activation), x)
            shown = {}
            for layer, points in layers.items():
                plane, share = on_a_plane(points[first])
                units = points.shape[1]
                note = f"\nplane with {share:.0%} of variance" if units > 2 else "\n"
                shown[f"{layer}: {units} unit{'s' * (units > 1)}{note}"] = plane
            title = f"{name}: the validation set's {len(first)} patterns, layer by layer"
            picture = figures.layer_spaces(shown, labels, title)
            files.write_figure(f"plots/feature_space/{name}.png", picture)

            rectified = [layers[layer] for layer in layers if layer.startswith("activation")]
            if rectified:
                metrics[name] = {"dead": {}, "silent": silent_share(rectified[-1])}
                for place, values in enumerate(rectified):
                    metrics[name]["dead"][f"hidden{place}"] = dead_units(values)

        z = np.linspace(-params.z_max, params.z_max, 401)
        functions = {
            "sigmoid": activations.sigmoid(z),
            "tanh": activations.tanh(z),
            "ReLU": activations.relu(z),
            f"leaky ReLU, slope {params.leaky_slope:g}": activations.leaky_relu(
                z, params.leaky_slope
            ),
            f"PReLU, slope {params.prelu_slope:g} at the start": activations.prelu(
                z, params.prelu_slope
            ),
        }
        rounded = {title: np.round(curves, DECIMALS) for title, curves in functions.items()}
        picture = figures.activation_functions(z, rounded)
        files.write_figure("plots/activations.png", picture)
    files.write_metrics("metrics/feature_space.json", metrics)


DECIMALS = 6  # of what is drawn: exp and tanh differ in their last bits from CPU to CPU

if __name__ == "__main__":
    command.run(main)
