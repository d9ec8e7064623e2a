"""params.yaml as typed, frozen, validated objects: the only place that reads YAML.

The file is read as YAML 1.2 with duplicate keys refused, as DVC reads it, so both see the same
values (`1e-3` is a number, `no` a string).
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from diagonal.pipeline.errors import InputError

# Every range is one that the tests go to the ends of: tests/test_edges.py.
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Members = Annotated[int, Field(ge=2, le=65_536)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Width = Annotated[int, Field(ge=1, le=65_536)]  # units of a layer
LearningRate = Annotated[float, Field(ge=1e-6, le=10)]
Ratio = Annotated[float, Field(ge=1e-3, le=1e6)]
Leak = Annotated[float, Field(gt=0, le=10)]
Slope = Annotated[float, Field(ge=-10, le=10)]
Probability = Annotated[float, Field(ge=0, le=1)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
TwoEpochs = Annotated[tuple[Epochs, Epochs], Field(strict=False)]
LayerSizes = Annotated[tuple[Width, ...], Field(min_length=1, max_length=32, strict=False)]
Depth = Annotated[int, Field(ge=1, le=32)]  # hidden layers
Depths = Annotated[tuple[Depth, ...], Field(min_length=1, max_length=10, strict=False)]
Activation = Literal["none", "sigmoid", "tanh", "relu", "leaky_relu", "prelu"]
DEVICE, LAUNCH = r"^(cpu|cuda(:\d+)?|mps|auto)$", r"^(python|torchrun( \S+)+)$"
PATTERNS = {  # in words
    DEVICE: "cpu, cuda, cuda:N, mps or auto",
    LAUNCH: "python, or torchrun and its options",
}
EXPECTED = {  # pydantic's kind of error -> what is expected, where its own words are none
    "missing": "this key",
    "model_type": "keys with values",
    "tuple_type": "a list",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "string_pattern_mismatch": "{words}",
}


class Section(BaseModel):
    """A mapping in params.yaml: exactly these keys, no conversion between types, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Generate(Section):
    """The images of lines that are drawn; sizes in pixels."""

    img_size: Annotated[int, Field(ge=2, le=256)]  # all lines are drawn once: 6 S^3 bytes
    n_images: Annotated[int, Field(ge=1, le=10**9)]
    seed: Seed


class Split(Section):
    """How training and validation are told apart."""

    ratios: Annotated[tuple[Ratio, ...], Field(min_length=2, max_length=2, strict=False)]
    seed: Seed
    unit: Literal["image", "pattern", "orbit"]


class Transforms(Section):
    """What happens to pixels, in units of an image scaled to [0, 1]."""

    mean: Annotated[float, Field(ge=-10, le=10)]
    std: Annotated[float, Field(ge=0.01, le=100)]
    hflip: Probability


class Balance(Section):
    """How training images are weighed."""

    strategy: Literal["inverse_frequency", "none"]


class Train(Section):
    """What the trainings of all models share."""

    batch_size: Count
    seed: Seed
    precision: Literal["float64", "float32"]
    launch: Annotated[str, Field(pattern=LAUNCH)]  # how, not what


class TrainModel(Section):
    """The training of a model without hidden layers; lr is SGD's learning rate."""

    lr: LearningRate
    n_epochs: Epochs
    seed: Seed


class TrainDeepModel(TrainModel):
    """The training of a model with hidden layers: their units, first to last."""

    hidden: LayerSizes


class Seeds(Section):
    """Which seeds the models are trained with to see how much hangs on them: first, first+1..."""

    n: Annotated[int, Field(ge=2, lt=2**31)]  # one alone has no interval
    first: Annotated[int, Field(ge=0, lt=2**31)]


class Evaluate(Section):
    """Where a probability becomes a prediction, and whether it is a mean over mirror images."""

    threshold: Probability
    tta: Literal["none", "hflip"]


class FeatureSpace(Section):
    """Which activation functions are drawn, over which pre-activations."""

    z_max: Annotated[float, Field(ge=0.1, le=100)]
    leaky_slope: Slope
    prelu_slope: Slope


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
    """The lecture's settings, from which the arms of the experiments differ."""

    img_size: Annotated[int, Field(ge=3, le=16)]
    n_images: Annotated[int, Field(ge=20, le=10_000)]
    data_seed: Seed
    split_seed: Seed
    batch_size: Annotated[int, Field(ge=1, le=10_000)]
    hflip: Probability
    hidden: LayerSizes
    lr: LearningRate
    n_epochs: Epochs


class ClaimsAugmentation(Section):
    """How many seeds of the split hold lines back, and trainings with each."""

    split_seeds: Annotated[int, Field(ge=2, le=1000)]
    seeds_per_split: Annotated[int, Field(ge=1, le=1000)]


