"""Architecture: a model, its loss and its optimizer, and the loop that trains them."""

import random
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import nn

from diagonal.pipeline import files
from diagonal.training.checkpoints import restore


class Architecture:
    """Train a model on batches, keep its losses, save and restore it.

    The loss function takes predictions and labels, and returns a scalar tensor.
    """

    def __init__(self, model: nn.Module, loss_fn: Callable, optimizer: torch.optim.Optimizer):
        self.model, self.loss_fn, self.optimizer = model, loss_fn, optimizer
        first = next(model.parameters())
        self.device, self.dtype = first.device, first.dtype
        self.train_loader = self.val_loader = None
        self.losses, self.val_losses = [], []

    @property
    def total_epochs(self) -> int:
        """How many epochs the model has been trained for."""
        return len(self.losses)

    def set_loaders(self, train_loader: Iterable, val_loader: Iterable | None = None) -> None:
        """Set what yields batches (x, y): DataLoaders, Batches, or any iterables."""
        self.train_loader, self.val_loader = train_loader, val_loader

    def to(self, device) -> None:
        """Move the model to a device; batches are moved there as they come."""
        self.device = torch.device(device)
        self.model.to(self.device)

    def set_seed(self, seed: int = 42) -> None:
        """Seed every stream that training draws from, the training sampler's own included."""
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        generator = getattr(getattr(self.train_loader, "sampler", None), "generator", None)
        if generator is not None:
            generator.manual_seed(seed)

    def train(self, n_epochs: int, seed: int = 42, on_epoch: Callable | None = None) -> None:
        """Train for n more epochs, appending to `losses` and `val_losses`.

        Both are means over batches: training losses are taken before each update, validation
        losses after the epoch. All random streams are seeded at the start. `on_epoch` is called
        with both losses after each epoch, the second being None without a validation loader.
        """
        self.set_seed(seed)
        for _ in range(n_epochs):
            self.model.train()
            self.losses.append(self._epoch(self.train_loader, self.update))
            if self.val_loader is not None:
                self.model.eval()
                self.val_losses.append(self._epoch(self.val_loader, self.evaluate))
            if on_epoch:
                on_epoch(self.losses[-1], self.val_losses[-1] if self.val_losses else None)

    @torch.no_grad()
    def _epoch(self, loader: Iterable, step: Callable) -> float:
        losses = (step(x.to(self.device), y.to(self.device)).item() for x, y in loader)
        return float(np.mean(np.fromiter(losses, float)))

    @torch.enable_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Update the weights by one batch; return its loss before that, a scalar tensor."""
        loss = self.loss_fn(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()

    def evaluate(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Compute a batch's loss, a scalar tensor."""
        return self.loss_fn(self.model(x), y)

    @torch.no_grad()
    def predict(self, x) -> np.ndarray:
        """Compute the model's output for an array or tensor of inputs."""
        self.model.eval()
        x = torch.as_tensor(x, dtype=self.dtype, device=self.device)
        return self.model(x).cpu().numpy()

    def count_parameters(self) -> int:
        """Count the numbers that training changes."""
        return sum(weight.numel() for weight in self.model.parameters() if weight.requires_grad)

    def save_checkpoint(self, path) -> None:
        """Write model, optimizer and losses, to go on from later."""
        checkpoint = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "losses": self.losses,
            "val_losses": self.val_losses,
        }
        with files.replacing(path) as file:
            torch.save(checkpoint, file)

    def load_checkpoint(self, path) -> None:
        """Continue from a checkpoint, see `checkpoints.restore`."""
        self.losses, self.val_losses = restore(path, self.model, self.optimizer, self.device)
