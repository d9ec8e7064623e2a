"""Where tensors live: the name of a device, checked against what this machine has."""

import torch

from diagonal.errors import InputError


def available() -> list[str]:
    """Name this machine's devices, best first."""
    accelerators = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return accelerators + ["mps"] * torch.backends.mps.is_available() + ["cpu"]


def resolve(name: str, dtype: torch.dtype, local_rank: int = 0) -> torch.device:
    """Find a device: cpu, cuda, cuda:N, mps, or auto, the best one that can hold the dtype.

    cuda is another GPU for each process on this machine, by its `local_rank`.

    Raises:
        InputError: this machine has no such device, or the device cannot hold the dtype.
    """
    devices = available()
    if name == "auto":
        name = next(device for device in devices if _holds(device, dtype)).partition(":")[0]
    if name == "cuda":
        name = f"cuda:{local_rank}"
    if name == "mps" and not _holds(name, dtype):
        raise InputError("expected cpu or cuda for float64, found mps, which has float32 only")
    if name not in devices:
        raise InputError(f"expected one of this machine's {', '.join(devices)}, found {name}")
    return torch.device(name)


def _holds(name: str, dtype: torch.dtype) -> bool:
    return name != "mps" or dtype != torch.float64
