"""Trainings whose weights do not stay finite, told in one line that names the learning rate."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

from diagonal.pipeline.errors import InputError


@contextmanager
def finite(weights: Callable[[], Mapping[str, torch.Tensor]], key: str, lr: float) -> Iterator:
    """Train in this block; at its end, or when a loss refuses NaN, look at the weights.

    Args:
        weights: finds the weights by name, as they would be stored.
        key: of params.yaml, under which the learning rate stands.
        lr: the learning rate.

    Raises:
        InputError: some weight is not finite.
    """
    refusal = None
    try:
        yield
    except RuntimeError as err:  # binary cross-entropy takes nothing but probabilities
        refusal = err
    if not all(each.isfinite().all() for each in weights().values()):
        raise InputError(
            f"params.yaml: {key}: expected weights that stay finite, found that they do not with "
            f"{lr:g}; try a smaller one"
        ) from refusal
    if refusal:
        raise refusal
