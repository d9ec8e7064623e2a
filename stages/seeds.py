"""Train the models with many seeds, to tell what is true of a model from what is luck."""

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from diagonal.evaluation import figures
from diagonal.evaluation.metrics import by_model
from diagonal.evaluation.seeds import SETS, outcomes, summary, win_rates
from diagonal.pipeline import command, data, files
from diagonal.pipeline.errors import located
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import load_params
from diagonal.pipeline.style import style
from diagonal.training.device import resolve
from diagonal.training.ensembles import Ensemble, draw_epochs, members_at_once, train
from diagonal.training.models import DECIMALS, network, views
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
    x = torch.from_numpy(patterns.x).double()

    seeds = np.arange(params.seeds.first, params.seeds.first + params.seeds.n)
    answers = {name: [] for name in MODELS}
    n_pixels = batches.images[0].numel()
    at_once = members_at_once(batches.n_drawn, n_pixels, batches.batch_size)
    for start in tqdm(range(0, len(seeds), at_once), desc="seeds", disable=None):
        part = seeds[start : start + at_once].tolist()
        ensembles = {
            name: ensemble(name, getattr(params, f"train_{name}"), part, n_pixels, dtype, device)
            for name in MODELS
        }
        samplers = [weighted_sampler(batches.sampler.weights) for _ in part]
        draws = draw_epochs(samplers, seeds=part, hflip=batches.hflip)
        train(list(ensembles.values()), batches, draws)
        for name, each in ensembles.items():
            said, dead_units = zip(*map(each.evaluate, views(x, params.evaluate.tta)), strict=True)
            answers[name].append((torch.stack(said).mean(dim=0), dead_units[0]))

    tables = {}
    for name, parts in answers.items():
        probability, dead_units = (torch.cat(each).numpy() for each in zip(*parts, strict=True))
        table = outcomes(probability.round(DECIMALS), patterns, params.evaluate.threshold)
        table.insert(0, "seed", seeds)
        table.insert(len(table.columns) - 1, "dead_units", dead_units)
        tables[name] = table
    write(tables)


def write(tables: dict[str, pd.DataFrame]) -> None:
    """Write the models' outcomes, and what they say together beside params.yaml's run."""
    files.write_table("plots/seeds/seeds.csv", by_model(tables))
    runs, summaries = {}, {}
    for name, table in tables.items():
        path = f"metrics/evaluate/population/{name}.json"
        runs[name] = files.read_metrics(path, "loss", "accuracy")
        summaries[name] = summary(table, runs[name]["loss"])
        for where in SETS:
            row = {key: each["median"] for key, each in summaries[name][where].items()}
            row["perfect"] = (table[f"{where}_accuracy"] == 1).mean()
            files.write_metrics(f"metrics/seeds/{where}/{name}.json", row)
        summaries[name]["win_rate"] = win_rates(tables, name)
    files.write_metrics("metrics/seeds/summary.json", summaries)
    with style():
        files.write_figure("plots/seeds/pictures/seeds.png", figures.distributions(tables, runs))


def ensemble(name: str, own, seeds: list[int], n_pixels: int, dtype, device) -> Ensemble:
    """Make a model's members, each with its own initial weights: own are its params."""
    sizes, activation = [n_pixels, *getattr(own, "hidden", ()), 1], MODELS[name].activation
    networks = [network(sizes, activation, seed=seed, dtype=dtype) for seed in seeds]
    return Ensemble(networks, lr=own.lr, n_epochs=own.n_epochs, device=device)


if __name__ == "__main__":
    command.run(main)
