"""The lecture as one plain script, the way its slides do it: what the pipeline is held against.

    python benchmarks/lecture.py FOLDER

Prints the losses of the three models and saves twelve figures to FOLDER. Nothing here comes from
the pipeline, and nothing is tuned or slowed down. Images are drawn one by one, as the lecture's own
generator draws them (dvgodoy/PyTorchStepByStep, data_generation/image_classification.py): a line
of ones in an array of floats, times 255, all of them to uint8 at the end. They are transformed one
by one as a DataLoader asks for them, and trained on in a plain loop.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler, random_split
from torchvision.transforms.v2 import Compose, Normalize, RandomHorizontalFlip

# Data generation


def draw_line(start, target, img_size):
    """Draw one line into an empty image of floats, by lists of rows and columns."""
    image = np.zeros((img_size, img_size), dtype=float)
    place = np.abs(start)
    if target == 0 and start > 0:
        image[place, :] = 1
    elif target == 0:
        image[:, place] = 1
    elif start > 0:
        rows = range(place, -1, -1) if target == 1 else range(place, img_size)
        image[rows, range(len(rows))] = 1
    else:
        columns = range(max(place, 1), img_size)
        n = len(columns)
        rows = range(img_size - 1, img_size - 1 - n, -1) if target == 1 else range(n)
        image[rows, columns] = 1
    return 255 * image.reshape(1, img_size, img_size)


def generate_dataset(img_size=10, n_images=100, binary=True, seed=17):
    """Draw random lines: images uint8 (n, 1, size, size) and labels int64 (n,)."""
    np.random.seed(seed)
    starts = np.random.randint(-(img_size - 1), img_size, size=n_images)
    targets = np.random.randint(0, 3, size=n_images)
    images = np.array(
        [draw_line(s, t, img_size) for s, t in zip(starts, targets, strict=True)], dtype=np.uint8
    )
    labels = (targets > 0).astype(int) if binary else targets
    return images, labels


# Data preparation


class TransformTensorDataset(Dataset):
    """Images and labels; the image is transformed when it is asked for."""

    def __init__(self, x, y, transform=None):
        self.x, self.y, self.transform = x, y, transform

    def __getitem__(self, index):
        x = self.x[index]
        if self.transform:
            x = self.transform(x)
        return x, self.y[index]

    def __len__(self):
        return len(self.x)


def index_splitter(n, splits, seed=13):
    """Split the indices 0 to n-1 at random."""
    splits = torch.as_tensor(splits)
    total = splits.sum().float()
    if not total.isclose(torch.ones(1)[0]):
        splits = splits / total
    torch.manual_seed(seed)
    return random_split(torch.arange(n), splits)


def make_balanced_sampler(y):
    """Make a sampler that draws both classes equally often."""
    _, counts = y.unique(return_counts=True)
    weights = 1.0 / counts.float()
    sample_weights = weights[y.squeeze().long()]
    return WeightedRandomSampler(
        weights=sample_weights,
        num_samples=len(sample_weights),
        generator=torch.Generator(),
        replacement=True,
    )


def make_loaders(x_train, y_train, x_val, y_val, batch_size=16):
    """Put data sets, transforms and the balanced sampler together."""
    train_composer = Compose([RandomHorizontalFlip(p=0.5), Normalize(mean=(0.5,), std=(0.5,))])
    val_composer = Compose([Normalize(mean=(0.5,), std=(0.5,))])
    train_loader = DataLoader(
        dataset=TransformTensorDataset(x_train, y_train, transform=train_composer),
        batch_size=batch_size,
        sampler=make_balanced_sampler(y_train),
    )
    val_loader = DataLoader(
        dataset=TransformTensorDataset(x_val, y_val, transform=val_composer), batch_size=batch_size
    )
    return train_loader, val_loader


# Models and training


def make_model(hidden=(), activation=None, n_pixels=25):
    """Build the slides' models: logistic without hidden layers, deepish and relu with."""
    torch.manual_seed(17)
    model = nn.Sequential()
    model.add_module("flatten", nn.Flatten())
    for i, units in enumerate(hidden):
        model.add_module(f"hidden{i}", nn.Linear(n_pixels, units, bias=False))
        if activation:
            model.add_module(f"activation{i}", activation())
        n_pixels = units
    model.add_module("output", nn.Linear(n_pixels, 1, bias=False))
    model.add_module("sigmoid", nn.Sigmoid())
    return model


