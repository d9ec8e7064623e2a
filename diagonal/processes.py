"""One training shared by several processes, which torchrun has started, on one machine or more.

All draw the same batches from the same streams; of each batch a process gathers and computes its
own rows alone. Sums over the rows travel, once per step. So all take the same steps, which are
those of one process but for the last bits of a sum. torch.distributed is imported where it is used:
who trains in one process pays nothing for it.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches

FAILED, LOST = 1, 75  # exit statuses: by a fault of its own, for want of the other processes


class LostError(Exception):
    """The other processes, or one of them, do not answer any more."""


def launched() -> bool:
    """Tell whether torchrun has started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def place() -> tuple[int, int, int]:
    """Tell this process's number, how many there are, and its number on its own machine."""
    if not launched():
        return 0, 1, 0
    return tuple(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))


class SharedBatches(Batches):
    """Batches that hold a process's rows alone: of b rows, b * rank // size to the next one's."""

    def _own(self, n_rows: int) -> tuple[torch.Tensor, list[int]]:
        rank, size, _ = place()
        row = torch.arange(n_rows)
        within = row % self.batch_size
        n_in_batch = (n_rows - row + within).clamp(max=self.batch_size)
        first, end = n_in_batch * rank // size, n_in_batch * (rank + 1) // size
        own = (first <= within) & (within < end)
        return own.nonzero()[:, 0], (end - first)[:: self.batch_size].tolist()


class SharedArchitecture(Architecture):
    """Train on `SharedBatches`, together with the other processes.

    The loss must be a sum over rows. What is trained is its mean over the rows of all processes.
    """

    @torch.enable_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Update the weights by a batch; return its own rows' loss and number, (2,)."""
        loss = self.loss_fn(self.model(x), y)
        loss.backward()
        weights = [each for each in self.model.parameters() if each.requires_grad]
        share = _share(loss.detach(), y)
        *gradients, total = summed(
            torch.cat([each.grad.flatten() for each in weights] + [share])
        ).split([each.numel() for each in weights] + [len(share)])
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = (gradient / total[1]).view_as(weight)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return share

    def evaluate(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Compute a batch's own rows' loss and number, (2,)."""
        return _share(self.loss_fn(self.model(x), y), y)

    def batch_losses(self, steps: list[torch.Tensor]) -> torch.Tensor:
        """Sum what the processes' steps returned; give the batches' mean losses, (batches,)."""
        loss, n_rows = summed(torch.stack(steps)).unbind(1)
        return loss / n_rows


def _share(loss: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.stack([loss, torch.full_like(loss, len(y))])


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """Sum a tensor over all processes, in place; all get the same bits.

    Raises:
        LostError: another process has ended.
    """
    from torch import distributed

    try:
        distributed.all_reduce(tensor)
    except RuntimeError as err:
        raise LostError from err
    return tensor


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Meet the other processes, if there are any, and leave them when all have come to the end."""
    if not launched():
        yield
        return
    from torch import distributed

    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except RuntimeError as err:
        raise LostError from err
    yield
    summed(torch.zeros((), device=device))
    distributed.destroy_process_group()


@contextmanager
def reported() -> Iterator[None]:
    """Leave an error in the block to `launch` to tell, where torchrun has started this process."""
    if not launched():
        yield
        return
    from torch.distributed.elastic.multiprocessing.errors import get_error_handler

    _leave_with_launcher()
    try:
        yield
    except LostError:
        os._exit(LOST)
    except Exception as err:
        get_error_handler().record_exception(err)
        os._exit(FAILED)  # at once, as the others wait


def _leave_with_launcher() -> None:
    """End this process when who started it has ended: it would train on for nobody."""
    launcher = os.getppid()

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        os._exit(LOST)

    threading.Thread(target=watch, daemon=True).start()
