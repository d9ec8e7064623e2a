"""Straight, up or down: mirrored, a diagonal is of the other class, and its label must change."""

from functools import partial

import numpy as np
import pandas as pd
import torch

from diagonal.training.models import PROBABILITY_DECIMALS
from diagonal.training.sampling import make_balanced_sampler
from study.experiments.results import higher, lower_loss, summary
from study.params import ClaimsBaseline
from study.trainings.draws import CountedBatches, concatenated, draw_counts
from study.trainings.ensembles import Ensemble
from study.trainings.inputs import Inputs, every_input
from study.trainings.lines import RELU, Members, data_sets, networks
from study.trainings.parallel import in_parallel

CLASSES = ("straight", "up", "down")
FLIPS = ("off", "naive", "swapped")
PAIRS = (("off", "naive"), ("swapped", "naive"), ("swapped", "off"))


def three_classes(base: ClaimsBaseline, members: Members) -> tuple[dict, pd.DataFrame]:
    """Train relu to tell three classes, without flips, with labels left as they are, and swapped.

    Returns:
        flips: flips -> `summary`; confusion: flips -> class -> predicted -> share, the mean over
        the members; statements of pairs; a row per training.
    """
    found = in_parallel(
        {flips: partial(_train, base, members, flips) for flips in FLIPS}, "three classes"
    )
    tables = {flips: table for flips, (table, _) in found.items()}
    confusion = {
        flips: {
            actual: dict(zip(CLASSES, row.tolist(), strict=True))
            for actual, row in zip(CLASSES, shares[:-1].mean(axis=0), strict=True)
        }
        for flips, (_, shares) in found.items()
    }
    statements = {
        f"{ours}_than_{theirs}": {
            "lower_loss": lower_loss(tables[ours]["loss"], tables[theirs]["loss"]),
            "higher_accuracy": higher(tables[ours]["accuracy"], tables[theirs]["accuracy"]),
        }
        for ours, theirs in PAIRS
    }
    flips = {name: summary(table) for name, table in tables.items()}
    result = {"flips": flips, "confusion": confusion, "statements": statements}
    return result, pd.concat(tables, names=["flips", "member"]).reset_index()


def _train(base: ClaimsBaseline, members: Members, flips: str) -> tuple[pd.DataFrame, np.ndarray]:
    ensemble = Ensemble(networks(base, members, RELU, outputs=len(CLASSES)))
    for _ in ensemble.train(drawn(base, members, flips), base.lr):
        pass
    inputs = every_input(base.img_size)
    z = ensemble.values(inputs.x().flatten(1), ensemble.stored())["output"]
    return measures(z, inputs)


def drawn(base: ClaimsBaseline, members: Members, flips: str) -> CountedBatches:
    """Draw the batches of the members.

    Each input occurs twice among what is shown: as drawn and as a mirror image, as which it has
    the label of what was mirrored (naive) or its own (swapped).
    """
    inputs, parts = every_input(base.img_size), []
    targets, n_inputs = torch.from_numpy(inputs.targets), len(inputs.targets)
    of_mirrored = targets[inputs.mirror] if flips == "naive" else targets
    x, y = inputs.x().repeat(2, 1, 1, 1), torch.cat([targets, of_mirrored])
    options = {"hflip": 0.0 if flips == "off" else base.hflip, "n_epochs": base.n_epochs}
    for member, data in zip(members, data_sets(base, members), strict=True):
        shown = np.stack([data.train, n_inputs + inputs.mirror[data.train]], axis=1)
        counts = draw_counts(
            torch.from_numpy(shown), len(y), make_balanced_sampler(targets[data.train]),
            seed=member.batches, batch_size=base.batch_size, **options,
        )  # fmt: skip
        parts.append(CountedBatches(x, y, counts))
    return concatenated(parts)


def measures(z: torch.Tensor, inputs: Inputs) -> tuple[pd.DataFrame, np.ndarray]:
    """Evaluate logits (members, 3, inputs) on the population.

    Of classes that are equally probable the first is predicted: straight, as elsewhere.

    Returns:
        loss in nats and accuracy of each training, rounded to 6 decimals; confusion, float64
        (members, 3, 3): the share of each class, in rows, that is predicted, in columns.
    """
    counts, targets = inputs.population, inputs.targets
    log_probability = z.log_softmax(dim=1).numpy()
    predicted = np.exp(log_probability).round(PROBABILITY_DECIMALS).argmax(axis=1)
    of_class = np.eye(len(CLASSES))[targets] * counts[:, None]  # (inputs, 3)
    chosen = np.eye(len(CLASSES))[predicted]  # (members, inputs, 3)
    confusion = np.einsum("mip,ic->mcp", chosen, of_class / of_class.sum(axis=0))
    columns = {
        "loss": -np.average(log_probability[:, targets, range(len(targets))], 1, counts),
        "accuracy": np.average(predicted == targets, axis=1, weights=counts),
    }
    return pd.DataFrame(columns).round(6), confusion
