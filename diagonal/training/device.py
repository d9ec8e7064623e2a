"""Where tensors live: the name of a device, checked against what this machine has."""

import torch

from diagonal.pipeline.errors import InputError


def available() -> list[str]:
    """Name this machine's devices, best first."""
    accelerators = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return accelerators + ["mps"] * torch.backends.mps.is_available() + ["cpu"]


def resolve(name: str, dtype: torch.dtype, local_rank: int = 0) -> torch.device:
    """Find the device of this name.

    Args:
        name: cpu, cuda, cuda:N, mps, or auto: the best one that can hold `dtype`.
        dtype: what is computed with; mps has no float64.
        local_rank: this process's number on this machine: cuda is for each another GPU, for the
            only one the first.

    Raises:
        InputError: this machine has no such device, or the device cannot hold `dtype`.
    """
    devices = available()
    if name == "auto":
        name = next(each for each in devices if _holds(each, dtype)).partition(":")[0]
    if name == "cuda":
        name = f"cuda:{local_rank}"
    if name == "mps" and not _holds(name, dtype):
        raise InputError("expected cpu or cuda for float64, found mps, which has float32 only")
    if name not in devices:
        raise InputError(f"expected one of this machine's {', '.join(devices)}, found {name}")
    return torch.device(name)


def _holds(name: str, dtype: torch.dtype) -> bool:
    return name != "mps" or dtype != torch.float64
