"""Evaluate the models on validation and on all that can be drawn."""

import numpy as np
import pandas as pd
import torch

from diagonal import command
from diagonal.evaluation.metrics import binary_metrics, by_model, confusion_matrix, curves
from diagonal.figures import evaluation as figures
from diagonal.figures.style import style
from diagonal.pipeline import data, files
from diagonal.pipeline.data import Patterns
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import load_params
from diagonal.training.models import PROBABILITY_DECIMALS, collapsed, probabilities, read_model


def main() -> None:
    torch.set_num_threads(1)  # on matrices this small, threads would wait for each other
    params = load_params().evaluate
    patterns = data.read_patterns()
    x = torch.from_numpy(patterns.x)
    models = {name: read_model(name, x[0].numel()) for name in MODELS}
    exact = {name: probabilities(model, x, params.tta, 16) for name, model in models.items()}
    losses = {m: files.read_table(f"plots/losses/{m}.csv", "loss", "val_loss") for m in MODELS}
    with style():
        figure = figures.loss_comparison({name: losses[name] for name in ("logistic", "deepish")})
        files.write_figure(f"{PICTURES}/losses_of_two.png", figure)
        files.write_figure(f"{PICTURES}/losses_of_all.png", figures.loss_comparison(losses))
        evaluate_runs(exact, patterns, params.threshold, files.read_metrics(data.CLASSES))
        difference = draw_weights(models, patterns.images[0].shape)
    summary = {name: table.iloc[-1].to_dict() for name, table in losses.items()}
    for name, model in models.items():
        summary[name]["parameters"] = sum(weight.numel() for weight in model.parameters())
    summary["deepish"]["largest_difference_to_logistic"] = difference
    files.write_metrics("metrics/evaluate/models.json", summary)


def evaluate_runs(exact: dict[str, np.ndarray], patterns: Patterns, threshold, classes) -> None:
    """Score what each model says of each pattern, by classes of these names."""
    labels, eval_sets = patterns.labels, patterns.eval_sets()
    matrices, undecided, tables = {}, {}, {}
    probability = {name: p.round(PROBABILITY_DECIMALS) for name, p in exact.items()}
    for name, p in probability.items():
        found = {s: binary_metrics(labels, exact[name], threshold, n) for s, n in eval_sets.items()}
        for where in data.EVAL_SETS:  # all null if it is not known what can be drawn
            metrics = found.get(where, dict.fromkeys(found["validation"]))
            files.write_metrics(f"metrics/evaluate/{where}/{name}.json", metrics)
        undecided[name] = found["validation"]["undecided"]
        matrices[name] = confusion_matrix(labels, p > threshold, patterns.val)
        tables[name] = curves(labels, p, patterns.val)
    kinds = {kind: {name: tables[name][kind] for name in tables} for kind in tables["logistic"]}
    for kind, by_name in kinds.items():
        files.write_table(f"plots/evaluate/{kind}.csv", by_model(by_name))
    cells = {"actual": np.repeat(classes, 2), "predicted": np.tile(classes, 2)}
    counted = {name: pd.DataFrame({**cells, "images": m.ravel()}) for name, m in matrices.items()}
    files.write_table("plots/evaluate/confusion.csv", by_model(counted))
    files.write_figure(f"{PICTURES}/curves.png", figures.curves(**kinds, names=classes))
    figure = figures.confusion(matrices, undecided, threshold, classes)
    files.write_figure(f"{PICTURES}/confusion.png", figure)

    *_, counts = eval_sets.values()
    order = np.lexsort((patterns.place, labels))
    shown = order[counts[order] > 0]
    images, labels = data.pictures(patterns.images[shown]), labels[shown]
    probability = {name: p[shown] for name, p in probability.items()}
    files.write_table("plots/evaluate/patterns.csv", {"label": labels, **probability})
    figure = figures.predicted_patterns(images, labels, probability, threshold, classes)
    files.write_figure(f"{PICTURES}/patterns.png", figure)


def draw_weights(models: dict[str, torch.nn.Module], shape: tuple[int, int, int]) -> float:
    """Draw weights on images (C, S, S); return deepish's largest difference to logistic's."""
    logistic, deepish = (collapsed(models[name]) for name in ("logistic", "deepish"))
    columns = {"pixel": range(logistic.size), "logistic": logistic[0], "deepish": deepish[0]}
    files.write_table("plots/evaluate/weights.csv", columns)
    figure = figures.two_weightings(logistic[0], deepish[0])
    files.write_figure(f"{PICTURES}/deepish_vs_logistic.png", figure)
    first = {name: models[name].hidden0.weight.detach().numpy() for name in ("deepish", "relu")}
    layers = {
        "logistic\nits only layer": logistic,
        "deepish\nall layers as one": deepish,
        "deepish\nfirst hidden layer": first["deepish"],
        "relu\nfirst hidden layer": first["relu"],
    }
    figure = figures.weights_as_pixels(layers, shape)
    files.write_figure(f"{PICTURES}/weights.png", figure)
    return abs(logistic - deepish).max()


PICTURES = "plots/evaluate/pictures"

if __name__ == "__main__":
    command.run(main)
