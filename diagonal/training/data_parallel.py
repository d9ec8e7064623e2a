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


def ranks() -> tuple[int, int, int]:
    """Tell this process's number, how many there are, and its number on its own machine."""
    names = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    return tuple(int(os.environ.get(name, alone)) for name, alone in names.items())


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
    """Make a model and a mean binary cross-entropy that train on all processes' rows of a batch."""
    return DistributedDataParallel(model), SharedLoss()


class SharedLoss(nn.Module):
    """The mean binary cross-entropy over the rows of all processes, the same value in each.

    Its gradient is by this process's rows, times the number of processes, by which
    `DistributedDataParallel` divides.
    """

    def forward(self, predicted: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Compute the loss of this process's rows, probabilities and labels (b, 1), b from 0 on."""
        total = nn.functional.binary_cross_entropy(predicted, y, reduction="sum")
        sums = torch.stack([total.detach(), torch.full_like(total, len(y)).detach()])
        distributed.all_reduce(sums)
        loss, rows = sums
        part = total * distributed.get_world_size() / rows
        return part + (loss / rows - part).detach()
