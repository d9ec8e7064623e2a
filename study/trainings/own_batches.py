"""Ensembles whose members are each trained on images of their own, gathered batch by batch."""

from collections.abc import Mapping

import torch

from diagonal.training.batches import Batches
from study.trainings.ensembles import Ensemble

LARGEST = 512  # number of members: more at once are hardly faster
NUMBERS = 2**22  # that the largest array holds, whatever the number of members


def train_epoch(
    lrs: Mapping[Ensemble, float], batches: Batches, drawn: torch.Tensor, mirrored: torch.Tensor
) -> None:
    """Train ensembles, each with its learning rate, for an epoch on the same images.

    Those are drawn from the data of `batches`, see `draw_epochs`: (members, n) each.
    """
    parts = (numbers.split(batches.batch_size, dim=1) for numbers in (drawn, mirrored))
    for rows, flips in zip(*parts, strict=True):
        x, y = batches.gather(batches.index[rows.flatten()], flips.flatten())
        x, y = x.flatten(1).unflatten(0, rows.shape), y.view(rows.shape)
        share = torch.full_like(y, 1 / rows.shape[1])
        for ensemble, lr in lrs.items():
            ensemble.step(x, y, share, lr)


def members_at_once(n_images: int, n_pixels: int, batch_size: int) -> int:
    """Find how many members to train together, to bound the memory that they take."""
    largest_array = max(min(batch_size, n_images) * n_pixels, n_images)
    return max(min(NUMBERS // largest_array, LARGEST), 1)
