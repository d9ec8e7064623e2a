"""Train the models with many seeds, to tell what is true of a model from what is luck."""

from itertools import islice

import numpy as np
import pandas as pd
import torch

from diagonal import command
from diagonal.errors import prefixed
from diagonal.evaluation.metrics import by_model
from diagonal.figures.style import style
from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Evaluate, load_params
from diagonal.training import divergence
from diagonal.training.device import resolve
from diagonal.training.models import dead_units, network, views
from diagonal.training.progress import bar
from diagonal.training.sampling import weighted_sampler
from diagonal.training.stage import read_batches
from study.figures.seeds import distributions
from study.params import load_study_params
from study.trainings.draws import draw_epochs
from study.trainings.ensembles import Ensemble
from study.trainings.outcomes import averaged, comparisons, eval_set, outcomes_by_set, summary
from study.trainings.own_batches import members_at_once, train_epoch

KEYS = ("loss", "accuracy")
POPULATION = ("population_loss", "population_accuracy")  # empty where it is not known


def main() -> None:
    params, settings = load_params(), load_study_params().seeds
    dtype = getattr(torch, params.train.precision)
    with prefixed("params.yaml: device"):
        device = resolve(params.device, dtype)
    if device.type == "cpu":
        torch.set_num_threads(1)  # on matrices this small, threads would wait for each other
    batches, _ = read_batches(params, device, dtype)
    patterns = data.read_patterns()

    seeds = range(settings.first, settings.first + settings.n)
    tables: dict[str, list] = {name: [] for name in MODELS}
    n_pixels = batches.images[0].numel()
    at_once = members_at_once(batches.n_drawn, n_pixels, batches.batch_size)
    for start in range(0, len(seeds), at_once):
        part = seeds[start : start + at_once]
        for name, ensemble in trained(params, part, batches, dtype, device).items():
            tables[name].append(evaluated(ensemble, part, patterns, params.evaluate))
    write({name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()})


def trained(params, seeds: range, batches, dtype, device) -> dict[str, Ensemble]:
    """Train each model with these seeds, of initial weights and of sampling, on the same draws.

    Raises:
        InputError: weights do not stay finite.
    """
    ensembles, settings = {}, {name: getattr(params, f"train_{name}") for name in MODELS}
    for name, section in settings.items():
        sizes = [batches.images[0].numel(), *getattr(section, "hidden", ()), 1]
        activation = MODELS[name].activation
        members = [network(sizes, activation, seed=seed, dtype=dtype) for seed in seeds]
        ensembles[name] = Ensemble(members, device, rounded=False)  # as the lecture trains
    samplers = [weighted_sampler(batches.sampler.weights) for _ in seeds]
    draws = draw_epochs(samplers, seeds=seeds, hflip=batches.hflip)
    last = max(section.n_epochs for section in settings.values())
    what = f"seeds {seeds[0]} to {seeds[-1]}"
    for epoch, drawn in enumerate(bar(islice(draws, last), desc=what, total=last, unit="epoch")):
        lrs = {ensembles[name]: s.lr for name, s in settings.items() if epoch < s.n_epochs}
        train_epoch(lrs, batches, *drawn)
    for name, section in settings.items():
        key = f"params.yaml: train_{name}.lr"
        divergence.require_finite(ensembles[name].weights, key, section.lr)
    return ensembles


def evaluated(
    ensemble: Ensemble, seeds: range, patterns: data.Patterns, settings: Evaluate
) -> pd.DataFrame:
    """Evaluate the members of a trained ensemble: a row for each."""
    x = torch.from_numpy(patterns.x).double()
    images, weights = views(x, settings.tta), ensemble.stored()
    values = [ensemble.values(view.flatten(1), weights) for view in images]
    logits = np.stack([v["output"][:, 0].numpy() for v in values])
    z = averaged(logits) if len(logits) > 1 else logits[0]
    relus = [name for name, layer in ensemble.layers if isinstance(layer, torch.nn.ReLU)]
    dead = [dead_units(values[0][name].numpy(), axis=2).sum(axis=1) for name in relus]
    table = outcomes_by_set(z, patterns, settings.threshold)
    return table.assign(seed=seeds, dead_units=sum(dead))[["seed", *table.columns, "dead_units"]]


def write(tables: dict[str, pd.DataFrame]) -> None:
    """Write the models' outcomes, and their summaries beside params.yaml's run."""
    table = by_model(tables)
    missing = {column: [None] * len(table) for column in POPULATION if column not in table}
    files.write_table("study/plots/seeds/seeds.csv", {**table, **missing})
    runs, summaries, judged = {}, {}, eval_set(table)
    for name, table in tables.items():
        runs[name] = files.read_metrics(f"metrics/evaluate/{judged}/{name}.json")
        summaries[name] = summary(table, runs[name]["loss"])
        for where in data.EVAL_SETS:
            keys = (*KEYS, "roc_auc_is_1") if where == "population" else KEYS
            row = dict.fromkeys(keys)
            if where in summaries[name]:
                row |= {key: summaries[name][where][key]["mean"]["mean"] for key in KEYS}
                row |= {key: summaries[name][key]["proportion"] for key in keys[len(KEYS) :]}
            files.write_metrics(f"study/metrics/seeds/{where}/{name}.json", row)
        summaries[name]["against"] = comparisons(tables, name)
    files.write_metrics("study/metrics/seeds/summary.json", summaries)
    with style():
        figure = distributions(tables, summaries, runs, judged)
        files.write_figure("study/plots/seeds/pictures/seeds.png", figure)


if __name__ == "__main__":
    command.run(main)
