"""Gradient descent with the chain rule written out, for networks like the lecture's.

Autograd records each operation and walks the record back, which on batches of 16 small images
takes three times as long as the arithmetic. Here the same kernels are called in the same order
without a record, so that weights and losses have the same bits.
"""

from collections.abc import Callable

import torch
from torch import nn, optim
from torch.nn import functional

from diagonal.training.architecture import Architecture

aten = torch.ops.aten  # PyTorch's kernels by their own names; autograd's derivatives are here
ACTIVATIONS = {  # module -> its value at z, and dL/dz from dL/dvalue and that value
    nn.ReLU: (torch.relu, lambda gradient, value: aten.threshold_backward(gradient, value, 0)),
    nn.Sigmoid: (torch.sigmoid, aten.sigmoid_backward),
    nn.Tanh: (torch.tanh, aten.tanh_backward),
}


class Descent(Architecture):
    """An Architecture for what is `known`."""

    def __init__(self, model: nn.Sequential, loss_fn: nn.BCELoss, optimizer: torch.optim.SGD):
        super().__init__(model, loss_fn, optimizer)
        self.to(self.device)

    def to(self, device) -> None:
        """Move the model to a device, and look at its weights there."""
        super().to(device)
        self.layers = [  # the weights themselves, but autograd keeps no record of these tensors
            (layer.state_dict().get("weight"), *ACTIVATIONS.get(type(layer), (None, None)))
            for layer in list(self.model)[1:]
        ]
        self.first = self.layers[0][0]
        self.one = torch.ones((), dtype=self.dtype, device=self.device)  # dL/dL

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
            value = x
        return loss

    def evaluate(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Compute a batch's loss, a scalar tensor."""
        return functional.binary_cross_entropy(self._values(x)[-1], y)

    def _values(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Run the network: what goes into each layer, (b, units), and last what comes out."""
        values = [x.flatten(1)]
        for weight, function, _ in self.layers:
            x = values[-1]
            values.append(function(x) if weight is None else functional.linear(x, weight))
        return values


def known(model: nn.Module, loss_fn: Callable, optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether `Descent` can train a network as autograd would.

    It is Flatten, then Linear without bias and known activations; the loss is `nn.BCELoss()`, and
    the optimizer is SGD without momentum, weight decay or the like.
    """
    plain = optim.SGD([torch.zeros(1)], lr=optimizer.defaults["lr"]).defaults
    kinds = [type(layer) for layer in model] if type(model) is nn.Sequential else []
    return (
        type(loss_fn) is nn.BCELoss
        and (type(optimizer), optimizer.defaults) == (optim.SGD, plain)
        and kinds[:2] == [nn.Flatten, nn.Linear]
        and {*kinds[2:]} <= {nn.Linear, *ACTIVATIONS}
        and not any(name.endswith("bias") for name, _ in model.named_parameters())
    )
