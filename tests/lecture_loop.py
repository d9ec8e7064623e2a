"""The lecture's own way to train, from PyTorch's and torchvision's classes alone: the oracle."""

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from torchvision.transforms.v2 import Compose, Normalize, RandomHorizontalFlip


class Transformed(Dataset):
    def __init__(self, x, y, transform):
        self.x, self.y, self.transform = x, y, transform

    def __getitem__(self, index):
        return self.transform(self.x[index]), self.y[index]

    def __len__(self):
        return len(self.x)


def loaders(x, y, x_val, y_val, *, batch_size, hflip):
    """Make the loaders of the slides for images in [0, 1] and labels (n, 1)."""
    _, counts = y.unique(return_counts=True)
    weights = (1.0 / counts.float())[y.squeeze(1).long()]
    sampler = WeightedRandomSampler(weights, len(weights), True, torch.Generator())
    normalise = Normalize(mean=(0.5,), std=(0.5,))
    train = Transformed(x, y, Compose([RandomHorizontalFlip(p=hflip), normalise]))
    val = Transformed(x_val, y_val, normalise)
    return DataLoader(train, batch_size, sampler=sampler), DataLoader(val, batch_size)


def train(model, lr, train_loader, val_loader, n_epochs, seed):
    """Train by the plain loop; return the losses of the epochs, training and validation."""
    loss_fn, optimizer = nn.BCELoss(), optim.SGD(model.parameters(), lr=lr)
    torch.manual_seed(seed)
    train_loader.sampler.generator.manual_seed(seed)
    losses, val_losses = [], []
    for _ in range(n_epochs):
        batch_losses = []
        for x, y in train_loader:
            model.train()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            batch_losses.append(loss.item())
        losses.append(np.mean(batch_losses))
        batch_losses = []
        with torch.no_grad():
            for x, y in val_loader:
                model.eval()
                batch_losses.append(loss_fn(model(x), y).item())
        val_losses.append(np.mean(batch_losses))
    return losses, val_losses
