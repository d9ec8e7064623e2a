"""Many networks of one shape, trained as one on inputs that all of them share.

The lecture's images are few: 25 lines, 27 with their mirror images. So a mini-batch is how often
each of them occurs in it, and the first layer of all members is one matrix product. With the chain
rule written out, that takes half the time of `training.ensembles`, which takes any module instead.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import torch
from torch import nn
from torch.func import stack_module_state

from diagonal.claims.batches import Batches
from diagonal.training.models import quantized

Weights = Mapping[str, torch.Tensor]  # by parameter, as the module names them: (members, ...)


class Stack:
    """Members of one shape, with their own weights, trained by gradient descent.

    They are sequences of Flatten, Linear layers, with or without biases, and activations (see
    ACTIVATIONS below), to a Sigmoid's probability of label 1 or a Softmax's of each label. Their
    `weights` are float64 (members, ...).
    """

    def __init__(self, networks: Sequence[nn.Sequential]):
        *self.layers, (_, self.last) = list(networks[0].named_children())[1:]  # after Flatten
        stacked, _ = stack_module_state(networks)
        self.weights = {name: each.detach().clone() for name, each in stacked.items()}

    def shaped(self, network: nn.Sequential) -> "Stack":
        """Copy the weights into the shape of a network that has the same linear layers.

        Weights that these members lack, a PReLU's slope, are the network's own.
        """
        result, n_members = Stack([network]), len(next(iter(self.weights.values())))
        for name, own in result.weights.items():
            common = own.repeat(n_members, *[1] * (own.dim() - 1))
            result.weights[name] = self.weights.get(name, common).clone()
        return result

    def stored(self) -> dict[str, torch.Tensor]:
        """Round the weights as models are stored, to be evaluated: float64."""
        return {name: quantized(each).double() for name, each in self.weights.items()}

    def values(self, x: torch.Tensor, weights: Weights | None = None) -> dict[str, torch.Tensor]:
        """Run inputs, float64 (n, ...), through all members.

        Returns:
            What comes out of each layer by its name, (members, units, n), of the last one, named
            "probability", too: one unit for a Sigmoid, one per label for a Softmax.
        """
        weights = self.weights if weights is None else weights
        value, result = x.flatten(1).t(), {}
        for name, layer in self.layers:
            if isinstance(layer, nn.Linear):
                weight = weights[f"{name}.weight"]
                if value.dim() == 2:  # the inputs: one product for all members
                    value = (weight.flatten(0, 1) @ value).unflatten(0, weight.shape[:2])
                else:
                    value = weight @ value
                if layer.bias is not None:
                    value = value + weights[f"{name}.bias"][:, :, None]
            else:
                value = ACTIVATIONS[type(layer)][0](value, _slope(name, layer, weights))
            result[name] = value
        softmax = isinstance(self.last, nn.Softmax)
        result["probability"] = value.softmax(1) if softmax else value.sigmoid()
        return result

    def gradients(
        self, x: torch.Tensor, y: torch.Tensor, share: torch.Tensor, weights: Weights | None = None
    ) -> dict[str, torch.Tensor]:
        """Differentiate the members' losses, each the mean cross-entropy over a mini-batch.

        From the last layer to the first, as in `training.descent`.

        Args:
            x: inputs, float64 (n, ...).
            y: of each the label, int64 (n,).
            share: of the mini-batch that each input makes up, float64 (members, n).
            weights: where to differentiate; the members' own if None.

        Returns:
            dL/dW by name, as `weights`.
        """
        weights = self.weights if weights is None else weights
        values, result = self.values(x, weights), {}
        # For a sigmoid or a softmax before cross-entropy, dL/dz is the difference to what is true.
        probability = values["probability"]
        if probability.shape[1] == 1:
            true = y[None, None]
        else:
            true = nn.functional.one_hot(y, probability.shape[1]).t()[None]
        gradient = (probability - true) * share[:, None]
        before = [x.flatten(1).t(), *values.values()]  # what goes into each layer
        for place in reversed(range(len(self.layers))):
            (name, layer), value = self.layers[place], before[place]
            if isinstance(layer, nn.Linear):
                if layer.bias is not None:
                    result[f"{name}.bias"] = gradient.sum(2)
                weight = weights[f"{name}.weight"]
                if place:
                    result[f"{name}.weight"] = gradient @ value.mT
                    # With one unit out, both do the same, and the first five times as fast.
                    one = weight.shape[1] == 1
                    gradient = weight.mT * gradient if one else weight.mT @ gradient
                else:
                    flat = gradient.flatten(0, 1) @ value.t()
                    result[f"{name}.weight"] = flat.view_as(weight)
            else:
                leak = _slope(name, layer, weights)
                if isinstance(layer, nn.PReLU):
                    gradient, by_slope = aten._prelu_kernel_backward(gradient, value, leak)
                    result[f"{name}.weight"] = by_slope.sum((1, 2))[:, None]
                else:
                    derivative = ACTIVATIONS[type(layer)][1]
                    gradient = derivative(gradient, value, values[name], leak)
        return result

    def train(
        self, batches: Batches, lr: float, fixed: Collection[str] = (), momentum: float = 0.0
    ) -> Iterator[int]:
        """Train by stochastic gradient descent, all weights but the fixed ones.

        Yields:
            the number of each epoch, from 1, after it.
        """
        velocity: dict[str, torch.Tensor] = {}
        for epoch, each in enumerate(batches.counts, start=1):
            counts = each.double()
            shares = counts / counts.sum(-1, keepdim=True).clamp(min=1)  # a member may have none
            for share in shares:
                for name, gradient in self.gradients(batches.x, batches.y, share).items():
                    if name in fixed:
                        continue
                    if momentum:
                        gradient.add_(velocity.get(name, 0), alpha=momentum)
                        velocity[name] = gradient
                    self.weights[name].sub_(gradient, alpha=lr)
            yield epoch


def _slope(name: str, layer: nn.Module, weights: Weights):
    """Find the slope of an activation below zero, if it has one."""
    if isinstance(layer, nn.PReLU):
        return weights[f"{name}.weight"][:, :, None]
    return getattr(layer, "negative_slope", None)


aten = torch.ops.aten  # PyTorch's kernels by their own names; autograd's derivatives are here
ACTIVATIONS: dict[type, tuple[Callable, Callable | None]] = {
    # value at z and slope; dL/dz from dL/dvalue, z, value and slope
    nn.Sigmoid: (lambda z, _: z.sigmoid(), lambda g, _, a, __: aten.sigmoid_backward(g, a)),
    nn.Tanh: (lambda z, _: z.tanh(), lambda g, _, a, __: aten.tanh_backward(g, a)),
    nn.ReLU: (lambda z, _: z.relu(), lambda g, _, a, __: aten.threshold_backward(g, a, 0)),
    nn.LeakyReLU: (
        aten.leaky_relu,
        lambda g, z, _, slope: aten.leaky_relu_backward(g, z, slope, False),
    ),
    nn.PReLU: (aten._prelu_kernel, None),  # whose derivative is one by the slope, too
}
