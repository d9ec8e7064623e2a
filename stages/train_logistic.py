"""Train the logistic regression: one linear layer and a sigmoid."""

from diagonal.shell import command
from diagonal.shell.params import load_params
from diagonal.training import models
from stages.train import train


def main() -> None:
    params = load_params()
    settings = params.train_logistic

    def build(n_pixels, dtype):
        return models.logistic(n_pixels, seed=settings.seed, dtype=dtype)

    train("logistic", build, settings=settings, params=params)


if __name__ == "__main__":
    command.run(main)
