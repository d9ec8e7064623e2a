"""Many trainings of one network at once: members that differ in their seeds alone.

A member starts from the weights of its own initialisation seed and trains on the batches of its
own sampling seed: the numbers that `Batches` would draw, member by member. What is batched is the
arithmetic: weights and images have a leading axis of members.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.nn import functional

from diagonal.training.batches import draw, weighted_sampler
from diagonal.training.models import stored

LARGEST = 512  # number of members: more at once are hardly faster
NUMBERS = 2**22  # that an ensemble's largest array holds, whatever the number of members


class Ensemble:
    """Networks of one shape, trained as one by stochastic gradient descent.

    Args:
        networks: the members with their initial weights, each as `models.network` builds it:
            linear layers without bias, and functions of single numbers between them.
        lr: learning rate.
        n_epochs: how long its members train.
        device: where they train.
    """

    def __init__(
        self, networks: Sequence[nn.Sequential], *, lr: float, n_epochs: int, device="cpu"
    ):
        self.network, self.lr, self.n_epochs = networks[0], lr, n_epochs
        states = [network.state_dict() for network in networks]
        self.weights = {
            name: torch.stack([state[name] for state in states]).to(device).requires_grad_()
            for name in states[0]
        }

    def update(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take one step of each member.

        Each loss depends on one member's weights alone. So the gradient of their sum holds the
        gradients of all.

        Args:
            x: images as columns (members, pixels, batch).
            y: labels (members, 1, batch).
        """
        *_, predicted = self._layers(self.weights, x)
        losses = functional.binary_cross_entropy(predicted, y, reduction="none")
        weights = list(self.weights.values())
        gradients = torch.autograd.grad(losses.mean(dim=(1, 2)).sum(), weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(gradient, alpha=self.lr)

    def stored_weights(self) -> dict[str, torch.Tensor]:
        """Round the weights (members, units out, units in) as models are stored."""
        return {name: stored(weight.detach()).cpu() for name, weight in self.weights.items()}

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run images through the stored members, in float64.

        Args:
            x: images, float64 (n, pixels) on the CPU.

        Returns:
            probabilities (members, n); and the number of ReLUs that are zero for every image,
            int64 (members,).
        """
        weights = {name: weight.double() for name, weight in self.stored_weights().items()}
        layers = list(self._layers(weights, x.mT))
        dead = torch.zeros(len(layers[-1]), dtype=torch.int64)
        for layer, activations in zip(self.network, layers, strict=True):
            if isinstance(layer, nn.ReLU):
                dead += (activations == 0).all(dim=2).sum(dim=1)
        return layers[-1][:, 0], dead

    def _layers(self, weights, x) -> Iterator[torch.Tensor]:
        """Yield what each layer of the network makes of x, images as columns, in all members."""
        for name, layer in self.network.named_children():
            if isinstance(layer, nn.Linear):
                x = weights[f"{name}.weight"] @ x
            elif not isinstance(layer, nn.Flatten):
                x = layer(x)
            yield x


def train(
    ensembles: Sequence[Ensemble], x: torch.Tensor, y: torch.Tensor, *, draws, batch_size: int
) -> None:
    """Train several ensembles, whose members share their batches.

    Args:
        ensembles: all with equally many members, on the device of the images.
        x: images (n, 1, S, S), scaled and normalised.
        y: labels (n, 1).
        draws: epochs of `draw_epochs`, at least as many as the longest training has.
        batch_size: images per batch; the last batch may be shorter.
    """
    x, y = torch.cat([x, x.flip(-1)]).flatten(1), torch.cat([y, y])[:, 0]
    for epoch in range(max(each.n_epochs for each in ensembles)):
        training = [each for each in ensembles if epoch < each.n_epochs]
        for index in next(draws).to(x.device).split(batch_size, dim=1):
            columns = x.index_select(0, index.flatten()).unflatten(0, index.shape).mT
            labels = y[index].unsqueeze(1)
            for each in training:
                each.update(columns, labels)


def members_at_once(n_images: int, n_pixels: int, batch_size: int) -> int:
    """Find how many members to train together, to bound the memory that they take."""
    largest_array = max(min(batch_size, n_images) * n_pixels, n_images)
    return max(min(NUMBERS // largest_array, LARGEST), 1)


def draw_epochs(weights, *, seeds: Sequence[int], hflip: float) -> Iterator[torch.Tensor]:
    """Draw, epoch by epoch and without end, the images that each member is trained on.

    Args:
        weights: of the n images in the draw.
        seeds: one for each member, of its sampler and of its flips.
        hflip: probability that a drawn image is mirrored.

    Yields:
        int64 (members, n): the image's number, plus n where it is mirrored.
    """
    samplers = [weighted_sampler(weights) for _ in seeds]
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]  # each a global stream
    for sampler, seed in zip(samplers, seeds, strict=True):
        sampler.generator.manual_seed(seed)
    base_seed = torch.empty((), dtype=torch.int64)
    while True:
        for stream in streams:
            base_seed.random_(generator=stream)  # the training loader's
        drawn = torch.stack([draw(sampler) for sampler in samplers])
        flips = [torch.rand(len(weights), generator=stream) for stream in streams]
        for stream in streams:
            base_seed.random_(generator=stream)  # the validation loader's
        yield drawn + len(weights) * (torch.stack(flips) < hflip)
