"""Many trainings of one network at once: members that differ in their seeds alone.

A member starts from the weights of its own initialisation seed and trains on the batches of its
own sampling seed: the numbers that `Batches` would draw, member by member. What is batched is the
arithmetic, by torch.func: weights and images have a leading axis of members.
"""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import nn, optim
from torch.func import functional_call, stack_module_state
from torch.nn import functional
from torch.utils.data import Sampler

from diagonal.training.batches import Batches
from diagonal.training.models import quantized
from diagonal.training.sampling import draw

LARGEST = 512  # number of members: more at once are hardly faster
NUMBERS = 2**22  # that an ensemble's largest array holds, whatever the number of members


class Ensemble:
    """Networks of one shape, trained as one by stochastic gradient descent for some epochs.

    The members, with their initial weights, are any modules of images to probabilities.
    """

    def __init__(self, networks: Sequence[nn.Module], *, lr: float, n_epochs: int, device="cpu"):
        self.n_members, self.n_epochs = len(networks), n_epochs
        self.model = copy.deepcopy(networks[0]).to("meta")  # the shape alone
        stacked, buffers = stack_module_state(networks)
        self.parameters = {
            name: each.detach().to(device).requires_grad_() for name, each in stacked.items()
        }
        self.buffers = {name: each.to(device) for name, each in buffers.items()}
        self.optimizer = optim.SGD(self.parameters.values(), lr=lr)

    def update(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take one step of each member, by its images (members, b, C, S, S) and labels (.., b, 1).

        Each loss depends on one member's weights alone. So the gradient of their sum holds the
        gradients of all.
        """
        predicted = _apply(self.model.train(), self.parameters | self.buffers, x)
        losses = functional.binary_cross_entropy(predicted, y, reduction="none")
        losses.mean(dim=(1, 2)).sum().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def quantized_weights(self) -> dict[str, torch.Tensor]:
        """Round the weights (members, ...) as models are stored."""
        return {name: quantized(each.detach()).cpu() for name, each in self.parameters.items()}

    @torch.no_grad()
    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run images, float64 (n, C, S, S), through the members as they would be stored.

        Returns:
            probabilities (members, n); and how many units behind ReLUs, in a module that is a
            sequence, are zero for every image: int64 (members,).
        """
        stored = {**self.buffers, **self.quantized_weights()}
        wide = {torch.float32: torch.float64}  # running statistics, too
        state = {k: v.cpu().to(wide.get(v.dtype, v.dtype)) for k, v in stored.items()}
        model, x = self.model.eval(), x.expand(self.n_members, *x.shape)
        dead = torch.zeros(len(x), dtype=torch.int64)
        for place, layer in enumerate(model if isinstance(model, nn.Sequential) else ()):
            if isinstance(layer, nn.ReLU):
                silent = (_apply(model[: place + 1], state, x) == 0).all(dim=1)
                dead += silent.flatten(1).sum(dim=1)
        return _apply(model, state, x)[..., 0], dead


def _apply(model: nn.Module, state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Apply a module with each member's own weights and buffers to its own x (members, ...)."""
    own = {name: state[name] for name in model.state_dict()}
    return torch.vmap(lambda weights, x: functional_call(model, weights, (x,)))(own, x)


def train(ensembles: Sequence[Ensemble], batches: Batches, draws: Iterator) -> None:
    """Train ensembles on the data of such batches, by draws of `draw_epochs` that they share."""
    for epoch in range(max(each.n_epochs for each in ensembles)):
        train_epoch([each for each in ensembles if epoch < each.n_epochs], batches, next(draws))


def train_epoch(ensembles: Sequence[Ensemble], batches: Batches, draws: tuple) -> None:
    """Train ensembles for an epoch, by what `draw_epochs` yields for it."""
    parts = (each.split(batches.batch_size, dim=1) for each in draws)
    for drawn, mirrored in zip(*parts, strict=True):
        flat = batches.gather(batches.index[drawn.flatten()], mirrored.flatten())
        x, y = (each.unflatten(0, drawn.shape) for each in flat)
        for each in ensembles:
            each.update(x, y)


def members_at_once(n_images: int, n_pixels: int, batch_size: int) -> int:
    """Find how many members to train together, to bound the memory that they take."""
    largest_array = max(min(batch_size, n_images) * n_pixels, n_images)
    return max(min(NUMBERS // largest_array, LARGEST), 1)


def draw_epochs(
    samplers: Sequence[Sampler], *, seeds: Sequence[int], hflip: float
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Draw, epoch by epoch and without end, the images that each member is trained on.

    Each member has a sampler, of n images each, with its own generator. Its seed is that of the
    sampler and of the flips.

    Yields:
        which images, int64 (members, n), and which are mirrored, bool (members, n).
    """
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]  # each a global stream
    for sampler, seed in zip(samplers, seeds, strict=True):
        sampler.generator.manual_seed(seed)
    base_seed = torch.empty((), dtype=torch.int64)
    while True:
        for stream in streams:
            base_seed.random_(generator=stream)  # the training loader's
        drawn = torch.stack([draw(sampler) for sampler in samplers])
        flips = [torch.rand(drawn.shape[1], generator=stream) for stream in streams]
        for stream in streams:
            base_seed.random_(generator=stream)  # the validation loader's
        yield drawn, torch.stack(flips) < hflip
