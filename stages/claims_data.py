"""Measure what the lecture claims of data: samplers, flips, normalised inputs, classes, seeds."""

from functools import partial

import torch

from diagonal.claims import data_figures as figures
from diagonal.claims import results
from diagonal.claims.augmentation import augmentation, test_time_augmentation
from diagonal.claims.balancing import balancing
from diagonal.claims.centring import centring
from diagonal.claims.three_classes import three_classes
from diagonal.claims.variation import variation
from diagonal.pipeline import command, files
from diagonal.pipeline.errors import located
from diagonal.pipeline.params import load_params
from diagonal.pipeline.style import style

write = partial(results.write, "data")


def main() -> None:
    torch.set_num_threads(1)  # arms are trained side by side, each by a process
    claims = load_params().claims
    base, n = claims.baseline, claims.n
    with located("params.yaml: claims"), style():
        result, table = balancing(base, n)
        write("balancing", result, table, figures.balancing(result))

        result, table, splits = augmentation(base, n, claims.augmentation)
        write("augmentation", result, table, figures.augmentation(result, splits))
        files.write_table("plots/claims/data/splits.csv", splits)

        result, table = test_time_augmentation(base, n)
        write("test_time_augmentation", result, table, figures.test_time_augmentation(result))

        result, table = centring(base, n)
        write("centring", result, table, figures.centring(result))

        result, table = three_classes(base, n)
        write("three_classes", result, table, figures.three_classes(result))

        result, table = variation(base, claims.variation)
        write("variation", result, table, figures.variation(result))


if __name__ == "__main__":
    command.run(main)
