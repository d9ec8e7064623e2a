"""Measure what the lecture claims about linear layers, units, layers and biases."""

import torch

from diagonal.claims import bias, boundaries_figures, one_matrix, parabolas
from diagonal.claims.batches import every_input
from diagonal.pipeline import command, files
from diagonal.pipeline.params import load_params
from diagonal.pipeline.style import style


def main() -> None:
    torch.set_num_threads(1)  # on matrices this small, threads would wait for each other
    params = load_params()
    claims, base = params.claims, params.claims.baseline
    tables, metrics = {}, {}

    settings = claims.one_matrix
    tables["one_matrix"] = one_matrix.gaps(base, settings, range(min(claims.n, settings.n)))
    metrics["one_matrix"] = one_matrix.summary(tables["one_matrix"], settings.n_epochs)

    tables["parabolas"] = parabolas.shares(claims.parabolas, params.parabolas, range(claims.n))
    metrics["parabolas"] = parabolas.summary(tables["parabolas"], claims.parabolas)

    seeds = range(min(claims.n, claims.bias.n))
    tables["bias"] = bias.trainings(base, seeds, claims.bias.n_epochs)
    planes = bias.planes(every_input(base.img_size))
    metrics["bias"] = {"planes": planes, **bias.summary(tables["bias"])}

    for name, table in tables.items():
        files.write_table(f"plots/claims/boundaries/{name}.csv", table)
        files.write_metrics(f"metrics/claims/boundaries/{name}.json", metrics[name])
        with style():
            figure = getattr(boundaries_figures, name)(table, metrics[name])
            files.write_figure(f"plots/claims/boundaries/pictures/{name}.png", figure)


if __name__ == "__main__":
    command.run(main)
