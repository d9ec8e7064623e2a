"""Mirrored training images, and mirrored images when a model is asked: what each is worth."""

from dataclasses import replace

import numpy as np
import pandas as pd

from diagonal.claims.arms import batches, data_set, side_by_side
from diagonal.claims.batches import DataSet, Inputs, joined
from diagonal.claims.stacks import Stack
from diagonal.claims.statistics import difference, mean, outcomes
from diagonal.claims.trainings import Arm, answers, inputs_and_data, run, said, summary, untrained
from diagonal.pipeline.params import ClaimsAugmentation, ClaimsBaseline

MODELS = ("logistic", "deepish", "relu")
UNITS = ("image", "pattern", "orbit")
MEASURES = ("loss", "accuracy")
FLIPS = {"off": 0.0, "on": None}  # None is the baseline's probability


def augmentation(
    base: ClaimsBaseline, n: int, own: ClaimsAugmentation
) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    """Train with and without flips for each unit of the split, and ask about the validation images.

    Returns:
        held_back: unit -> numbers of the baseline's split; means: model -> arm -> measure; flips
        on less off; splits: arm -> what the means of split seeds say. Then a row per training and
        a row per split seed.
    """
    arms = {(unit, flips): Arm(unit, hflip=FLIPS[flips]) for unit in UNITS for flips in FLIPS}

    def train(arm: Arm) -> dict[str, pd.DataFrame]:
        inputs, data = inputs_and_data(base, arm.unit)
        asked = replace(inputs, population=data.val)
        return {model: outcomes(answers(base, n, model, arm), asked) for model in MODELS}

    found = side_by_side({key: lambda arm=arm: train(arm) for key, arm in arms.items()})
    tables = {
        model: {f"{unit}, flips {flips}": found[unit, flips][model] for unit, flips in arms}
        for model in MODELS
    }
    splits = over_splits(base, own)
    means, table = summary(tables, "arm", MEASURES)
    result = {
        "held_back": {unit: held_back(*inputs_and_data(base, unit)) for unit in UNITS},
        "means": means,
        "flips_on_less_off": {
            model: {
                unit: difference(
                    *(found[unit, flips][model]["accuracy"] for flips in ("on", "off")), True
                )
                for unit in (UNITS if model == "relu" else UNITS[1:])
            }
            for model in MODELS
        },
        "splits": {
            arm: {**mean(each), "smallest": each.min(), "largest": each.max()}
            for arm, each in splits.items()
        },
        "splits_flips_on_less_off": {
            unit: difference(*(splits[f"{unit}, flips {flips}"] for flips in ("on", "off")), True)
            for unit in UNITS[1:]
        },
    }
    return result, table, splits.rename_axis("split_seed").reset_index()


def held_back(inputs: Inputs, data: DataSet) -> dict:
    """Count the distinct lines of validation, and which share of its images training shows.

    Returns:
        lines; shares of images: diagonals; seen, whose line is drawn in training; seen_mirrored,
        whose line or its mirror image is.
    """
    in_train = np.bincount(data.train, minlength=len(data.val)) > 0
    return {
        "lines": int((data.val > 0).sum()),
        "diagonals": np.average(inputs.labels, weights=data.val),
        "seen": np.average(in_train, weights=data.val),
        "seen_mirrored": np.average(in_train | in_train[inputs.mirror], weights=data.val),
    }


def over_splits(base: ClaimsBaseline, own: ClaimsAugmentation) -> pd.DataFrame:
    """Train relu with other seeds of the split, and with lines or orbits held back.

    Returns:
        A row for each split seed: for each arm the accuracy on its validation images, the mean
        over the training seeds.
    """
    inputs, _ = inputs_and_data(base)
    seeds, members = range(own.split_seeds), range(own.seeds_per_split)
    models = untrained(base, own.seeds_per_split, "relu") * len(seeds)
    arms = [(unit, flips) for unit in UNITS[1:] for flips in FLIPS]

    def train(unit: str, flips: str) -> list[float]:
        sets = [data_set(inputs, base, split_seed=seed, unit=unit) for seed in seeds]
        stack = Stack(models)
        shown = joined([batches(inputs, each, base, members, hflip=FLIPS[flips]) for each in sets])
        run(stack, shown, base)
        parts = np.split(said(stack, inputs.x()), len(seeds))
        asked = [replace(inputs, population=each.val) for each in sets]
        each = zip(parts, asked, strict=True)
        return [outcomes(*part)["accuracy"].mean().round(6) for part in each]

    runs = {f"{unit}, flips {flips}": (unit, flips) for unit, flips in arms}
    return pd.DataFrame(
        side_by_side({name: lambda arm=arm: train(*arm) for name, arm in runs.items()})
    )


def test_time_augmentation(base: ClaimsBaseline, n: int) -> tuple[dict, pd.DataFrame]:
    """Ask about a line alone, and about it and its mirror image, on the population.

    Returns:
        means: model -> arm -> measure; mirrored less alone: model -> flips in training -> measure;
        a row per training.
    """
    inputs, _ = inputs_and_data(base)
    tables, compared = {}, {}
    for model in MODELS:
        tables[model], compared[model] = {}, {}
        for flips, hflip in FLIPS.items():
            alone = answers(base, n, model, Arm(hflip=hflip))
            mirrored = (alone + alone[:, inputs.mirror]) / 2
            pair = [outcomes(each, inputs) for each in (mirrored, alone)]
            for name, each in zip(("mirrored", "alone"), pair, strict=True):
                tables[model][f"flips {flips}, {name}"] = each
            compared[model][flips] = {
                key: difference(*(each[key] for each in pair), key == "accuracy")
                for key in MEASURES
            }
    means, table = summary(tables, "arm", MEASURES)
    return {"means": means, "mirrored_less_alone": compared}, table
