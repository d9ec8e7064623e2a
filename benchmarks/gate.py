"""How sharp the gate is: `python -m benchmarks.gate`, a quarter of an hour on one core.

Trains the models with many seeds over and over, as the stage `seeds` does, after `dvc repro -P`:

- with planted changes, on the committed seeds against the committed study: all must be seen;
- with changes too small for 256 seeds, to show where its sight ends;
- with harmless changes, on fresh blocks of seeds: of 100 comparisons one may raise an alarm.

Prints a table of each. The exit status is 1 if a target is missed.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from tabulate import tabulate
from tqdm import tqdm

from checks import gate
from diagonal import command
from diagonal.errors import InputError
from diagonal.evaluation.metrics import by_model
from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.params import Params, load_params
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.batches import Batches
from diagonal.training.models import network
from diagonal.training.sampling import weighted_sampler
from diagonal.training.stage import read_batches
from study import seeds as stage
from study.params import load_study_params
from study.trainings.draws import draw_epochs
from study.trainings.ensembles import Ensemble
from study.trainings.own_batches import train_epoch

N_BLOCKS, MOST_ALARMS = 25, 1
CPU = torch.device("cpu")


class Setting(NamedTuple):
    """What the models are trained and evaluated with; scale multiplies their initial weights."""

    params: Params
    batches: Batches
    patterns: data.Patterns
    scale: float = 1.0


def setting(changes: dict[str, dict] | None = None) -> Setting:
    """Read the pipeline's data and params.yaml, with other values of some of its keys.

    Changes, section -> key -> value, take effect where they concern transforms or training.
    """
    document = load_params().model_dump()
    for section, values in (changes or {}).items():
        document[section] |= values
    params, patterns = Params.model_validate(document), data.read_patterns()
    transform = scale_and_normalize(params.transforms.mean, params.transforms.std)
    x = transform(torch.from_numpy(patterns.images)).numpy()
    batches, _ = read_batches(params, CPU, getattr(torch, params.train.precision))
    return Setting(params, batches, patterns._replace(x=x))


def with_batches(**attributes) -> Setting:
    """Change what the batches are made of."""
    usual = setting()
    for name, value in attributes.items():
        setattr(usual.batches, name, value)
    return usual


def hidden(*sizes: int) -> Setting:
    """Build the deep networks with other hidden layers."""
    return setting({f"train_{name}": {"hidden": sizes} for name in ("deepish", "relu")})


def wrong_labels(share: float = 0.02) -> Setting:
    """Turn the labels of some training images around."""
    batches = setting().batches
    order = torch.randperm(len(batches.index), generator=torch.Generator().manual_seed(0))
    rows, labels = batches.index[order[: round(share * len(order))]], batches.labels.clone()
    labels[rows] = 1 - labels[rows]
    return with_batches(labels=labels)


def unbalanced() -> Setting:
    """Let every training image weigh the same."""
    return with_batches(sampler=weighted_sampler(torch.ones(len(setting().batches.index)).double()))


def listed_otherwise(seed: int) -> Setting:
    """List the training images, with their weights in the draw, in another order."""
    batches = setting().batches
    order = torch.randperm(len(batches.index), generator=torch.Generator().manual_seed(seed))
    sampler = weighted_sampler(batches.sampler.weights[order])
    return with_batches(index=batches.index[order], sampler=sampler)


PLANTED: dict[str, Callable[[], Setting]] = {
    "normalisation left out": lambda: setting({"transforms": {"mean": 0.0, "std": 1.0}}),
    "2 % of the training labels wrong": wrong_labels,
    "flips dropped": lambda: setting({"transforms": {"hflip": 0.0}}),
    "one epoch less for relu": lambda: setting({"train_relu": {"n_epochs": 49}}),
    "no balancing": unbalanced,
    "learning rates of 0.08 instead of 0.1": lambda: setting(
        {f"train_{name}": {"lr": 0.08} for name in MODELS}
    ),
    "initial weights half as large": lambda: setting()._replace(scale=0.5),
    "2 hidden units last instead of 3": lambda: hidden(5, 2),
    "batches of 32 instead of 16": lambda: setting({"train": {"batch_size": 32}}),
    "std of 0.6 instead of 0.5": lambda: setting({"transforms": {"std": 0.6}}),
}
TOO_SMALL: dict[str, Callable[[], Setting]] = {
    "initial weights 1.25 times as large": lambda: setting()._replace(scale=1.25),
    "initial weights by He's rule, 2.45 times as large": lambda: setting()._replace(scale=6**0.5),
    "4 hidden units first instead of 5": lambda: hidden(4, 3),
}


def study(how: Setting, seeds: Sequence[int], draws: Iterator | None = None) -> pd.DataFrame:
    """Train and evaluate the models with these seeds; return what the gate reads of it.

    Draws are those of `draw_epochs`, by default with the same seeds.
    """
    params, batches, patterns, scale = how
    settings, ensembles = {name: getattr(params, f"train_{name}") for name in MODELS}, {}
    for name, own in settings.items():
        sizes = [batches.images[0].numel(), *getattr(own, "hidden", ()), 1]
        options = {"activation": MODELS[name].activation, "dtype": batches.dtype}
        members = [network(sizes, seed=seed, **options) for seed in seeds]
        ensembles[name] = Ensemble(members, rounded=False)
        for weight in ensembles[name].weights.values():
            weight.mul_(scale)
    draws, last = draws or drawn(how, seeds), max(own.n_epochs for own in settings.values())
    for epoch, drawn_images in enumerate(islice(draws, last)):
        lrs = {ensembles[name]: own.lr for name, own in settings.items() if epoch < own.n_epochs}
        train_epoch(lrs, batches, *drawn_images)
    tables = {
        name: stage.evaluated(ensemble, seeds, patterns, params.evaluate)
        for name, ensemble in ensembles.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "seeds.csv")
        files.write_table(path, by_model(tables))
        return gate.read_study(path.read_bytes())


def drawn(how: Setting, seeds: Sequence[int], flips: Sequence[int] | None = None) -> Iterator:
    """Draw epochs as `draw_epochs` does, flips with seeds of their own where some are given."""
    weights, hflip = how.batches.sampler.weights, how.batches.hflip
    draws, others = (
        draw_epochs([weighted_sampler(weights) for _ in each], seeds=each, hflip=hflip)
        for each in (seeds, flips or seeds)
    )
    if flips is None:
        return draws
    return ((own, mirrored) for (own, _), (_, mirrored) in zip(draws, others, strict=True))


def judged(now: pd.DataFrame, base: pd.DataFrame) -> tuple[bool, float]:
    """Tell whether the gate would raise an alarm, and the smallest p among its tests."""
    rows = gate.compare(now, base)
    return gate.exit_status(gate.verdicts(rows).values()) > 0, min(row.p for row in rows)


def harmless(n_seeds: int) -> Iterator[tuple[str, bool, float]]:
    """Yield 100 times the name of a harmless change, and how it is judged.

    Blocks of seeds stand in a ring, each compared with the next. A study with the initial weights
    of a block and the batches of the next serves twice, paired with either.
    """
    usual, single = setting(), setting({"train": {"precision": "float32"}})
    blocks = [range(n_seeds * k, n_seeds * (k + 1)) for k in range(1, N_BLOCKS + 1)]
    bases = [study(usual, block) for block in tqdm(blocks, desc="blocks", disable=None)]
    for k in tqdm(range(N_BLOCKS), desc="harmless", disable=None):
        block, other = blocks[k], blocks[(k + 1) % N_BLOCKS]
        base, next_base = bases[k], bases[(k + 1) % N_BLOCKS]
        yield "other seeds, not paired", *judged(next_base, base)
        crossed = study(usual, block, drawn(usual, other))
        yield "other batches, same initial weights", *judged(crossed, base)
        same_batches = crossed.assign(seed=next_base["seed"])
        yield "other initial weights, same batches", *judged(same_batches, next_base)
        if k < 10:
            yield "float32 instead of float64", *judged(study(single, block), base)
        elif k < 20:
            flipped = study(usual, block, drawn(usual, block, flips=other))
            yield "other flips, all else the same", *judged(flipped, base)
        else:
            listed = study(listed_otherwise(seed=k), block)
            yield "images listed in another order", *judged(listed, base)


def seen(changes: dict[str, Callable], seeds: range, committed, fresh) -> pd.DataFrame:
    """Plant changes, one at a time, and tell whether the gate sees them.

    Each is held against the committed study, of the same seeds, and against one of other seeds.
    """
    found = []
    for name, change in tqdm(changes.items(), desc="planted", disable=None):
        table = study(change(), seeds)
        (alarm, p), (_, unpaired) = judged(table, committed), judged(table, fresh)
        said = gate.verdicts(gate.compare(table, committed))
        found.append({"change": name, **said, "p": p, "p, other seeds": unpaired, "seen": alarm})
    return pd.DataFrame(found)


def main() -> None:
    torch.set_num_threads(1)
    own, committed = load_study_params().seeds, gate.read_study(gate.current())
    seeds = range(own.first, own.first + own.n)
    if not study(setting(), seeds).equals(committed):
        raise InputError(f"{gate.STUDY}: expected what params.yaml gives, found another study")
    fresh = study(setting(), range(seeds.stop, seeds.stop + len(seeds)))

    planted = seen(PLANTED, seeds, committed, fresh)
    print(f"{planted['seen'].sum()} of {len(planted)} planted changes are seen:\n")
    show(planted)
    small = seen(TOO_SMALL, seeds, committed, fresh)
    print(f"\n{small['seen'].sum()} of {len(small)} that are too small:\n")
    show(small)
    results = pd.DataFrame(harmless(len(seeds)), columns=["harmless change", "alarm", "p"])
    print(f"\n{results['alarm'].sum()} of {len(results)} harmless changes raise an alarm:\n")
    by_kind = results.groupby("harmless change", sort=False)
    columns = {"comparisons": ("p", "size"), "alarms": ("alarm", "sum"), "p": ("p", "min")}
    show(by_kind.agg(**columns).reset_index())
    sys.exit(int(not planted["seen"].all() or results["alarm"].sum() > MOST_ALARMS))


def show(table: pd.DataFrame) -> None:
    """Print a table as Markdown; p is the smallest among a comparison's tests."""
    formats = [".0e" if name.startswith("p") else "g" for name in table]
    words = table.replace({"seen": {True: "yes", False: "no"}})
    print(tabulate(words, "keys", tablefmt="github", floatfmt=formats, showindex=False), flush=True)


if __name__ == "__main__":
    command.run(main)
