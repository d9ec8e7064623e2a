"""A training's weights at evenly spaced epochs, to be shown one after the other."""

import numpy as np
from torch import nn

from diagonal.training.models import quantized_weights

FRAMES = 20  # epochs after the start, at most


def shown_epochs(n_epochs: int) -> list[int]:
    """Choose the epochs that are shown: evenly spaced, before the first to after the last."""
    return sorted({round(n_epochs * frame / FRAMES) for frame in range(FRAMES + 1)})


class History:
    """Keep a model's weights, rounded as they are stored, before training and after some epochs."""

    def __init__(self, model: nn.Module, n_epochs: int):
        self.model, self.n_epochs, self.epoch = model, n_epochs, -1
        self.weights: list[dict] = []
        self.keep()

    def keep(self) -> None:
        """Look at the model: to be called after every epoch."""
        self.epoch += 1
        if self.epoch in shown_epochs(self.n_epochs):
            self.weights.append(quantized_weights(self.model))

    def arrays(self) -> dict[str, np.ndarray]:
        """Stack what was kept: epoch, int64 (k,), and weights, float32 (k, units out, in)."""
        columns = zip(*(weights.items() for weights in self.weights), strict=True)
        stacked = {each[0][0]: np.stack([weight for _, weight in each]) for each in columns}
        return {"epoch": np.array(shown_epochs(self.n_epochs)), **stacked}
