"""One training shared by the processes that torchrun has started, on one machine or more.

All draw the same batches from the same streams; of each batch a process computes its own rows.
`DistributedDataParallel` averages the gradients. So all take the same steps, which are those of one
process but for the last bits of a sum.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


def rank_and_size() -> tuple[int, int]:
    """Tell this process's number, from 0, and how many there are."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> int:
    """Tell this process's number on its own machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Meet the other processes, if torchrun has started any, and leave them at the end."""
    if not distributed.is_torchelastic_launched():
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    yield
    distributed.barrier()  # whoever comes to the end may go when all do
    distributed.destroy_process_group()


def shared(model: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Make a model and a loss that train on all processes' rows of each batch.

    Returns:
        The model, its gradients averaged over the processes, and its mean binary cross-entropy.
    """
    return DistributedDataParallel(model), SharedLoss()


class SharedLoss(nn.Module):
    """The mean binary cross-entropy over the rows of all processes.

    Its gradient is by this process's rows, times the number of processes, by which
    `DistributedDataParallel` divides.
    """

    def forward(self, predicted: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Compute the loss, a scalar tensor with the same value in all processes.

        Args:
            predicted: probabilities (b, 1) of this process's rows, b at least 0.
            y: their labels (b, 1).
        """
        own = nn.functional.binary_cross_entropy(predicted, y, reduction="sum")
        sums = torch.stack([own.detach(), torch.full_like(own, len(y)).detach()])
        distributed.all_reduce(sums)
        loss, rows = sums
        part = own * distributed.get_world_size() / rows
        return part + (loss / rows - part).detach()
