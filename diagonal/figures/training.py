"""How losses fall: of one training, and of models against each other."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diagonal.figures.style import GRAY, MODELS, SKY, WIDTH, titled


def loss_curves(losses: Sequence, val_losses: Sequence | None = None) -> Figure:
    """Draw loss against epoch, of training and, where there is one, of validation."""
    figure = Figure(figsize=(WIDTH, 4))
    axes = figure.subplots()
    epochs = np.arange(1, len(losses) + 1)
    axes.plot(epochs, losses, label="training", color="black")
    if val_losses:
        axes.plot(epochs, val_losses, label="validation", color=SKY, linestyle="--")
    axes.set(xlabel="epoch", ylabel="loss (nats)")
    axes.legend()
    return figure


def loss_comparison(losses: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw the losses of models against each other.

    Args:
        losses: model -> loss and validation loss after each epoch, each (epochs,).
    """
    ends = ", ".join(f"{val[-1]:.3f} ({name})" for name, (_, val) in losses.items())
    figure = titled(4.2, f"Validation loss ends at {ends}")
    axes = figure.subplots()
    for name, (loss, val_loss) in losses.items():
        epochs = np.arange(1, len(loss) + 1)
        axes.plot(epochs, loss, color=MODELS[name][0], linewidth=1.8)
        axes.plot(epochs, val_loss, color=MODELS[name][0], linewidth=1.8, linestyle="--")
        axes.plot(epochs[-1], val_loss[-1], color=MODELS[name][0], marker=MODELS[name][1])
    axes.set(xlabel="epoch", ylabel="loss (nats)", ylim=(0, None))
    handles = [Line2D([], [], color=MODELS[n][0], marker=MODELS[n][1]) for n in losses]
    handles += [Line2D([], [], color=GRAY, linestyle=style) for style in ("-", "--")]
    axes.legend(handles, [*losses, "training", "validation"], ncols=2, loc="lower left")
    return figure
