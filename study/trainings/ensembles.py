"""Many networks of one shape, trained as one: each tensor has a leading axis of members.

A member has its own initial weights and is trained on its own mini-batches.
"""

from collections.abc import Iterator, Mapping, Sequence, Set

import torch
from torch import nn
from torch.func import stack_module_state
from torch.nn import functional

from diagonal.training.descent import ACTIVATIONS
from diagonal.training.models import on_grid, rounded_to_grid
from study.trainings.draws import CountedBatches

Weights = Mapping[str, torch.Tensor]  # by the module's name of a parameter: (members, ...)


class Ensemble:
    """Networks of one shape, trained side by side by stochastic gradient descent.

    They are sequences of Flatten, Linear layers, batch normalisations and activations, and of a
    Sigmoid (one output, the probability of label 1) or a Softmax (one output for each label).

    Args:
        networks: in float64 if they are to be rounded.
        rounded: whether the weights are rounded to multiples of `models.GRID` after each step.
            Then the last bits, in which CPUs differ, do not grow from step to step, not even at
            learning rates that are too large for stable training.
    """

    def __init__(self, networks: Sequence[nn.Sequential], device="cpu", *, rounded: bool = True):
        self.n_members, self.rounded = len(networks), rounded
        self.layers = list(networks[0].named_children())[1:]  # inputs are flat
        stacked = stack_module_state(networks)
        weights, self.buffers = (
            {name: tensor.detach().to(device) for name, tensor in tensors.items()}
            for tensors in stacked
        )
        self.numbers = flat(weights)  # a step takes few calls where all weights are one tensor
        parts = self.numbers.split([weight.numel() for weight in weights.values()])
        self.weights = {
            name: part.view_as(weight)
            for (name, weight), part in zip(weights.items(), parts, strict=True)
        }

    def stored(self) -> dict[str, torch.Tensor]:
        """Round the weights as models are stored: on the CPU, in float64."""
        return {name: rounded_to_grid(w).cpu().double() for name, w in self.weights.items()}

    def values(
        self, x: torch.Tensor, weights: Weights | None = None, *, training: bool = False
    ) -> dict[str, torch.Tensor]:
        """Run inputs through all members.

        Args:
            x: inputs (n, features) that all members share, or (members, n, features).
            weights: the members' own if None.
            training: whether batch normalisation takes the moments of x and keeps them.

        Returns:
            The output of each layer by its name, (members, units, n); that of the last one under
            "probability", too.
        """
        weights, value, result = self.weights if weights is None else weights, x.mT, {}
        for name, layer in self.layers:
            if isinstance(layer, nn.Linear):
                value = weights[f"{name}.weight"] @ value
                if layer.bias is not None:
                    value = value + weights[f"{name}.bias"][:, :, None]
            elif isinstance(layer, nn.PReLU):
                slope = weights[f"{name}.weight"][:, :, None]
                value = torch.where(value > 0, value, slope * value)
            elif isinstance(layer, nn.BatchNorm1d):
                moments, scale = (
                    [tensors[f"{name}.{key}"].to(value).flatten() for key in keys]
                    for tensors, keys in (
                        (self.buffers, ("running_mean", "running_var")),
                        (weights, ("weight", "bias")),
                    )
                )
                units = value.flatten(0, 1).t()  # of all members, side by side
                options = training, layer.momentum, layer.eps
                value = functional.batch_norm(units, *moments, *scale, *options).t().view_as(value)
            else:
                value = layer(value)
            result[name] = value
        return {**result, "probability": value}

    def gradients(
        self, x: torch.Tensor, y: torch.Tensor, share: torch.Tensor, weights: Weights | None = None
    ) -> dict[str, torch.Tensor]:
        """Differentiate the members' losses, each the mean cross-entropy over a mini-batch.

        The chain rule is written out, as in `diagonal.training.descent`: steps with autograd, which
        records each operation, take twice as long.

        Args:
            x: inputs as in `values`.
            y: their labels, int64, (n,) or (members, n).
            share: of its mini-batch that each input makes up, (members, n).
            weights: where to differentiate; the members' own if None.

        Returns:
            The gradient by each of the weights, as `weights`.
        """
        weights, result = self.weights if weights is None else weights, {}
        values = self.values(x, weights, training=True)
        classes = values["output"].shape[1]  # one output is of label 1
        labels = torch.arange(classes) if classes > 1 else torch.ones(1)
        true = y[..., None, :] == labels.to(y.device)[:, None]
        gradient = (values["probability"] - true.to(x.dtype)) * share[:, None]  # by "output"
        fed = [x.mT, *values.values()]
        for (name, layer), value in reversed([*zip(self.layers[:-1], fed, strict=False)]):
            if isinstance(layer, nn.Linear):
                result[f"{name}.weight"] = gradient @ value.mT
                if layer.bias is not None:
                    result[f"{name}.bias"] = gradient.sum(2)
                if value is not fed[0]:
                    gradient = weights[f"{name}.weight"].mT @ gradient
            elif isinstance(layer, nn.PReLU):
                result[f"{name}.weight"] = (gradient * value.clamp(max=0)).sum((1, 2))[:, None]
                slope = weights[f"{name}.weight"][:, :, None]
                gradient = torch.where(value > 0, gradient, slope * gradient)
            elif isinstance(layer, nn.BatchNorm1d):  # Ioffe, Szegedy (2015), section 3
                variance, mean = torch.var_mean(value, 2, correction=0, keepdim=True)
                deviation = (variance + layer.eps).sqrt()
                normal = (value - mean) / deviation
                by_scale = gradient * normal
                result[f"{name}.weight"] = by_scale.sum(2)
                result[f"{name}.bias"] = gradient.sum(2)
                gradient = gradient - gradient.mean(2, keepdim=True)
                gradient = gradient - normal * by_scale.mean(2, keepdim=True)
                gradient = weights[f"{name}.weight"][:, :, None] / deviation * gradient
            elif isinstance(layer, nn.LeakyReLU):
                gradient = torch.where(value > 0, gradient, layer.negative_slope * gradient)
            else:
                _, derivative = ACTIVATIONS[type(layer)]
                gradient = derivative(gradient, values[name])
        return {name: result[name] for name in weights}

    def step(self, x: torch.Tensor, y: torch.Tensor, share: torch.Tensor, lr: float) -> None:
        """Take one step of gradient descent; arguments as in `gradients`."""
        self._descend(flat(self.gradients(x, y, share)), lr)

    def _descend(self, direction: torch.Tensor, lr: float) -> None:
        self.numbers.sub_(direction, alpha=lr)
        if self.rounded:
            self.numbers.copy_(on_grid(self.numbers))

    def train(
        self,
        batches: CountedBatches,
        lr: float,
        fixed: Set[str] = frozenset(),
        momentum: float = 0.0,
    ) -> Iterator[int]:
        """Train on inputs that all members share, all weights but the fixed ones.

        If `rounded`, the fixed ones are rounded, too.

        Yields:
            the number of each epoch, from 1, after it.
        """
        x, velocity = batches.x.flatten(1), 0
        for epoch, counts in enumerate(batches.counts, start=1):
            totals = counts.double().sum(-1, keepdim=True).clamp(min=1)  # a batch may be empty
            for share in counts.double() / totals:
                gradients = self.gradients(x, batches.y, share)
                for name in fixed:
                    gradients[name].zero_()
                direction = flat(gradients)
                if momentum:
                    velocity = direction.add_(velocity, alpha=momentum)
                self._descend(direction, lr)
            yield epoch


def flat(weights: Weights) -> torch.Tensor:
    """Put all numbers of all weights into one tensor (numbers,)."""
    return torch.cat([weight.flatten() for weight in weights.values()])
