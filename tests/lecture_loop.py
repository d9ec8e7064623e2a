"""The lecture's own way to train, from PyTorch's and torchvision's classes alone: the oracle."""

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from torchvision.transforms.v2 import Compose, Normalize, RandomHorizontalFlip, ToDtype

torch.set_num_threads(1)  # batches this small: threads would wait longer than they compute


class Transformed(Dataset):
    def __init__(self, x, y, transform):
        self.x, self.y, self.transform = x, y, transform

    def __getitem__(self, index):
        return self.transform(self.x[index]), self.y[index]

    def __len__(self):
        return len(self.x)


def loaders(data, *, batch_size, hflip):
    """Make the slides' loaders of images, uint8, their labels, and the indices train and val."""
    y = data.labels.float()[:, None]
    _, counts = y[data.train].unique(return_counts=True)
    weights = (1.0 / counts.float())[data.labels[data.train]]
    sampler = WeightedRandomSampler(weights, len(weights), True, torch.Generator())
    scaled, normalised = ToDtype(torch.float32, scale=True), Normalize(mean=(0.5,), std=(0.5,))
    augmented = Compose([scaled, RandomHorizontalFlip(p=hflip), normalised])
    train = Transformed(data.images[data.train], y[data.train], augmented)
    val = Transformed(data.images[data.val], y[data.val], Compose([scaled, normalised]))
    return DataLoader(train, batch_size, sampler=sampler), DataLoader(val, batch_size)


def train(model, train_loader, val_loader, *, n_epochs, seed=42, lr=0.1):
    """Train by the plain loop; return the losses of the epochs, training and validation."""
    loss_fn, optimizer = nn.BCELoss(), optim.SGD(model.parameters(), lr=lr)
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
            optimizer.zero_grad()
            batch_losses.append(loss.item())
        losses.append(np.mean(batch_losses))
        model.eval()
        with torch.no_grad():
            val_losses.append(np.mean([loss_fn(model(x), y).item() for x, y in val_loader]))
    return losses, val_losses
