"""Train the deep-ish network: hidden layers with no activation between them."""

from diagonal import command
from diagonal.training.stage import train


def main() -> None:
    train("deepish")


if __name__ == "__main__":
    command.run(main)
