"""Measure what the lecture claims of data: samplers, flips, normalised inputs, classes, seeds."""

import torch

from diagonal.claims import data_figures as figures
from diagonal.claims.augmentation import augmentation, test_time_augmentation
from diagonal.claims.balancing import balancing
from diagonal.claims.centring import centring
from diagonal.claims.three_classes import three_classes
from diagonal.claims.variation import variation
from diagonal.pipeline import command, files
from diagonal.pipeline.errors import located
from diagonal.pipeline.params import load_params
from diagonal.pipeline.style import style


def main() -> None:
    torch.set_num_threads(1)  # two arms are trained at a time, each by one thread
    claims = load_params().claims
    base, n = claims.baseline, claims.n
    with located("params.yaml: claims"), style():
        write("balancing", *balancing(base, n))
        result, table, splits = augmentation(base, n, claims.augmentation)
        write("augmentation", result, table, splits)
        files.write_table("plots/claims/data/splits.csv", splits)
        write("test_time_augmentation", *test_time_augmentation(base, n))
        write("centring", *centring(base, n))
        write("three_classes", *three_classes(base, n))
        write("variation", *variation(base, claims.variation))


def write(name: str, result: dict, table, *drawn) -> None:
    """Write an experiment's result, its trainings and its figure."""
    files.write_metrics(f"metrics/claims/data/{name}.json", result)
    files.write_table(f"plots/claims/data/{name}.csv", table)
    figure = getattr(figures, name)(result, *drawn)
    files.write_figure(f"plots/claims/data/pictures/{name}.png", figure)


if __name__ == "__main__":
    command.run(main)
