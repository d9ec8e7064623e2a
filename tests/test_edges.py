"""Numbers at the edge: stages run at the ends of all ranges, and divergence is told by its key."""

import pytest
import torch
from conftest import LECTURE, run_stages, write_params
from torch import nn, optim

from diagonal.errors import InputError
from diagonal.training import divergence
from diagonal.training.architecture import Architecture
from diagonal.training.descent import Descent
from diagonal.training.models import network

ENDS = {  # of its range
    "train_logistic.lr": (1e-6, 10),
    "train_deepish.lr": (1e-6, 10),
    "train_relu.lr": (1e-6, 10),
    "transforms.std": (0.01, 100),
    "transforms.mean": (-10, 10),
    "feature_space.z_max": (0.1, 100),
    "feature_space.prelu_slope": (-10, 10),
    "feature_space.leaky_slope": (-10, 10),
    "split.ratios": ([0.004, 0.001], [1e6, 2e5]),
    "evaluate.threshold": (0, 1),
}


@pytest.mark.parametrize("end", [0, 1])
def test_stages_run_at_the_ends_of_all_ranges_without_a_warning(small, end):
    write_params(small / "params.yaml", {key: ends[end] for key, ends in ENDS.items()})
    run_stages(small, *LECTURE)  # pytest makes errors of warnings


@pytest.mark.parametrize("kind", [Architecture, Descent])
def test_weights_that_do_not_stay_finite_are_told_by_the_key_of_their_rate(kind):
    model = network([25, 64, 64, 1], seed=1, dtype=torch.float64)
    architecture = kind(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=1e200))
    x = torch.randn(16, 1, 5, 5, dtype=torch.float64)
    architecture.set_loaders([(x, torch.ones(16, 1, dtype=torch.float64))])
    with (
        pytest.raises(InputError, match=r"^params\.yaml: some\.lr: expected weights that stay"),
        divergence.finite(model, "params.yaml: some.lr", 1e200),
    ):
        architecture.train(5)


def test_an_error_that_is_no_divergence_is_left_as_it_is():
    with (
        pytest.raises(RuntimeError, match="another"),
        divergence.finite(nn.Linear(1, 1), "params.yaml: some.lr", 0.1),
    ):
        raise RuntimeError("another")
