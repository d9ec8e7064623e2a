"""A training's weights at evenly spaced epochs, to be shown one after the other."""

import numpy as np
from torch import nn

from diagonal.training.models import rounded_weights

FRAMES = 20  # epochs after the start, at most


def shown_epochs(n_epochs: int, n: int = FRAMES + 1, *, logarithmic: bool = False) -> list[int]:
    """Choose at most n epochs to show, from the first to the last.

    They are evenly spaced from 0, before training, or `logarithmic` from 1.
    """
    epochs = np.geomspace(1, n_epochs, n) if logarithmic else np.linspace(0, n_epochs, n)
    return sorted(set(epochs.round().astype(int).tolist()))


class History:
    """Keep a model's weights, rounded as they are stored, before training and after some epochs."""

    def __init__(self, model: nn.Module, n_epochs: int):
        self.model, self.n_epochs, self.epoch = model, n_epochs, -1
        self.states: list[dict] = []
        self.keep()

    def keep(self) -> None:
        """Look at the model: to be called after every epoch."""
        self.epoch += 1
        if self.epoch in shown_epochs(self.n_epochs):
            self.states.append(rounded_weights(self.model))

    def arrays(self) -> dict[str, np.ndarray]:
        """Stack what was kept: epoch, int64 (k,), and weights, float32 (k, units out, in)."""
        names, states = self.states[0], self.states
        stacked = {name: np.stack([state[name] for state in states]) for name in names}
        return {"epoch": np.array(shown_epochs(self.n_epochs)), **stacked}