def train(model, train_loader, val_loader, n_epochs):
    """Train by stochastic gradient descent; return the losses of each epoch."""
    loss_fn = nn.BCELoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    torch.manual_seed(42)
    train_loader.sampler.generator.manual_seed(42)
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
        batch_losses = []
        with torch.no_grad():
            for x, y in val_loader:
                batch_losses.append(loss_fn(model(x), y).item())
        val_losses.append(np.mean(batch_losses))
    return losses, val_losses


def accuracy(model, loader):
    """Compute the share of images that the model gets right."""
    with torch.no_grad():
        hits = [((model(x) > 0.5) == y).float() for x, y in loader]
    return torch.cat(hits).mean().item()


# Figures


def draw_images(images, labels):
    fig, axs = plt.subplots(3, 10, figsize=(12, 4.5))
    for ax, image, label in zip(axs.flat, images, labels, strict=False):
        ax.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        ax.set(title=f"Label {label}", xticks=[], yticks=[])
    fig.tight_layout()
    return fig


def draw_channels():
    r, g, b = np.zeros((3, 5, 5), dtype=np.uint8)
    r[:, 0], r[:, 1] = 255, 128
    g[:, 2], g[:, 1], g[:, 3] = 255, 128, 128
    b[:, 4], b[:, 3] = 255, 128
    gray = (0.2126 * r + 0.7152 * g + 0.0722 * b).astype(np.uint8)
    none = np.zeros_like(r)
    fig, axs = plt.subplots(2, 4, figsize=(12, 6))
    for ax, image, title in zip(
        axs[0], (r, g, b, gray), ("Red", "Green", "Blue", "Grayscale"), strict=True
    ):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        ax.set_title(title)
    stacks = ((r, none, none), (none, g, none), (none, none, b), (r, g, b))
    titles = ("R only", "G only", "B only", "RGB")
    for ax, stack, title in zip(axs[1], stacks, titles, strict=True):
        ax.imshow(np.stack(stack, axis=2))
        ax.set_title(title)
    fig.tight_layout()
    return fig


def draw_augmentation(x):
    flipper = RandomHorizontalFlip(p=1.0)
    fig, axs = plt.subplots(2, 6, figsize=(12, 4.5))
    for i in range(6):
        axs[0, i].imshow(x[i].squeeze(), cmap="gray")
        axs[0, i].set_title("Original")
        axs[1, i].imshow(flipper(x[i]).squeeze(), cmap="gray")
        axs[1, i].set_title("Flipped")
    fig.tight_layout()
    return fig


def draw_class_balance(y_train, train_loader):
    drawn = torch.cat([y for _, y in train_loader])
    fig, axs = plt.subplots(1, 2, figsize=(8, 4), sharey=True)
    titles = ("Training set", "One epoch drawn")
    for ax, y, title in zip(axs, (y_train, drawn), titles, strict=True):
        _, counts = y.unique(return_counts=True)
        ax.bar(["straight", "diagonal"], counts)
        ax.set(title=title, ylabel="images")
    fig.tight_layout()
    return fig


def draw_losses(losses, val_losses):
    fig, ax = plt.subplots(figsize=(10, 4))
    ax.plot(losses, label="Training Loss", c="b")
    ax.plot(val_losses, label="Validation Loss", c="r")
    ax.set(xlabel="Epochs", ylabel="Loss")
    ax.legend()
    fig.tight_layout()
    return fig


def draw_comparison(curves):
    fig, axs = plt.subplots(1, 2, figsize=(12, 4), sharey=True)
    for name, (losses, val_losses) in curves.items():
        axs[0].plot(losses, label=name)
        axs[1].plot(val_losses, label=name)
    for ax, title in zip(axs, ("Training Loss", "Validation Loss"), strict=True):
        ax.set(xlabel="Epochs", ylabel="Loss", title=title)
        ax.legend()
    fig.tight_layout()
    return fig


