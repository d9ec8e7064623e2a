"""Checkpoints in PyTorch's format, ours and others', read without running what they may hold."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pickle import UnpicklingError

import numpy as np
import torch
from torch import nn

from diagonal.pipeline.errors import InputError

# How checkpoints name weights, optimizer, losses and validation losses: ours, and the course's own.
FORMATS = (
    ("model", "optimizer", "losses", "val_losses"),
    ("model_state_dict", "optimizer_state_dict", "loss", "val_loss"),
)
SCALAR = np.float64().__reduce__()[0]  # what makes NumPy's numbers, as the course's losses are
HARMLESS = [
    (SCALAR, "numpy._core.multiarray.scalar"),
    (SCALAR, "numpy.core.multiarray.scalar"),  # as NumPy 1 wrote it
    np.dtype,
    type(np.dtype(np.float64)),
]
REFUSED = (  # what is raised where a file is no checkpoint, or not of this model and optimizer
    OSError, EOFError, RuntimeError, UnpicklingError, LookupError, TypeError, ValueError,
    AttributeError,
)  # fmt: skip


def restore(
    path, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device
) -> tuple[list[float], list[float]]:
    """Load a checkpoint's weights and its optimizer's state into a model and its optimizer.

    A plain `state_dict()` is loaded, too: the optimizer stays as it is, and losses start anew.

    Returns:
        losses and validation losses.

    Raises:
        InputError: the file is missing, no such checkpoint, or one of another model or optimizer.
            Nothing has changed then.
    """
    try:
        with torch.serialization.safe_globals(HARMLESS):
            found = torch.load(path, map_location=device, weights_only=True)
        names = next((names for names in FORMATS if names[0] in found), None)
        parts = (found[name] for name in names) if names else (found, None, [], [])
        weights, state, losses, val_losses = parts
        losses, val_losses = _numbers(losses), _numbers(val_losses)
        _require_shapes(weights, model.state_dict())
        if state is not None:
            _require_usable(state, optimizer)
    except REFUSED as err:
        reason = " ".join(f"{type(err).__name__}: {err}".split())
        expected = "a checkpoint of this model and optimizer"
        raise InputError(f"{path}: expected {expected}, found: {reason}") from err
    model.load_state_dict(weights)
    if state is not None:
        optimizer.load_state_dict(state)
    return losses, val_losses


def _numbers(losses: Iterable) -> list[float]:
    """Turn losses into Python's numbers; the course's are None without a validation loader."""
    return [float(loss) for loss in losses if loss is not None]


def _require_shapes(found: Mapping, expected: Mapping) -> None:
    """Refuse tensors whose names and shapes are not those expected, before any is copied."""
    found, expected = ({k: tuple(v.shape) for k, v in each.items()} for each in (found, expected))
    for name in {**expected, **found}:
        shapes = [each.get(name, "none") for each in (found, expected)]
        if shapes[0] != shapes[1]:
            raise ValueError("{} of shape {} where this model has {}".format(name, *shapes))


def _require_usable(state: dict, optimizer: torch.optim.Optimizer) -> None:
    """Refuse a state that a copy of the optimizer cannot load and take a step with.

    PyTorch loads Adam's state into SGD, too, and fails at the next step.
    """
    copy = deepcopy(optimizer)
    copy.load_state_dict(deepcopy(state))  # a step changes it in place
    for group in copy.param_groups:
        for weight in group["params"]:
            weight.grad = torch.zeros_like(weight)
    copy.step()
