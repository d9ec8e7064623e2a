"""Mirrored training images, and mirrored images when a model is asked: what each is worth."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from study.experiments.results import higher, lower_loss, number, summary
from study.params import ClaimsBaseline
from study.trainings.inputs import every_input
from study.trainings.lines import MODELS, Members, data_sets, final_logits
from study.trainings.outcomes import averaged, outcomes
from study.trainings.parallel import in_parallel

TRAINED = ("logistic", "deepish", "relu")
GROUPS = ("image", "pattern", "mirror_group")
FLIPS = {"off": 0.0, "on": None}  # None is the baseline's probability


def augmentation(base: ClaimsBaseline, members: Members) -> tuple[dict, pd.DataFrame]:
    """Train with and without flips for each grouping of the split; evaluate on validation.

    Returns:
        by grouping: held_back, what validation holds; models: model -> flips -> loss and accuracy;
        statements by model, that flips raise the accuracy, and that it is then higher than that of
        calling all lines diagonal; then a row per training.
    """
    keys = [(group, model, flips) for group in GROUPS for model in TRAINED for flips in FLIPS]
    found = in_parallel(
        {key: partial(_on_validation, base, members, *key) for key in keys}, "augmentation"
    )
    result: dict = {}
    for group in GROUPS:
        held_back = pd.DataFrame(_held_back(base, members, group))
        result[group] = {
            "held_back": {name: number(column.to_numpy()) for name, column in held_back.items()},
            "models": {},
            "flips_raise_accuracy": {},
            "better_than_always_diagonal": {},
        }
        for model in TRAINED:
            tables = {flips: found[group, model, flips] for flips in FLIPS}
            accuracy = {flips: table["accuracy"] for flips, table in tables.items()}
            constant = held_back["diagonals"].round(6)
            result[group]["models"][model] = {name: summary(t) for name, t in tables.items()}
            raised = higher(accuracy["on"], accuracy["off"])
            result[group]["flips_raise_accuracy"][model] = raised
            better = higher(accuracy["on"], constant)
            result[group]["better_than_always_diagonal"][model] = better
    return result, pd.concat(found, names=["group_by", "model", "flips", "member"]).reset_index()


def _on_validation(
    base: ClaimsBaseline, members: Members, group: str, model: str, flips: str
) -> pd.DataFrame:
    settings = replace(MODELS[model], group_by=group, hflip=FLIPS[flips])
    held_back = np.stack([data.val for data in data_sets(base, members, group)])
    z = final_logits(base, members, settings)
    return outcomes(z, every_input(base.img_size).labels, held_back)[["loss", "accuracy"]]


def _held_back(base: ClaimsBaseline, members: Members, group: str) -> list[dict]:
    """Describe each member's validation images.

    Returns:
        lines, the number of distinct ones; shares of images: diagonals; seen, whose line is drawn
        in training; seen_mirrored, whose line or its mirror image is.
    """
    inputs, rows = every_input(base.img_size), []
    for data in data_sets(base, members, group):
        in_train = np.bincount(data.train, minlength=len(data.val)) > 0
        shares = {
            "diagonals": inputs.labels,
            "seen": in_train,
            "seen_mirrored": in_train | in_train[inputs.mirror],
        }
        rows.append(
            {"lines": float((data.val > 0).sum())}
            | {name: np.average(holds, weights=data.val) for name, holds in shares.items()}
        )
    return rows


def test_time_augmentation(base: ClaimsBaseline, members: Members) -> tuple[dict, pd.DataFrame]:
    """Ask about a line alone, and average the probabilities of it and its mirror image.

    Returns:
        model -> flips in training -> `summary` alone and mirrored, and statements that averaging
        lowers the loss and raises the accuracy on the population; then a row per training.
    """
    inputs = every_input(base.img_size)
    settings = {
        (model, flips): replace(MODELS[model], hflip=hflip)
        for model in TRAINED
        for flips, hflip in FLIPS.items()
    }
    runs = {key: partial(final_logits, base, members, each) for key, each in settings.items()}
    result, tables = {model: {} for model in TRAINED}, {}
    for (model, flips), z in in_parallel(runs, "test-time augmentation").items():
        logits = {"alone": z, "mirrored": averaged(np.stack([z, z[:, inputs.mirror]]))}
        pair = {
            name: outcomes(each, inputs.labels, inputs.population)[["loss", "accuracy"]]
            for name, each in logits.items()
        }
        result[model][f"flips_{flips}"] = {
            **{name: summary(table) for name, table in pair.items()},
            "lower_loss": lower_loss(pair["mirrored"]["loss"], pair["alone"]["loss"]),
            "higher_accuracy": higher(pair["mirrored"]["accuracy"], pair["alone"]["accuracy"]),
        }
        tables |= {(model, flips, name): table for name, table in pair.items()}
    return result, pd.concat(tables, names=["model", "flips", "asked", "member"]).reset_index()
