"""The models of the pipeline. README.md says what a new one needs beside a line here."""

from typing import NamedTuple


class Model(NamedTuple):
    """How a model differs from the others, beside its section `train_NAME` of params.yaml.

    activation: follows each hidden layer, a key of `diagonal.training.models.ACTIVATIONS`.
    hidden: whether the model has hidden layers, and its section their sizes.
    """

    activation: str
    hidden: bool = True


MODELS = {  # in the lecture's order
    "logistic": Model("none", hidden=False),
    "deepish": Model("none"),
    "relu": Model("relu"),
}
