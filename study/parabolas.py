"""Train small networks to tell two parabolas apart, and draw how each bends its feature space."""

import torch

from diagonal import command
from diagonal.figures.animation import record
from diagonal.figures.style import style
from diagonal.pipeline import files
from diagonal.training import divergence
from diagonal.training.models import network
from diagonal.training.progress import bar
from study.bonus.points import generate_dataset
from study.bonus.spaces import accuracy_and_loss, spaces, train
from study.figures.bonus import Scene
from study.params import ParabolaNetwork, load_study_params


def main() -> None:
    torch.set_num_threads(1)  # on matrices this small, threads would wait for each other
    params = load_study_params().parabolas
    x, y = generate_dataset(params.n_points, params.seed)
    metrics = {}
    for name, chosen in bar(list(params.networks), desc="parabolas", unit="network"):
        sizes, options = [2, *chosen.hidden, 1], {"bias": True, "dtype": torch.float64}
        model = network(sizes, chosen.activation, seed=chosen.seed, **options)
        settings = {"lr": params.lr, "momentum": params.momentum, "n_epochs": params.n_epochs}
        with divergence.finite(model, "study/params.yaml: parabolas.lr", params.lr):
            history = train(model, x, y, **settings)
        accuracies = []
        for weights in history.values():
            model.load_state_dict(weights)
            accuracy, loss = accuracy_and_loss(model, x, y)
            accuracies.append(accuracy)
        metrics[name] = {"accuracy": accuracy, "loss": loss}
        draw(name, chosen, model, history, accuracies)
    files.write_metrics("study/metrics/parabolas.json", metrics)


def draw(name: str, settings: ParabolaNetwork, model, history: dict, accuracies: list) -> None:
    """Draw a network's spaces at the end, and over the epochs of its history."""
    shown, boxes = spaces(model, list(history.values()))
    units, activation = "-".join(map(str, settings.hidden)), settings.activation
    what = f"{name} ({units} units, {'no activation' if activation == 'none' else activation})"
    pairs = zip(history, accuracies, strict=True)
    titles = [f"{what} after epoch {epoch}: {right:.1%} right" for epoch, right in pairs]
    verdict = "separates" if accuracies[-1] == 1 else "does not separate"
    if activation == "none":  # affine maps of affine maps decide along one straight line
        verdict = "cannot separate"
    with style():
        scene = Scene(boxes)
        scene.show(shown[-1], f"{what} {verdict} the parabolas: {accuracies[-1]:.1%} right")
        files.write_figure(f"study/plots/parabolas/{name}.png", scene.figure)
        frames = record(scene.figure, scene.show, zip(shown, titles, strict=True))
    files.write_animation(f"study/plots/parabolas/{name}.gif", frames, milliseconds=200, hold=3000)


if __name__ == "__main__":
    command.run(main)
