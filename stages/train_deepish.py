"""Train the deep-ish network: hidden layers with no activation between them."""

from diagonal.shell import command
from diagonal.shell.params import load_params
from diagonal.training import models
from stages.train import train


def main() -> None:
    params = load_params()
    settings = params.train_deepish

    def build(n_pixels, dtype):
        return models.deepish(n_pixels, settings.hidden, seed=settings.seed, dtype=dtype)

    train("deepish", build, settings=settings, params=params)


if __name__ == "__main__":
    command.run(main)
