"""Measure what the lecture claims about linear layers, units, layers and biases."""

from functools import partial

from diagonal import command
from diagonal.figures.style import style
from study.experiments import bias, one_matrix, parabolas, results
from study.figures import boundaries as figures
from study.params import load_study_params
from study.trainings.inputs import every_input
from study.trainings.parallel import processes

write = partial(results.write, "boundaries")


def main() -> None:
    params = load_study_params()
    claims, base = params.claims, params.claims.baseline
    with processes(), style():
        table = one_matrix.gaps(base, claims.one_matrix, results.cohort(claims.n, claims.first))
        found = one_matrix.summary(table)
        write("one_matrix", found, table, figures.one_matrix(table, found))

        seeds = range(claims.first, claims.first + claims.n)
        table = parabolas.shares(claims.parabolas, params.parabolas, seeds)
        found = parabolas.summary(table, claims.parabolas)
        write("parabolas", found, table, figures.parabolas(table, found))

        few = results.cohort(min(claims.n, claims.bias.n), claims.first)
        table = bias.trainings(base, few, claims.bias.n_epochs)
        found = {"planes": bias.planes(every_input(base.img_size)), "networks": bias.compare(table)}
        write("bias", found, table, figures.bias(found))


if __name__ == "__main__":
    command.run(main)
