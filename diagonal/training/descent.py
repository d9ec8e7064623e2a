"""Gradient descent with the chain rule written out, for networks like the lecture's.

Autograd records each operation and walks the record back, which on batches of 16 small images
takes three times as long as the arithmetic. Here the same kernels are called in the same order
without a record, so that weights and losses have the same bits.
"""

import torch
from torch import nn
from torch.nn import functional

from diagonal.training.architecture import Architecture

aten = torch.ops.aten  # PyTorch's kernels by their own names; autograd's derivatives are here
DERIVATIVES = {  # module -> dL/dz from dL/dvalue and the value at z
    nn.ReLU: lambda gradient, value: aten.threshold_backward(gradient, value, 0),
    nn.Sigmoid: aten.sigmoid_backward,
    nn.Tanh: aten.tanh_backward,
}


class Descent(Architecture):
    """An Architecture for a network that is `known`, on `nn.BCELoss()`, by plain `optim.SGD`."""

    def __init__(self, model: nn.Sequential, loss_fn: nn.BCELoss, optimizer: torch.optim.SGD):
        super().__init__(model, loss_fn, optimizer)
        _flatten, self.first, *_ = model
        self.one = torch.ones((), dtype=self.dtype, device=self.device)  # dL/dL

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Update the weights by one batch; return its loss before that, a scalar tensor.

        From the last layer to the first, for z = x W^T: dL/dW = (dL/dz)^T x and dL/dx = dL/dz W
        (Rumelhart, Hinton and Williams, 1986, Learning representations by back-propagating
        errors).
        """
        _flatten, *layers = self.model
        values = [x.flatten(1)]  # what goes into each layer, (b, units), and last what comes out
        for layer in layers:
            values.append(layer(values[-1]))
        loss = functional.binary_cross_entropy(values[-1], y)
        gradient = aten.binary_cross_entropy_backward(self.one, values[-1], y)
        lr = self.optimizer.param_groups[0]["lr"]
        for layer, x_in, value in zip(
            *map(reversed, (layers, values[:-1], values[1:])), strict=True
        ):
            if type(layer) is nn.Linear:
                change = gradient.t().mm(x_in)
                if layer is not self.first:
                    gradient = gradient.mm(layer.weight)
                layer.weight.add_(change, alpha=-lr)
            else:
                gradient = DERIVATIVES[type(layer)](gradient, value)
        return loss


def known(model: nn.Module) -> bool:
    """Tell whether a network is Flatten, then Linear without bias and known activations."""
    kinds = [type(layer) for layer in model] if type(model) is nn.Sequential else []
    return (
        kinds[:2] == [nn.Flatten, nn.Linear]
        and {*kinds[2:]} <= {nn.Linear, *DERIVATIVES}
        and not any(name.endswith("bias") for name, _ in model.named_parameters())
    )
