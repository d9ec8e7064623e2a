"""Train the models with many seeds, to tell what is true of a model from what is luck."""

from contextlib import ExitStack

import numpy as np
import pandas as pd
import torch

from diagonal.evaluation import figures
from diagonal.evaluation.metrics import by_model
from diagonal.evaluation.seeds import comparisons, judged_on, outcomes, summary
from diagonal.pipeline import command, data, files
from diagonal.pipeline.errors import located
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Evaluate, load_params
from diagonal.pipeline.style import style
from diagonal.training import divergence
from diagonal.training.device import resolve
from diagonal.training.ensembles import Ensemble, draw_epochs, members_at_once, train
from diagonal.training.models import DECIMALS, network, views
from diagonal.training.progress import bar
from diagonal.training.sampling import weighted_sampler
from diagonal.training.stage import read_batches


def main() -> None:
    params = load_params()
    dtype = getattr(torch, params.train.precision)
    with located("params.yaml: device"):
        device = resolve(params.device, dtype)
    if device.type == "cpu":
        torch.set_num_threads(1)  # on matrices this small, threads would wait for each other
    batches, _ = read_batches(params, device, dtype)
    patterns = data.read_patterns()

    seeds = np.arange(params.seeds.first, params.seeds.first + params.seeds.n)
    parts = []
    n_pixels = batches.images[0].numel()
    at_once = members_at_once(batches.n_drawn, n_pixels, batches.batch_size)
    for start in bar(range(0, len(seeds), at_once), desc="seeds"):
        part = seeds[start : start + at_once].tolist()
        ensembles = {
            name: ensemble(name, getattr(params, f"train_{name}"), part, n_pixels, dtype, device)
            for name in MODELS
        }
        samplers = [weighted_sampler(batches.sampler.weights) for _ in part]
        draws = draw_epochs(samplers, seeds=part, hflip=batches.hflip)
        with ExitStack() as watched:
            for name, each in ensembles.items():
                key, lr = f"train_{name}.lr", getattr(params, f"train_{name}").lr
                watched.enter_context(divergence.finite(each.quantized_weights, key, lr))
            train(list(ensembles.values()), batches, draws)
        parts.append(evaluated(ensembles, part, patterns, params.evaluate))
    write({name: pd.concat([part[name] for part in parts], ignore_index=True) for name in MODELS})


def evaluated(
    ensembles: dict[str, Ensemble], seeds: list[int], patterns: data.Patterns, how: Evaluate
) -> dict[str, pd.DataFrame]:
    """Evaluate trained ensembles by name: for each a table of its members' seeds and outcomes."""
    x, tables = torch.from_numpy(patterns.x).double(), {}
    for name, each in ensembles.items():
        said, dead_units = zip(*map(each.evaluate, views(x, how.tta)), strict=True)
        probability = torch.stack(said).mean(dim=0).numpy().round(DECIMALS)
        table = outcomes(probability, patterns, how.threshold)
        table.insert(0, "seed", seeds)
        table.insert(table.columns.get_loc("died"), "dead_units", dead_units[0].numpy())
        tables[name] = table
    return tables


def write(tables: dict[str, pd.DataFrame]) -> None:
    """Write the models' outcomes, and what they say together beside params.yaml's run."""
    table = by_model(tables)
    missing = {column: [None] * len(table) for column in POPULATION if column not in table}
    files.write_table("plots/seeds/seeds.csv", {**table, **missing})
    runs, summaries = {}, {}
    for name, table in tables.items():
        path = f"metrics/evaluate/{judged_on(table)}/{name}.json"
        runs[name] = files.read_metrics(path, *KEYS)
        study = summaries[name] = summary(table, runs[name]["loss"])
        for where in data.SETS:
            known = where in study
            row = {k: study[where][k]["mean"]["value"] if known else None for k in KEYS}
            if where == "population":
                row["separates"] = study["separates"]["proportion"] if known else None
            files.write_metrics(f"metrics/seeds/{where}/{name}.json", row)
        study["against"] = comparisons(tables, name)
    files.write_metrics("metrics/seeds/summary.json", summaries)
    with style():
        figure = figures.distributions(tables, summaries, runs)
        files.write_figure("plots/seeds/pictures/seeds.png", figure)


def ensemble(name: str, own, seeds: list[int], n_pixels: int, dtype, device) -> Ensemble:
    """Make a model's members, each with its own initial weights: own are its params."""
    sizes, activation = [n_pixels, *getattr(own, "hidden", ()), 1], MODELS[name].activation
    networks = [network(sizes, activation, seed=seed, dtype=dtype) for seed in seeds]
    return Ensemble(networks, lr=own.lr, n_epochs=own.n_epochs, device=device)


KEYS = ("loss", "accuracy")
POPULATION = ("population_loss", "population_accuracy")  # empty where it is not known

if __name__ == "__main__":
    command.run(main)
