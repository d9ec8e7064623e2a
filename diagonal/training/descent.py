"""Gradient descent with the chain rule written out, for networks like the lecture's.

Autograd records each operation and walks the record back, which on batches of 16 small images
takes several times longer than the arithmetic. Here the same kernels are called in the same order
without a record, so that weights and losses have the same bits.
"""

from collections.abc import Callable

import torch
from torch import nn, optim
from torch.nn import functional

aten = torch.ops.aten  # PyTorch's kernels by their own names; autograd's derivatives are here
ACTIVATIONS = {  # module -> its value at z, and dL/dz from dL/dvalue and that value
    nn.ReLU: (torch.relu, lambda gradient, value: aten.threshold_backward(gradient, value, 0)),
    nn.Sigmoid: (torch.sigmoid, aten.sigmoid_backward),
}


class Descent:
    """Update and evaluate a network that is `known`, a batch at a time; call under `no_grad`.

    Args:
        model: Flatten, then Linear without bias, ReLU and Sigmoid; updated in place.
        optimizer: its learning rate is read at each update.
    """

    def __init__(self, model: nn.Sequential, optimizer: optim.SGD):
        self.optimizer = optimizer
        self.layers = [
            (getattr(layer, "weight", None), *ACTIVATIONS.get(type(layer), (None, None)))
            for layer in list(model)[1:]
        ]
        self.first = next(model.parameters())
        self.one = torch.ones_like(self.first[0, 0])  # dL/dL

    def evaluate(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Compute a batch's mean binary cross-entropy in nats, a scalar tensor."""
        return functional.binary_cross_entropy(self._values(x)[-1], y)

    def update(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Update the weights by one batch; return its loss before that, a scalar tensor.

        From the last layer to the first, for z = x W^T: dL/dW = (dL/dz)^T x and dL/dx = dL/dz W
        (Rumelhart, Hinton and Williams, 1986, Learning representations by back-propagating
        errors).
        """
        values = self._values(x)
        value = values.pop()
        loss = functional.binary_cross_entropy(value, y)
        gradient = aten.binary_cross_entropy_backward(self.one, value, y)
        lr = self.optimizer.param_groups[0]["lr"]
        for weight, _, derivative in reversed(self.layers):
            x = values.pop()
            if weight is None:
                gradient = derivative(gradient, value)
            else:
                change = gradient.t().mm(x)
                if weight is not self.first:
                    gradient = gradient.mm(weight)
                weight.add_(change, alpha=-lr)
            if weight is self.first:
                break
            value = x
        return loss

    def _values(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Compute what goes into each layer, (n, units), and last what comes out, (n, 1)."""
        values = [x.flatten(1)]
        for weight, activation, _ in self.layers:
            x = values[-1]
            values.append(activation(x) if weight is None else functional.linear(x, weight))
        return values


def known(model: nn.Module, loss_fn: Callable, optimizer: optim.Optimizer) -> bool:
    """Tell whether `Descent` does with these what autograd would do, bit for bit.

    That is so for an `nn.Sequential` of Flatten, then Linear without bias, ReLU and Sigmoid, on
    the mean binary cross-entropy, by plain stochastic gradient descent over all its weights, as
    long as nobody has hooked into any of them.
    """
    return (
        _known_model(model)
        and _known_optimizer(optimizer, [layer.weight for layer in model if _linear(layer)])
        and type(loss_fn) is nn.BCELoss
        and loss_fn.weight is None
        and loss_fn.reduction == "mean"
        and not any(map(_hooked, (*model.modules(), loss_fn, optimizer)))
    )


def _known_model(model: nn.Module) -> bool:
    flatten, *layers = model if type(model) is nn.Sequential and len(model) else [None]
    return (
        type(flatten) is nn.Flatten
        and (flatten.start_dim, flatten.end_dim) == (1, -1)
        and all(_linear(layer) or type(layer) in ACTIVATIONS for layer in layers)
        and not any(getattr(layer, "inplace", False) for layer in layers)
    )


def _known_optimizer(optimizer: optim.Optimizer, weights: list[nn.Parameter]) -> bool:
    if type(optimizer) is not optim.SGD or not weights:
        return False
    group = optimizer.param_groups[0]
    return (
        list(map(id, group["params"])) == list(map(id, weights))  # and no other group has any
        and all(weight.requires_grad and weight.grad is None for weight in weights)
        and not any(each._backward_hooks or each._post_accumulate_grad_hooks for each in weights)
        and not any(group[key] for key in group.keys() - {"params", "lr"})  # no momentum, no decay
        and isinstance(group["lr"], float)
        and "step" not in vars(optimizer)  # a learning rate scheduler puts one there
    )


def _linear(layer: nn.Module) -> bool:
    return type(layer) is nn.Linear and layer.bias is None


def _hooked(thing) -> bool:
    """Tell whether someone wants to be called during its forward, backward or step."""
    return any(hooks for name, hooks in vars(thing).items() if name.endswith("_hooks"))
