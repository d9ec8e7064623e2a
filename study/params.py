"""study/params.yaml as typed, frozen, validated objects."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from diagonal.pipeline.params import (
    Count,
    Epochs,
    LayerSizes,
    LearningRate,
    Probability,
    Section,
    Seed,
    Width,
    load_params,
)

Members = Annotated[int, Field(ge=2, le=65_536)]
Leak = Annotated[float, Field(gt=0, le=10)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
TwoEpochs = Annotated[tuple[Epochs, Epochs], Field(strict=False)]
Depth = Annotated[int, Field(ge=1, le=32)]  # hidden layers
Depths = Annotated[tuple[Depth, ...], Field(min_length=1, max_length=10, strict=False)]
Activation = Literal["none", "sigmoid", "tanh", "relu", "leaky_relu", "prelu"]


class Seeds(Section):
    """Which seeds the models are trained with to see how much hangs on them: first, first+1..."""

    n: Annotated[int, Field(ge=2, lt=2**31)]  # one alone has no interval
    first: Annotated[int, Field(ge=0, lt=2**31)]


class ParabolaNetwork(Section):
    """A network of the bonus chapter; its last hidden layer has two units, to be drawn."""

    hidden: LayerSizes
    activation: Literal["none", "sigmoid", "tanh", "relu"]
    seed: Seed

    @field_validator("hidden")
    @classmethod
    def _ends_in_two_units(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        if hidden[-1] != 2:
            raise PydanticCustomError("last_of_two", "2 units in the last hidden layer")
        return hidden


class ParabolaNetworks(Section):
    """The networks of the bonus chapter, in the order in which they are drawn."""

    affine: ParabolaNetwork
    sigmoid: ParabolaNetwork
    tanh: ParabolaNetwork
    relu: ParabolaNetwork
    deeper: ParabolaNetwork
    wider: ParabolaNetwork


class Parabolas(Section):
    """The bonus chapter's data and training: all points in each update."""

    n_points: Annotated[int, Field(ge=2, le=100_000)]
    seed: Seed
    lr: LearningRate
    momentum: Momentum
    n_epochs: Epochs
    networks: ParabolaNetworks


class ClaimsBaseline(Section):
    """The lecture's settings, from which the trainings of the experiments differ."""

    img_size: Annotated[int, Field(ge=3, le=16)]
    n_images: Annotated[int, Field(ge=20, le=10_000)]
    batch_size: Annotated[int, Field(ge=1, le=10_000)]
    hflip: Probability
    hidden: LayerSizes
    lr: LearningRate
    n_epochs: Epochs


class GradientClaims(Section):
    """Networks of 1 to `depths` hidden layers, all of this width."""

    depths: Depth
    width: Width


class DeadUnitClaims(Section):
    """How long units are watched, and for how much of that a leak has time to wake them."""

    leaks: Annotated[tuple[Leak, ...], Field(min_length=1, strict=False)]
    patience: Epochs
    n_epochs: Epochs

    @field_validator("n_epochs")
    @classmethod
    def _outlasts_patience(cls, n_epochs: int, info: ValidationInfo) -> int:
        patience = info.data.get("patience", 0)
        if n_epochs <= patience:
            raise PydanticCustomError(
                "patience", "more than patience, {patience}", {"patience": patience}
            )
        return n_epochs


class NormalizationClaims(Section):
    """Networks of these numbers of hidden layers, all of this width, and larger batches."""

    n_epochs: Epochs
    batch_size: Count
    depths: Depths
    width: Width


class ClaimsVariation(Section):
    """Seeds of each kind, 0 to levels-1, that are crossed with those of another kind."""

    levels: Annotated[int, Field(ge=2, le=256)]


class OneMatrixClaims(Section):
    """How far apart deepish and logistic regression are, after how many epochs."""

    n_epochs: Epochs
    n_shown: Annotated[int, Field(ge=2, le=1000)]


class ParabolaClaims(Section):
    """How often networks of all these widths and depths separate the parabolas."""

    n_points: Annotated[int, Field(ge=2, le=1000)]
    activation: Activation
    widths: Annotated[LayerSizes, Field(max_length=10)]
    depths: Depths


class BiasClaims(Section):
    """What networks do with and without biases, after two numbers of epochs."""

    n: Members  # no more than claims.n are taken
    n_epochs: TwoEpochs


class Claims(Section):
    """The experiments on what the lecture claims: n members, with seeds from the first on."""

    n: Members
    first: Annotated[int, Field(ge=0, lt=2**31)]
    lrs: Annotated[tuple[LearningRate, ...], Field(min_length=1, strict=False)]
    converged: Annotated[float, Field(gt=0, le=100)]
    baseline: ClaimsBaseline
    gradients: GradientClaims
    dead_units: DeadUnitClaims
    batch_norm: NormalizationClaims
    variation: ClaimsVariation
    one_matrix: OneMatrixClaims
    parabolas: ParabolaClaims
    bias: BiasClaims


class StudyParams(Section):
    """All of study/params.yaml."""

    seeds: Seeds
    parabolas: Parabolas
    claims: Claims


def load_study_params() -> StudyParams:
    """Read and validate study/params.yaml, see `diagonal.pipeline.params.load_params`."""
    return load_params("study/params.yaml", StudyParams)
