"""Many networks of one shape, trained as one: each tensor has a leading axis of members.

A member has its own initial weights and is trained on its own mini-batches. Its loss depends on its
own weights alone, so the gradient of the sum of all losses holds the gradient of each.
"""

from collections.abc import Iterator, Mapping, Sequence, Set

import torch
from torch import nn
from torch.func import stack_module_state
from torch.nn import functional

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
        self.weights, self.buffers = (
            {name: tensor.detach().clone().to(device) for name, tensor in tensors.items()}
            for tensors in stacked
        )

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

        Args:
            x: inputs as in `values`.
            y: their labels, int64, (n,) or (members, n).
            share: of its mini-batch that each input makes up, (members, n).
            weights: where to differentiate; the members' own if None.

        Returns:
            The gradient by each of the weights, as `weights`.
        """
        weights = self.weights if weights is None else weights
        variables = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        z, true = self.values(x, variables, training=True)["output"], y.expand_as(share)
        if z.shape[1] == 1:
            true = true.to(z.dtype)
            losses = functional.binary_cross_entropy_with_logits(z[:, 0], true, reduction="none")
        else:
            losses = functional.cross_entropy(z, true, reduction="none")
        gradients = torch.autograd.grad((losses * share).sum(), list(variables.values()))
        return dict(zip(variables, gradients, strict=True))

    def step(self, x: torch.Tensor, y: torch.Tensor, share: torch.Tensor, lr: float) -> None:
        """Take one step of gradient descent; arguments as in `gradients`."""
        for name, gradient in self.gradients(x, y, share).items():
            self._descend(name, gradient, lr)

    def _descend(self, name: str, direction: torch.Tensor, lr: float) -> None:
        weight = self.weights[name].sub_(direction, alpha=lr)
        if self.rounded:
            weight.copy_(on_grid(weight))

    def train(
        self,
        batches: CountedBatches,
        lr: float,
        fixed: Set[str] = frozenset(),
        momentum: float = 0.0,
    ) -> Iterator[int]:
        """Train on inputs that all members share, all weights but the fixed ones.

        Yields:
            the number of each epoch, from 1, after it.
        """
        x, velocity = batches.x.flatten(1), {}
        for epoch, counts in enumerate(batches.counts, start=1):
            totals = counts.double().sum(-1, keepdim=True).clamp(min=1)  # a batch may be empty
            shares = counts.double() / totals
            for share in shares:
                gradients = self.gradients(x, batches.y, share)
                for name in gradients.keys() - fixed:
                    if momentum:
                        gradients[name].add_(velocity.get(name, 0), alpha=momentum)
                        velocity[name] = gradients[name]
                    self._descend(name, gradients[name], lr)
            yield epoch


class OneMatrix(Ensemble):
    """Members without activations and biases, computed as the one matrix that they multiply to.

    This takes half the time, since little else than the matrices passes through the layers.
    """

    def values(self, x, weights=None, *, training=False) -> dict[str, torch.Tensor]:
        """Run inputs through all members: the logits, "output", and the probability."""
        first, *others = (self.weights if weights is None else weights).values()
        for weight in others:
            first = weight @ first
        z = first @ x.mT
        return {"output": z, "probability": z.sigmoid()}
