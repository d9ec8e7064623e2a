"""Train one member of an arm alone, by the ordinary trainer on the same images."""

import torch
from torch import nn, optim

from diagonal.claims.batches import DataSet, Inputs
from diagonal.pipeline.params import ClaimsBaseline
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.models import quantized_weights
from diagonal.training.sampling import make_balanced_sampler


def train_alone(
    model: nn.Module, inputs: Inputs, data: DataSet, base: ClaimsBaseline, seed: int, n_epochs: int
) -> dict[str, torch.Tensor]:
    """Train as the pipeline's stages do, and return the weights as they would be stored."""
    images, labels, index = map(torch.from_numpy, (inputs.images, inputs.labels, data.train))
    transform = scale_and_normalize(0.5, 0.5)
    options = {"batch_size": base.batch_size, "transform": transform, "dtype": torch.float64}
    sampler = make_balanced_sampler(labels[index])
    train = Batches(images, labels, index, sampler=sampler, hflip=base.hflip, **options)
    architecture = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=base.lr))
    architecture.set_loaders(train, Batches(images, labels, index[:1], **options))
    architecture.train(n_epochs, seed)
    return quantized_weights(model)
