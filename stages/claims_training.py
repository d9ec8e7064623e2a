"""Measure what the lecture claims of activations, gradients, dead units and normalisation."""

from functools import partial

import torch

from diagonal.claims import activations, arms, dead_units, gradients, normalization, results
from diagonal.claims import training_figures as figures
from diagonal.claims.batches import DataSet, Inputs, every_input
from diagonal.pipeline import command
from diagonal.pipeline.params import Claims, load_params
from diagonal.pipeline.style import style

write = partial(results.write, "training")


def main() -> None:
    torch.set_num_threads(1)  # arms are trained side by side, each by a process
    claims = load_params().claims
    inputs = every_input(claims.baseline.img_size)
    data = arms.data_set(inputs, claims.baseline)
    with style():
        activation_claims(claims, inputs, data)
        depth_claims(claims, inputs, data)


def activation_claims(claims: Claims, inputs: Inputs, data: DataSet) -> None:
    """Train each activation at several learning rates: who ends best, who is fastest."""
    base, own = claims.baseline, claims.activations
    batches = arms.batches(inputs, data, base, range(claims.n))
    rates = {base.lr, *own.lrs}
    trained = activations.train(inputs, batches, base, claims.n, rates, own.sigmoid_lr)
    lrs = {
        "lecture": dict.fromkeys(activations.ACTIVATIONS, base.lr),
        "best": activations.best(trained),
    }

    ends = {name: activations.compare(trained, each) for name, each in lrs.items()}
    table = activations.per_arm(trained, ("loss", "accuracy", "separates", "perfect", "ties"))
    write("activation", ends, table, figures.activation(ends))

    level = own.converged
    fast = {name: activations.convergence(trained, each, level) for name, each in lrs.items()}
    reached = {n: activations.reached_by_epoch(trained, each, level) for n, each in lrs.items()}
    table = reached["lecture"].merge(reached["best"], on="epoch", suffixes=("_lecture", "_best"))
    write("convergence", fast, table, figures.convergence(reached, level))

    prelu = trained["prelu", base.lr]
    learned = activations.learned_slopes(prelu, trained["leaky_relu", base.lr])
    columns = {f"layer{place}": each for place, each in enumerate(prelu.slopes.T)}
    table = {"seed": range(claims.n), **columns}
    write("prelu", learned, table, figures.slopes(prelu.slopes))


def depth_claims(claims: Claims, inputs: Inputs, data: DataSet) -> None:
    """Look inside networks: what gradients, units and activations do as they train."""
    base, own = claims.baseline, claims.gradients
    ratios = gradients.ratios(
        inputs, data, base, n=claims.n, depths=own.depths, width=own.width, n_epochs=own.n_epochs
    )
    table = gradients.table(ratios)
    write("gradients", gradients.compare(ratios), table, figures.gradients(table))

    own = claims.dead_units
    options = {"n_epochs": own.n_epochs, "leaks": own.leaks, "patience": own.patience}
    units, by_epoch = dead_units.measure(inputs, data, base, n=claims.n, **options)
    write("dead_units", units, by_epoch, figures.dead_units(by_epoch, units))

    own = claims.batch_norm
    options = {"n_epochs": own.n_epochs, "depths": own.depths, "width": own.width}
    larger = base.model_copy(update={"batch_size": own.batch_size})
    fed = normalization.train(inputs, data, larger, n=claims.n, **options)
    layers = normalization.table(fed)
    compared = normalization.compare(fed, claims.activations.converged)
    write("batch_norm", compared, layers, figures.batch_norm(layers))


if __name__ == "__main__":
    command.run(main)
