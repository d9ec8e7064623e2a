"""How large the first layer's gradient is before training, by depth, activation and weights."""

import math
from functools import partial

import numpy as np
import pandas as pd
import torch

from study.experiments.results import higher, lower, number, statement
from study.params import ClaimsBaseline, GradientClaims
from study.trainings.ensembles import Ensemble
from study.trainings.inputs import balanced_share, every_input
from study.trainings.lines import Members, Settings, data_sets, networks
from study.trainings.parallel import in_parallel

ACTIVATIONS = ("none", "sigmoid", "tanh", "relu", "leaky_relu")
WEIGHTS = ("pytorch", "glorot", "he")  # PyTorch's default; Glorot, Bengio (2010); He et al. (2015)
LOGARITHM_DECIMALS = 6
NOTHING = -20.0  # log10 of a gradient that is zero


def rescaled(weight: torch.Tensor, how: str) -> torch.Tensor:
    """Scale PyTorch's default weights (members, out, in), uniform in +-1 / sqrt(in), as others."""
    n_out, n_in = weight.shape[1:]
    bound = {"pytorch": 1 / math.sqrt(n_in), "glorot": math.sqrt(6 / (n_in + n_out))}
    bound["he"] = math.sqrt(6 / n_in)
    return weight * bound[how] * math.sqrt(n_in)


def first_gradients(
    base: ClaimsBaseline, members: Members, settings: Settings
) -> dict[str, np.ndarray]:
    """Compute log10 of the norm of the expected loss's gradient by the first layer's weights.

    Returns:
        float64 (members,) for each of WEIGHTS.
    """
    inputs, result = every_input(base.img_size), {}
    x, labels = inputs.x().flatten(1), torch.from_numpy(inputs.labels)
    ensemble = Ensemble(networks(base, members, settings))
    share = torch.stack([balanced_share(inputs, d, base.hflip) for d in data_sets(base, members)])
    for how in WEIGHTS:
        start = {name: rescaled(weight, how) for name, weight in ensemble.weights.items()}
        gradient = ensemble.gradients(x, labels, share, start)["hidden0.weight"]
        norm = gradient.flatten(1).norm(dim=1).numpy().clip(min=10**NOTHING)
        result[how] = np.log10(norm).round(LOGARITHM_DECIMALS)
    return result


def measure(
    base: ClaimsBaseline, claims: GradientClaims, members: Members
) -> tuple[dict, pd.DataFrame]:
    """Measure gradients at depths of one to `claims.depths` hidden layers, before training.

    Returns:
        by weights: the change of log10 from the first depth to the last, by activation, and
        statements that it falls by at least one power of ten, that it falls more than without
        activations, and that ReLU's gradient in the deepest networks is the larger one; a row for
        each weights, activation and depth with the median.
    """
    depths = range(1, claims.depths + 1)
    runs = {
        (name, depth): partial(
            first_gradients, base, members, Settings(name, (claims.width,) * depth)
        )
        for name in ACTIVATIONS
        for depth in depths
    }
    found, result = in_parallel(runs, "gradients"), {}
    for weights in WEIGHTS:
        first, last = (
            {name: found[name, d][weights] for name in ACTIVATIONS} for d in (1, claims.depths)
        )
        by_name = {name: last[name] - first[name] for name in ACTIVATIONS}
        result[weights] = {
            "change": {name: number(by_name[name]) for name in ACTIVATIONS},
            "falls_tenfold": {name: statement(by_name[name] < -1) for name in ACTIVATIONS},
            "falls_more_than_none": {
                name: lower(by_name[name], by_name["none"]) for name in ("sigmoid", "tanh", "relu")
            },
            "relu_larger_than": {
                name: higher(last["relu"], last[name]) for name in ("sigmoid", "tanh")
            },
        }
    keys = ("weights", "activation", "hidden_layers", "log10_gradient")
    rows = [
        dict(zip(keys, (weights, *key, np.median(by_weights[weights][:-1])), strict=True))
        for weights in WEIGHTS
        for key, by_weights in found.items()
    ]
    return result, pd.DataFrame(rows)
