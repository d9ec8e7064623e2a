"""Train the deep network: hidden layers with a ReLU after each."""

from diagonal.shell import command
from diagonal.shell.params import load_params
from diagonal.training import models
from stages.train import train


def main() -> None:
    params = load_params()
    settings = params.train_relu

    def build(n_pixels, dtype):
        return models.relu(n_pixels, settings.hidden, seed=settings.seed, dtype=dtype)

    train("relu", build, settings=settings, params=params, with_history=True)


if __name__ == "__main__":
    command.run(main)
