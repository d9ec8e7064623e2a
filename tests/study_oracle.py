"""A member of the study trained alone, by the lecture's plain DataLoader loop in float64."""

from concurrent.futures import Future
from types import SimpleNamespace

import lecture_loop
import numpy as np
import torch
from torch import nn

from diagonal.lines.images import generate_dataset
from diagonal.lines.splitting import groups_of, train_val_split
from diagonal.training.models import GRID, rounded_weights
from study.params import load_study_params
from study.trainings.inputs import every_input
from study.trainings.lines import networks

BASE = load_study_params().claims.baseline.model_copy(update={"n_images": 130, "n_epochs": 3})
INPUTS = every_input(BASE.img_size)


class InTurn:
    """An executor that calls at once, in this process: to start others takes seconds."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future

    def shutdown(self):
        pass


def train_alone(base, member, settings, *, model=None, of_mirrored=None, grid=GRID):
    """Train a member's network, or another model, and return it with its weights as stored.

    With `of_mirrored` there are three classes, and each one's label when mirrored.
    """
    outputs = 1 if of_mirrored is None else 3
    model = model or networks(base, (member,), settings, outputs)[0]
    images, targets = generate_dataset(base.img_size, base.n_images, False, member.data)
    labels = np.minimum(targets, 1)
    groups = groups_of(images, settings.group_by, hflip=1)
    train, _ = train_val_split(labels, (80, 20), member.split, groups)
    chosen = torch.from_numpy(labels if of_mirrored is None else targets)
    data = SimpleNamespace(images=torch.from_numpy(images), labels=chosen)
    data.train, data.val = torch.from_numpy(train), torch.from_numpy(train[:2])
    hflip = base.hflip if settings.hflip is None else settings.hflip
    loaders = lecture_loop.loaders(
        data, batch_size=base.batch_size, hflip=hflip, mean=settings.mean, std=settings.std,
        dtype=torch.float64, sampler=settings.sampler, of_mirrored=of_mirrored,
    )  # fmt: skip
    how = {"n_epochs": settings.n_epochs or base.n_epochs, "lr": settings.lr or base.lr}
    how |= {"seed": member.batches, "grid": grid}
    if of_mirrored is None:
        lecture_loop.train(model, *loaders, **how)
    else:
        logits, loss_fn = model[:-1], nn.CrossEntropyLoss()
        lecture_loop.train(logits, *loaders, loss_fn=loss_fn, **how)
    names = {name for name, _ in model.named_parameters()}  # moments are not stored
    stored = {k: w.double() for k, w in rounded_weights(model).items() if k in names}
    model.load_state_dict(model.state_dict() | stored)
    return model.eval()


@torch.no_grad()
def logits_alone(model, settings):
    """Evaluate a network on all inputs: float64 (n,), or (classes, n)."""
    z = model[:-1](INPUTS.x(settings.mean, settings.std))
    return z[:, 0].numpy() if z.shape[1] == 1 else z.t().numpy()
