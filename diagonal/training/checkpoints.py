"""Checkpoints in PyTorch's format, read without running code that they may contain."""

import re
from pickle import UnpicklingError

import numpy as np
import torch
from torch import nn

from diagonal.errors import InputError

# Keys of the weights, the optimizer, the losses and the validation losses: ours, and those of the
# course and of PyTorch's tutorials.
FORMATS = (
    ("model", "optimizer", "losses", "val_losses"),
    ("model_state_dict", "optimizer_state_dict", "loss", "val_loss"),
)
SCALAR = np.float64().__reduce__()[0]  # rebuilds a NumPy number, as the course's losses are
SAFE = [
    (SCALAR, "numpy._core.multiarray.scalar"),
    (SCALAR, "numpy.core.multiarray.scalar"),  # NumPy 1
    np.dtype,
    type(np.dtype(np.float64)),
]
WRAPPED = re.compile(r"^((module|_orig_mod)\.)+")  # by DistributedDataParallel, torch.compile
NEW = {"maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"}


def restore(
    path, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device
) -> tuple[list[float], list[float]]:
    """Load a checkpoint's weights and optimizer state into a model and its optimizer.

    A plain `state_dict()` is loaded, too: the optimizer keeps its state, and the losses are empty.

    Returns:
        losses and validation losses.

    Raises:
        InputError: the file is missing or no checkpoint, or one of another model or optimizer.
            Model and optimizer are unchanged then.
    """
    names = {WRAPPED.sub("", name): name for name in model.state_dict()}
    try:
        with torch.serialization.safe_globals(SAFE):
            found = torch.load(path, map_location=device, weights_only=True)
        keys = next((keys for keys in FORMATS if keys[0] in found), None)
        weights, state, *losses = map(found.get, keys) if keys else (found, None, None, None)
        losses, val_losses = map(_numbers, losses)
        weights = {names.get(WRAPPED.sub("", name), name): w for name, w in weights.items()}
        _require_same_shapes(weights, model.state_dict())
        if state is not None:
            _require_same_options(state, optimizer)
            optimizer.load_state_dict(state)
    except (OSError, EOFError, RuntimeError, UnpicklingError, LookupError, TypeError, ValueError,
            AttributeError) as err:  # fmt: skip
        reason = " ".join(str(err).split())
        raise InputError(f"{path}: expected a checkpoint of this model, found: {reason}") from err
    model.load_state_dict(weights)
    return losses, val_losses


def _numbers(losses) -> list[float]:
    """List losses: the course's have None without validation, a tutorial's are the last one."""
    losses = losses if isinstance(losses, list) else [losses]
    return [
        torch.as_tensor(loss, dtype=torch.float64).item() for loss in losses if loss is not None
    ]


def _require_same_shapes(found: dict, expected: dict) -> None:
    """Compare all names and shapes before any tensor is copied, which PyTorch does not."""
    for name in {**expected, **found}:
        shapes = [tuple(s[name].shape) if name in s else "none" for s in (found, expected)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{name} of shape {shapes[0]}, where this model has {shapes[1]}")


def _require_same_options(state: dict, optimizer: torch.optim.Optimizer) -> None:
    """Refuse another optimizer's state, which PyTorch loads, to fail at the next step."""
    expected = optimizer.defaults.keys() - NEW  # which older versions of PyTorch did not write
    for group in state["param_groups"]:
        if lacking := sorted(expected - group.keys()):
            raise ValueError(f"the state of another optimizer, without {lacking[0]}")
