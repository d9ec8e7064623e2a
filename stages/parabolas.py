"""Train small networks to tell two parabolas apart, and draw how each bends its feature space."""

from functools import partial

import torch

from diagonal.feature_space.animation import record
from diagonal.feature_space.parabola_figures import Scene
from diagonal.feature_space.parabolas import accuracy_and_loss, spaces, train
from diagonal.lines.parabolas import generate_dataset
from diagonal.pipeline import command, files
from diagonal.pipeline.params import ParabolaNetworks, Parabolas, load_params
from diagonal.pipeline.style import style
from diagonal.training import divergence
from diagonal.training.models import network, quantized_weights


def main() -> None:
    torch.set_num_threads(1)  # on matrices this small, threads would wait for each other
    params = load_params().parabolas
    x, y = generate_dataset(params.n_points, params.seed)
    metrics = {}
    for name in ParabolaNetworks.model_fields:
        settings = getattr(params.networks, name)
        sizes, options = [2, *settings.hidden, 1], {"bias": True, "dtype": torch.float64}
        model = network(sizes, settings.activation, seed=settings.seed, **options)
        settings = {key: getattr(params, key) for key in ("lr", "momentum", "n_epochs")}
        with divergence.finite(partial(quantized_weights, model), "parabolas.lr", params.lr):
            history = train(model, x, y, **settings)
        values = []
        for epoch, weights in history.items():
            model.load_state_dict(weights)
            values.append((epoch, *accuracy_and_loss(model, x, y)))
        metrics[name] = {"accuracy": values[-1][1], "loss": values[-1][2]}
        draw(name, model, history, values, params)
    files.write_metrics("metrics/parabolas.json", metrics)


def draw(name: str, model, history: list, values: list, params: Parabolas) -> None:
    """Draw a network's spaces at the end, and over the epochs (epoch, accuracy, loss)."""
    shown, boxes = spaces(model, [history[epoch] for epoch, *_ in values])
    settings = getattr(params.networks, name)
    units, activation = "-".join(map(str, settings.hidden)), settings.activation
    what = f"{name} ({units} units, {'no activation' if activation == 'none' else activation})"
    titles = [f"{what} after epoch {epoch}: {right:.1%} right" for epoch, right, _ in values]
    verdict = "separates" if values[-1][1] == 1 else "does not separate"
    if activation == "none":  # affine maps of affine maps decide along one straight line
        verdict = "cannot separate"
    with style():
        scene = Scene(boxes)
        scene.show(shown[-1], f"{what} {verdict} the parabolas: {values[-1][1]:.1%} right")
        files.write_figure(f"plots/parabolas/{name}.png", scene.figure)
        steps = zip(shown, titles, strict=True)
        frames = record(scene.figure, scene.show, steps)
    files.write_animation(f"plots/parabolas/{name}.gif", frames, milliseconds=200, hold=3000)


if __name__ == "__main__":
    command.run(main)
