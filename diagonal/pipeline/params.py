"""params.yaml as typed, frozen, validated objects: the only place that reads YAML.

The file is read as YAML 1.2 with duplicate keys refused, as DVC reads it, so both see the same
values (`1e-3` is a number, `no` a string).
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from ruamel.yaml import YAML

from diagonal.errors import InputError
from diagonal.pipeline.models import MODELS

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Width = Annotated[int, Field(ge=1, le=65_536)]  # units of a layer
LearningRate = Annotated[float, Field(ge=1e-6, le=10)]
Ratio = Annotated[float, Field(ge=1e-3, le=1e6)]
Slope = Annotated[float, Field(ge=-10, le=10)]
Probability = Annotated[float, Field(ge=0, le=1)]
LayerSizes = Annotated[tuple[Width, ...], Field(min_length=1, max_length=32, strict=False)]


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
    group_by: Literal["image", "pattern", "mirror_group"]  # what stays on one side


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
    launch: Annotated[str, Field(pattern=r"^(python|torchrun( \S+)+)$")]


class TrainModel(Section):
    """The training of a model without hidden layers; lr is SGD's learning rate."""

    lr: LearningRate
    n_epochs: Epochs
    seed: Seed


class TrainDeepModel(TrainModel):
    """The training of a model with hidden layers: their units, first to last."""

    hidden: LayerSizes


class Evaluate(Section):
    """Where a probability becomes a prediction, and whether it is a mean over mirror images."""

    threshold: Probability
    tta: Literal["none", "hflip"]


class FeatureSpace(Section):
    """Which activation functions are drawn, over which pre-activations."""

    z_max: Annotated[float, Field(ge=0.1, le=100)]
    leaky_slope: Slope
    prelu_slope: Slope


class Common(Section):
    """All of params.yaml but the sections of the models."""

    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?|mps|auto)$")]
    generate: Generate
    split: Split
    transforms: Transforms
    balance: Balance
    train: Train
    evaluate: Evaluate
    feature_space: FeatureSpace


Params: Any = create_model(
    "Params",
    __doc__="All of params.yaml: `Common`, and a section `train_NAME` for each of MODELS.",
    __base__=Common,
    **{
        f"train_{name}": (TrainDeepModel if model.hidden else TrainModel, ...)
        for name, model in MODELS.items()
    },
)
Schema = TypeVar("Schema", bound=Section)
RENAMED = {"split.unit": "unit is now group_by, and its value orbit is now mirror_group"}


def load_params(path: str | Path = "params.yaml", schema: type[Schema] = Params) -> Schema:
    """Read and validate a file of parameters as a whole.

    Raises:
        InputError: the file is missing or no YAML, or does not fit the schema; a line for each
            error, with the key's path and pydantic's words.
    """
    try:
        document = YAML(typ="safe", pure=True).load(Path(path))
    except Exception as err:  # a broken file may lead its reader to any
        reason = " ".join(str(err).split())
        raise InputError(f"{path}: expected a YAML file, found: {reason}") from err
    try:
        return schema.model_validate(document)
    except ValidationError as err:
        raise InputError("\n".join(f"{path}: {_line(error)}" for error in err.errors())) from err


def _line(error: dict) -> str:
    key = ".".join(map(str, error["loc"])) or "the file"
    found = "" if error["type"] == "missing" else f", found {error['input']!r}"
    message = RENAMED.get(key) or f"{error['msg']}{found}"
    return " ".join(f"{key}: {message}".split())  # a key may hold a line break
