"""The models of the pipeline: a line for each says how it is built, evaluated and drawn."""

from typing import NamedTuple


class Model(NamedTuple):
    """What is particular to a model, beside its section `train_NAME` of params.yaml."""

    activation: str  # follows each hidden layer: a key of `diagonal.training.models.ACTIVATIONS`
    color: str
    marker: str  # one of matplotlib's


MODELS = {  # in the lecture's order; with Okabe and Ito's palette
    "logistic": Model("none", "#009E73", "D"),
    "deepish": Model("none", "#CC79A7", "^"),
    "relu": Model("relu", "#E69F00", "v"),
}
