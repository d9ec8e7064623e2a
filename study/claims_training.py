"""Measure what the lecture claims of activations, gradients, dead units and normalisation."""

from functools import partial

from diagonal import command
from diagonal.errors import prefixed
from diagonal.figures.style import style
from study.experiments import activations, dead_units, gradients, normalization, results
from study.figures import training as figures
from study.params import Claims, load_study_params
from study.trainings.lines import Members
from study.trainings.parallel import processes

write = partial(results.write, "training")


def main() -> None:
    claims = load_study_params().claims
    members = results.cohort(claims.n, claims.first)
    with prefixed("study/params.yaml: claims"), processes(), style():
        activation_claims(claims, members)

        found, table = gradients.measure(claims.baseline, claims.gradients, members)
        write("gradients", found, table, figures.gradients(table))

        found, by_epoch = dead_units.measure(claims.baseline, claims.dead_units, members)
        write("dead_units", found, by_epoch, figures.dead_units(by_epoch, found))

        by_depth = normalization.train(claims.baseline, claims.batch_norm, members)
        table = normalization.table(by_depth)
        found = normalization.compare(by_depth, claims.converged)
        write("batch_norm", found, table, figures.batch_norm(table))


def activation_claims(claims: Claims, members: Members) -> None:
    """Train each activation: which ends best, which is fastest, what PReLU learns."""
    rates, trained = activations.train(claims.baseline, claims.lrs, members)
    ends = {which: activations.compare(by_name) for which, by_name in trained.items()}
    columns = {
        f"{which}_{name}": result.table["loss"]
        for which, by_name in trained.items()
        for name, result in by_name.items()
    }
    table = {"member": range(len(members)), **columns}
    write("activation", {"rates": rates, **ends}, table, figures.activation(ends, rates))

    fast = {w: activations.convergence(r, claims.converged) for w, r in trained.items()}
    reached = {w: activations.reached_by_epoch(r, claims.converged) for w, r in trained.items()}
    table = reached["lecture"].merge(reached["best"], on="epoch", suffixes=("_lecture", "_best"))
    write("convergence", fast, table, figures.convergence(reached, claims.converged))

    prelu = trained["best"]["prelu"]
    columns = {f"layer{place}": slopes for place, slopes in enumerate(prelu.slopes.T)}
    table = {"member": range(len(members)), **columns}
    learned = activations.learned_slopes(prelu)
    write("prelu", learned, table, figures.slopes(prelu.slopes[:-1]))


if __name__ == "__main__":
    command.run(main)
