"""Train the three models with many seeds, to tell what is true of a model from what is luck."""

import sys
from itertools import combinations

import numpy as np
import torch

from diagonal.device import resolve
from diagonal.ensembles import Ensemble, draw_epochs, members_at_once, train
from diagonal.evaluation import accuracy, cross_entropy
from diagonal.figures.seeds import distributions
from diagonal.figures.style import style
from diagonal.inference import DECIMALS
from diagonal.population import population
from diagonal.preparation import scaled_and_normalised
from diagonal.shell import command, files
from diagonal.shell.errors import located
from diagonal.shell.params import Params, load_params
from diagonal.spread import beats, share, spread
from diagonal.training.models import ACTIVATIONS, network
from stages.train import as_tensor, read_images, read_weights


def main() -> None:
    params = load_params()
    with located("params.yaml: device"):
        device = resolve(params.device, getattr(torch, params.train.precision))
    if device.type == "cpu":
        torch.set_num_threads(1)  # matrices this small: threads would wait more than they compute
    outcomes = {name: _concatenated(parts) for name, parts in _train(params, device).items()}

    members = {  # without the last one: the run of params.yaml
        name: {key: column[:-1] for key, column in columns.items()}
        for name, columns in outcomes.items()
    }
    metrics = {name: _summary(members[name], outcomes[name]) for name in members}
    for better, worse in combinations(reversed(members), 2):
        ours, theirs = members[better], members[worse]
        metrics[better].setdefault("beats", {})[worse] = {
            "loss": beats(ours["population_loss"], theirs["population_loss"]),
            "accuracy": beats(-ours["population_accuracy"], -theirs["population_accuracy"]),
        }
    files.write_metrics("metrics/seeds.json", {"n": params.seeds.n, **metrics})

    seeds = range(params.seeds.first, params.seeds.first + params.seeds.n)
    for name, columns in members.items():
        files.write_table(f"plots/seeds/{name}.csv", {"seed": seeds, **columns})
        for where in ("validation", "population"):
            row = {key: metrics[name][where][key]["median"] for key in ("accuracy", "loss")}
            row["perfect"] = (columns[f"{where}_accuracy"] == 1).mean()
            files.write_metrics(f"metrics/{name}/{where}_seeds.json", row)
    with style():
        picture = distributions(outcomes)
        files.write_figure("plots/seeds/distributions.png", picture)


def _train(params: Params, device: torch.device) -> dict[str, list[dict]]:
    """Train all members of all models; the last one is the run of params.yaml itself."""
    dtype = getattr(torch, params.train.precision)
    x, y = (each.to(dtype) for each in read_images("train", device))
    weights, sets = read_weights(len(x)), _evaluated_on(params)
    n_pixels, size = x[0].numel(), params.train.batch_size
    seeds = list(range(params.seeds.first, params.seeds.first + params.seeds.n))
    settings = {name: getattr(params, f"train_{name}") for name in ACTIVATIONS}

    outcomes: dict[str, list[dict]] = {name: [] for name in ACTIVATIONS}
    at_once = members_at_once(len(x), n_pixels, size)
    for start in range(0, len(seeds) + 1, at_once):
        part = slice(start, start + at_once)
        ensembles = {}
        for name, activation in ACTIVATIONS.items():
            own = settings[name]
            sizes = [n_pixels, *getattr(own, "hidden", ()), 1]
            networks = [
                network(sizes, activation, seed=seed, dtype=dtype)
                for seed in [*seeds, own.seed][part]
            ]
            ensembles[name] = Ensemble(networks, lr=own.lr, n_epochs=own.n_epochs, device=device)
        sampling = [*seeds, params.train.seed][part]
        draws = draw_epochs(weights, seeds=sampling, hflip=params.transforms.hflip)
        train(list(ensembles.values()), x, y, draws=draws, batch_size=size)
        for name, ensemble in ensembles.items():
            outcomes[name].append(_outcome(ensemble, sets, params.evaluate.threshold))
        print(f"seeds: {min(part.stop, len(seeds))} of {len(seeds)}", file=sys.stderr)
    return outcomes


def _evaluated_on(params: Params) -> dict[str, tuple]:
    """Name the sets of images that members are evaluated on: (x, labels, counts) each."""
    x, y = files.read_split("data/split/val.safetensors", "x", "y")
    images, labels, counts = population(img_size=x.shape[-1])
    every_x = scaled_and_normalised(images, params.transforms.mean, params.transforms.std)
    return {"validation": (x, y[:, 0], None), "population": (every_x, labels, counts)}


def _outcome(ensemble: Ensemble, sets: dict[str, tuple], threshold: float) -> dict:
    """Evaluate each member: columns of (members,), rounded as they are stored."""
    columns = {}
    for where, (x, labels, counts) in sets.items():
        probability, dead = ensemble.evaluate(as_tensor(x).double().flatten(1))
        probability = np.round(probability.numpy(), DECIMALS)
        loss = cross_entropy(labels, probability, counts)
        columns[f"{where}_loss"] = np.round(loss, 6)
        columns[f"{where}_accuracy"] = np.round(accuracy(labels, probability, threshold, counts), 6)
    # The last set is the population: all that there is.
    highest_straight = probability[:, labels == 0].max(axis=1)
    separates = highest_straight < probability[:, labels == 1].min(axis=1)
    columns["separates"] = separates.astype(np.int64)
    columns["dead_units"] = dead.numpy()
    columns["died"] = (np.ptp(probability, axis=1) == 0).astype(np.int64)  # one answer to all
    return columns


def _concatenated(parts: list[dict]) -> dict[str, np.ndarray]:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _summary(members: dict[str, np.ndarray], outcomes: dict[str, np.ndarray]) -> dict:
    """Sum up the members of one model; `this_run` is that of params.yaml beside them."""
    result: dict = {
        where: {key: spread(members[f"{where}_{key}"]) for key in ("accuracy", "loss")}
        for where in ("validation", "population")
    }
    result["perfect"] = share(members["population_accuracy"] == 1)
    result["separates"] = share(members["separates"] == 1)
    result["died"] = share(members["died"] == 1)
    result["dead_units"] = {**spread(members["dead_units"]), "mean": members["dead_units"].mean()}
    loss = outcomes["population_loss"][-1]
    result["this_run"] = {"loss": loss, "lower_loss": (members["population_loss"] < loss).mean()}
    return result


if __name__ == "__main__":
    command.run(main)
