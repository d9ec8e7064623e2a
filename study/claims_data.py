"""Measure what the lecture claims of data: samplers, flips, normalised inputs, classes, seeds."""

from functools import partial

from diagonal import command
from diagonal.errors import prefixed
from diagonal.figures.style import style
from study.experiments import results
from study.experiments.augmentation import augmentation, test_time_augmentation
from study.experiments.balancing import balancing
from study.experiments.centring import centring
from study.experiments.three_classes import three_classes
from study.experiments.variation import variation
from study.figures import data as figures
from study.params import load_study_params
from study.trainings.parallel import processes

write = partial(results.write, "data")


def main() -> None:
    claims = load_study_params().claims
    base, members = claims.baseline, results.cohort(claims.n, claims.first)
    with prefixed("study/params.yaml: claims"), processes(), style():
        result, table = balancing(base, members)
        write("balancing", result, table, figures.balancing(result))

        result, table = augmentation(base, members)
        write("augmentation", result, table, figures.augmentation(result))

        result, table = test_time_augmentation(base, members)
        write("test_time_augmentation", result, table, figures.test_time_augmentation(result))

        result, table = centring(base, claims.lrs, members)
        write("centring", result, table, figures.centring(result))

        result, table = three_classes(base, members)
        write("three_classes", result, table, figures.three_classes(result))

        result, table = variation(base, claims.variation)
        write("variation", result, table, figures.variation(result))


if __name__ == "__main__":
    command.run(main)