def draw_weights(weights):
    fig, axs = plt.subplots(1, len(weights), figsize=(12, 3))
    for i, (ax, unit) in enumerate(zip(axs, weights, strict=True)):
        image = ax.imshow(unit.reshape(5, 5), cmap="gray", vmin=weights.min(), vmax=weights.max())
        ax.set(title=f"w{i}", xticks=[], yticks=[])
    fig.colorbar(image, ax=axs)
    return fig


def draw_two_weightings(logistic, deepish):
    fig, ax = plt.subplots(figsize=(10, 4))
    pixels = np.arange(len(logistic))
    ax.bar(pixels - 0.2, logistic, width=0.4, label="Logistic")
    ax.bar(pixels + 0.2, deepish, width=0.4, label="Deep-ish, layers multiplied")
    ax.set(xlabel="Pixel", ylabel="Weight")
    ax.legend()
    fig.tight_layout()
    return fig


def draw_activations():
    functions = {
        "Sigmoid": torch.sigmoid,
        "TanH": torch.tanh,
        "ReLU": torch.relu,
        "Leaky ReLU": lambda z: nn.functional.leaky_relu(z, 0.01),
        "PReLU": lambda z: nn.functional.prelu(z, torch.tensor([0.25])),
    }
    fig, axs = plt.subplots(1, 5, figsize=(16, 4))
    for ax, (name, function) in zip(axs, functions.items(), strict=True):
        z = torch.linspace(-5, 5, 1000, requires_grad=True)
        value = function(z)
        value.sum().backward()
        ax.plot(z.detach(), value.detach(), label="Activation")
        ax.plot(z.detach(), z.grad, label="Gradient")
        ax.set_title(name)
        ax.legend()
    fig.tight_layout()
    return fig


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = generate_dataset(img_size=5, n_images=300, binary=True, seed=13)
    x = torch.as_tensor(images / 255).float()
    y = torch.as_tensor(labels.reshape(-1, 1)).float()
    train_idx, val_idx = index_splitter(len(x), [80, 20])
    y_train = y[train_idx]
    loaders = make_loaders(x[train_idx], y_train, x[val_idx], y[val_idx])

    models, curves = {}, {}
    for name, hidden, activation, n_epochs in (
        ("logistic", (), None, 100),
        ("deepish", (5, 3), None, 100),
        ("relu", (5, 3), nn.ReLU, 50),
    ):
        models[name] = make_model(hidden, activation)
        curves[name] = train(models[name], *loaders, n_epochs)
        losses, val_losses = curves[name]
        print(
            f"{name:8} loss {losses[0]:.6f} to {losses[-1]:.6f}, "
            f"val_loss {val_losses[0]:.6f} to {val_losses[-1]:.6f}, "
            f"val_accuracy {accuracy(models[name], loaders[1]):.6f}"
        )

    with torch.no_grad():
        logistic = models["logistic"].output.weight
        hidden0, hidden1, output = models["deepish"].parameters()
        collapsed = output @ hidden1 @ hidden0
    print(f"largest difference of logistic and deepish {(logistic - collapsed).abs().max():.4f}")

    two = {name: curves[name] for name in ("logistic", "deepish")}
    figures = {
        "images": draw_images(images, labels),
        "channels": draw_channels(),
        "augmentation": draw_augmentation(x[train_idx]),
        "class_balance": draw_class_balance(y_train, loaders[0]),
        "losses_logistic": draw_losses(*curves["logistic"]),
        "losses_deepish": draw_losses(*curves["deepish"]),
        "losses_relu": draw_losses(*curves["relu"]),
        "logistic_and_deepish": draw_comparison(two),
        "all_models": draw_comparison(curves),
        "weights": draw_weights(hidden0.detach().numpy()),
        "two_weightings": draw_two_weightings(logistic.detach()[0], collapsed[0]),
        "activations": draw_activations(),
    }
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
