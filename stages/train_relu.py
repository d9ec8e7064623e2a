"""Train the deep network: hidden layers with a ReLU after each."""

from diagonal import command
from diagonal.training.stage import train


def main() -> None:
    train("relu", with_history=True)


if __name__ == "__main__":
    command.run(main)
