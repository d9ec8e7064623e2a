"""Measure what the lecture claims about linear layers, units, layers and biases."""

from functools import partial

import torch

from diagonal.claims import bias, one_matrix, parabolas, results
from diagonal.claims import boundaries_figures as figures
from diagonal.claims.batches import every_input
from diagonal.pipeline import command
from diagonal.pipeline.params import load_params
from diagonal.pipeline.style import style

write = partial(results.write, "boundaries")


def main() -> None:
    torch.set_num_threads(1)  # arms are trained side by side, each by a process
    params = load_params()
    claims, base = params.claims, params.claims.baseline
    with style():
        own = claims.one_matrix
        table = one_matrix.gaps(base, own, range(min(claims.n, own.n)))
        found = one_matrix.summary(table, own.n_epochs)
        write("one_matrix", found, table, figures.one_matrix(table, found))

        table = parabolas.shares(claims.parabolas, params.parabolas, range(claims.n))
        found = parabolas.summary(table, claims.parabolas)
        write("parabolas", found, table, figures.parabolas(table, found))

        table = bias.trainings(base, range(claims.n), claims.bias.n_epochs)
        found = {"planes": bias.planes(every_input(base.img_size)), **bias.summary(table)}
        write("bias", found, table, figures.bias(table, found))


if __name__ == "__main__":
    command.run(main)
