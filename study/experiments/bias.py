"""The missing bias: what the lecture's layers cannot do without it, by proof and in training."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from sklearn.svm import SVC

from study.experiments.results import lower_loss, statement, summary
from study.params import ClaimsBaseline
from study.trainings.inputs import Inputs, every_input
from study.trainings.lines import MODELS, Members, Settings, epochs, logits
from study.trainings.outcomes import outcomes
from study.trainings.parallel import in_parallel

TRAINED = {
    **MODELS,
    "prelu": Settings("prelu"),
    "sigmoid, rate 1": Settings("sigmoid", lr=1.0),  # at the lecture's it does not begin to learn
}
HARD = 1e9  # a support vector machine's penalty, so high that no point is on the wrong side
BIASES = {"without_bias": False, "with_bias": True}


# What a plane can do


def largest_score(x: np.ndarray, labels: np.ndarray, intercept: bool) -> float:
    """Ask a linear program how clearly a plane can part the classes.

    It finds the largest t for which some w and b, no number in them beyond -1 and 1, have
    y (w . x + b) >= t for all points, where y is -1 or 1. Some plane parts the classes just if
    t > 0.

    Args:
        x: float64 (n, features).
        labels: 0 or 1, (n,).
        intercept: whether b may differ from 0, else the plane goes through the origin.

    Returns:
        t, rounded to 6 decimals.
    """
    y = np.where(labels == 1, 1.0, -1.0)[:, None]
    scores = y * (np.column_stack([x, np.ones(len(x))]) if intercept else x)
    n = scores.shape[1]
    answer = linprog(
        c=[*np.zeros(n), -1],  # linprog looks for the smallest
        A_ub=np.column_stack([-scores, np.ones(len(x))]),
        b_ub=np.zeros(len(x)),
        bounds=[*[(-1, 1)] * n, (None, None)],
    )
    return abs(round(answer.fun, 6))


def margin(x: np.ndarray, labels: np.ndarray, intercept: bool) -> float | None:
    """Compute how far the nearest point can at most be from a plane that parts the classes.

    Arguments are those of `largest_score`. A support vector machine with a hard margin finds that
    plane. For one through the origin it is shown every point's opposite, of the other class, too.

    Returns:
        Euclidean distance in units of x, rounded to 6 decimals; None where no plane parts them.
    """
    if largest_score(x, labels, intercept) == 0:
        return None
    if not intercept:
        x, labels = np.concatenate([x, -x]), np.concatenate([labels, 1 - labels])
    machine = SVC(kernel="linear", C=HARD, tol=1e-9).fit(x, labels)
    return float(np.round(1 / np.linalg.norm(machine.coef_), 6))


def planes(inputs: Inputs) -> dict[str, dict]:
    """Find what a plane can do with the generator's lines, and with all mirror images, too.

    Returns:
        drawable and mirrored: lines, their number; without_bias and with_bias: `margin` and
        `largest_score` in units in which a pixel is -1 or 1.
    """
    x, labels = inputs.x().flatten(1).numpy(), inputs.labels
    sets = {"drawable": inputs.population > 0, "mirrored": np.ones(len(x), bool)}
    return {
        name: {
            "lines": int(chosen.sum()),
            **{
                bias: {
                    "margin": margin(x[chosen], labels[chosen], intercept),
                    "largest_score": largest_score(x[chosen], labels[chosen], intercept),
                }
                for bias, intercept in BIASES.items()
            },
        }
        for name, chosen in sets.items()
    }


# What training makes of it


def trainings(base: ClaimsBaseline, members: Members, n_epochs: tuple[int, int]) -> pd.DataFrame:
    """Train each network with and without biases on the same batches.

    Returns:
        A row for each network, bias (0 or 1), epoch, one of those given, and member: `outcomes`.
    """
    runs = {
        (name, bias): partial(_train, base, members, replace(settings, bias=bias == 1), n_epochs)
        for name, settings in TRAINED.items()
        for bias in (0, 1)
    }
    tables = {
        (*key, epoch): table
        for key, by_epoch in in_parallel(runs, "biases").items()
        for epoch, table in by_epoch.items()
    }
    return pd.concat(tables, names=["network", "bias", "epoch", "member"]).reset_index()


def _train(
    base: ClaimsBaseline, members: Members, settings: Settings, n_epochs: tuple[int, int]
) -> dict[int, pd.DataFrame]:
    inputs, settings = every_input(base.img_size), replace(settings, n_epochs=max(n_epochs))
    return {
        epoch: outcomes(logits(ensemble, inputs), inputs.labels, inputs.population)
        for epoch, ensemble in epochs(base, members, settings)
        if epoch in n_epochs
    }


def compare(table: pd.DataFrame) -> dict:
    """Summarize `trainings`, and state what a bias changes after the last epoch."""
    columns = ["loss", "accuracy", "perfect", "undecided", "roc_auc_is_1"]
    groups = dict(iter(table.groupby(["network", "bias", "epoch"])))
    last, result = table["epoch"].max(), {}
    for name in TRAINED:
        ends = [groups[name, bias, last] for bias in (1, 0)]
        result[name] = {
            which: {
                f"{epoch}": summary(groups[name, bias, epoch][columns].reset_index(drop=True))
                for epoch in sorted(table["epoch"].unique())
            }
            for bias, which in enumerate(BIASES)
        }
        result[name]["perfect_with_bias"] = statement(ends[0]["perfect"].to_numpy() == 1)
        result[name]["lower_loss_with_bias"] = lower_loss(*(end["loss"].to_numpy() for end in ends))
    return result
