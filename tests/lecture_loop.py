"""The lecture's own way to train, from PyTorch's and torchvision's classes alone: the oracle."""

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, RandomSampler, WeightedRandomSampler
from torchvision.transforms.v2 import Normalize, RandomHorizontalFlip, ToDtype

torch.set_num_threads(1)  # batches this small: threads would wait longer than they compute


class Transformed(Dataset):
    """Images, transformed one by one; mirrored ones may have another label."""

    def __init__(self, x, y, steps, dtype, of_mirrored=None):
        self.x, self.y, self.dtype, self.of_mirrored = x, y, dtype, of_mirrored
        self.scale, *self.flip, self.normalize = steps

    def __getitem__(self, index):
        scaled, y = self.scale(self.x[index]), self.y[index]
        x = self.flip[0](scaled) if self.flip else scaled
        if self.of_mirrored is not None and not torch.equal(x, scaled):
            y = self.of_mirrored[y]
        return self.normalize(x).to(self.dtype), y

    def __len__(self):
        return len(self.x)


def loaders(
    data, *, batch_size, hflip, mean=0.5, std=0.5, dtype=torch.float32, sampler="balanced",
    of_mirrored=None,
):  # fmt: skip
    """Make the slides' loaders of images, uint8, their labels, and the indices train and val.

    Labels become (n, 1), for two classes, unless `of_mirrored` has the label of each one's mirror
    image. The sampler may draw with equal weights instead, or shuffle.
    """
    y = data.labels.to(dtype)[:, None] if of_mirrored is None else data.labels
    _, counts = data.labels[data.train].unique(return_counts=True)
    weights = (1.0 / counts.float())[data.labels[data.train]]
    if sampler == "equal":
        weights = torch.ones(len(weights))
    chosen = WeightedRandomSampler(weights, len(weights), True, torch.Generator())
    if sampler == "shuffled":
        chosen = RandomSampler(weights, generator=torch.Generator())
    steps = ToDtype(torch.float32, scale=True), Normalize(mean=(mean,), std=(std,))
    augmented = (steps[0], RandomHorizontalFlip(p=hflip), steps[1])
    train = Transformed(data.images[data.train], y[data.train], augmented, dtype, of_mirrored)
    val = Transformed(data.images[data.val], y[data.val], steps, dtype)
    return DataLoader(train, batch_size, sampler=chosen), DataLoader(val, batch_size)


def train(model, train_loader, val_loader, *, n_epochs, seed=42, lr=0.1, loss_fn=None, grid=None):
    """Train by the plain loop; return the losses of the epochs, training and validation.

    With a grid, weights are rounded to multiples of it after each step.
    """
    loss_fn, optimizer = loss_fn or nn.BCELoss(), optim.SGD(model.parameters(), lr=lr)
    torch.manual_seed(seed)
    if hasattr(train_loader, "sampler"):
        train_loader.sampler.generator.manual_seed(seed)
    losses, val_losses = [], []
    for _ in range(n_epochs):
        model.train()
        batch_losses = []
        for x, y in train_loader:
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for weight in model.parameters() if grid else ():
                    weight.copy_((weight / grid).round() * grid)
            optimizer.zero_grad()
            batch_losses.append(loss.item())
        losses.append(np.mean(batch_losses))
        model.eval()
        with torch.no_grad():
            val_losses.append(np.mean([loss_fn(model(x), y).item() for x, y in val_loader]))
    return losses, val_losses
