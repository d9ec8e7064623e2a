"""Weights that do not stay finite, reported as a learning rate that is too large."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from diagonal.errors import InputError
from diagonal.training.models import rounded_weights


@contextmanager
def finite(model: nn.Module, key: str, lr: float) -> Iterator[None]:
    """Train a model in this block, and check its weights at the end: see `require_finite`."""
    try:
        yield
    finally:  # also if binary cross-entropy has refused NaN
        require_finite(rounded_weights(model), key, lr)


def require_finite(weights: Mapping[str, torch.Tensor], key: str, lr: float) -> None:
    """Check that weights, as they would be stored, are finite.

    Raises:
        InputError: some weight is not; the message names the key of the learning rate lr.
    """
    if not all(weight.isfinite().all() for weight in weights.values()):
        raise InputError(
            f"{key}: expected weights that stay finite, found that they do not with {lr:g}; "
            "try a smaller one"
        )
