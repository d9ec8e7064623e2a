"""Train the logistic regression: one linear layer and a sigmoid."""

from diagonal import command
from diagonal.training.stage import train


def main() -> None:
    train("logistic")


if __name__ == "__main__":
    command.run(main)