class ClaimsVariation(Section):
    """Seeds of each kind, 0 to levels-1, that are crossed with those of another kind."""

    levels: Annotated[int, Field(ge=2, le=256)]


class ActivationClaims(Section):
    """Activations at several learning rates; convergence is below this loss, in nats."""

    lrs: Annotated[tuple[LearningRate, ...], Field(min_length=1, strict=False)]
    sigmoid_lr: LearningRate
    converged: Annotated[float, Field(gt=0, le=100)]


class GradientClaims(Section):
    """Networks of 1 to `depths` hidden layers, all of this width."""

    depths: Depth
    width: Width
    n_epochs: Epochs


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


class OneMatrixClaims(Section):
    """How far apart deepish and logistic regression are: compared after two numbers of epochs."""

    n: Members  # no more than claims.n are taken
    n_epochs: TwoEpochs
    n_shown: Annotated[int, Field(ge=2, le=1000)]
    momentum: Momentum


class ParabolaClaims(Section):
    """How often networks of all these widths and depths separate the parabolas."""

    n_points: Annotated[int, Field(ge=2, le=1000)]
    activation: Activation
    widths: Annotated[LayerSizes, Field(max_length=10)]
    depths: Depths


class BiasClaims(Section):
    """What each model does with and without biases, after two numbers of epochs."""

    n_epochs: TwoEpochs


class Claims(Section):
    """The experiments on what the lecture claims: n trainings in each arm, with seeds 0 to n-1."""

    n: Members
    baseline: ClaimsBaseline
    activations: ActivationClaims
    gradients: GradientClaims
    dead_units: DeadUnitClaims
    batch_norm: NormalizationClaims
    augmentation: ClaimsAugmentation
    variation: ClaimsVariation
    one_matrix: OneMatrixClaims
    parabolas: ParabolaClaims
    bias: BiasClaims


class Params(Section):
    """All of params.yaml."""

    device: Annotated[str, Field(pattern=DEVICE)]
    generate: Generate
    split: Split
    transforms: Transforms
    balance: Balance
    train: Train
    train_logistic: TrainModel
    train_deepish: TrainDeepModel
    train_relu: TrainDeepModel
    seeds: Seeds
    evaluate: Evaluate
    feature_space: FeatureSpace
    parabolas: Parabolas
    claims: Claims


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and validate params.yaml as a whole.

    Raises:
        InputError: the file is missing or no YAML, or keys or values are not as above; a line
            per fault.
    """
    try:
        document = YAML(typ="safe", pure=True).load(Path(path))
    except RecursionError as err:
        raise InputError(f"{path}: expected a YAML file, found one that nests too deep") from err
    except (OSError, UnicodeDecodeError, YAMLError) as err:
        raise InputError(f"{path}: expected a YAML file, found: {_one_line(err)}") from err
    try:
        return Params.model_validate(document)
    except ValidationError as err:
        faults = err.errors(include_url=False)
        # Told once: a misspelt key, not as a missing one too; an element, not a list too short too.
        extra = [each["loc"] for each in faults if each["type"] == "extra_forbidden"]
        told = {(*loc[:-1], *_nearest(loc)) for loc in extra}
        told |= {each["loc"][:-1] for each in faults if each["loc"]}
        lines = [f"{path}: {_fault(each)}" for each in faults if each["loc"] not in told]
        raise InputError("\n".join(lines)) from err


def _one_line(err: Exception) -> str:
    if mark := getattr(err, "problem_mark", None):
        return f"{err.problem.splitlines()[0]} (line {mark.line + 1}, column {mark.column + 1})"
    return " ".join(str(err).split())


def _fault(fault: dict) -> str:
    """Put one of pydantic's errors as `key: expected this, found that`."""
    kind, name = fault["type"], ".".join(map(str, fault["loc"])) or "the file"
    if kind == "extra_forbidden":
        known = _nearest(fault["loc"]) or list(_section(fault["loc"]).model_fields)
        return f"{name}: expected the key {' or '.join(known)}, found this one"
    expected = EXPECTED.get(kind, fault["msg"].removeprefix("Input should be "))
    limits = {**fault.get("ctx", {}), "words": PATTERNS.get(fault.get("ctx", {}).get("pattern"))}
    found = "none" if kind == "missing" else repr(fault["input"])
    return f"{name}: expected {expected.format(**limits)}, found {found}"


def _nearest(location: tuple) -> list[str]:
    """Find the key of the same section that a misspelt one is most like, if there is one."""
    return get_close_matches(str(location[-1]), _section(location).model_fields, n=1)


def _section(location: tuple) -> type[Section]:
    section = Params
    for parent in location[:-1]:
        section = section.model_fields[parent].annotation
    return section
