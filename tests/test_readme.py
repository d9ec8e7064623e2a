"""What the README shows is what is there."""

import json
import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MODELS = ("logistic", "deepish", "relu")


def metrics(path):
    return json.loads((ROOT / "metrics" / path).read_text())


def test_the_table_of_results_holds_the_committed_metrics():
    rows = dict(re.findall(r"^\| (logistic|deepish|relu) \| (.*) \|$", README, re.M))
    assert set(rows) == set(MODELS)
    for name, row in rows.items():
        validation, population = (
            metrics(f"evaluate/{where}/{name}.json") for where in ("validation", "population")
        )
        model = metrics("evaluate/models.json")[name]
        study = metrics("seeds/summary.json")[name]
        loss, separates = study["population"]["loss"]["mean"], study["separates"]
        assert row.split(" | ") == [
            str(model["parameters"]),
            f"{model['loss']:.6f}",
            f"{model['val_loss']:.6f}",
            f"{validation['accuracy']:.3f}",
            f"{population['accuracy']:.3f}",
            f"{loss['value']:.3f} ({loss['low']:.3f} to {loss['high']:.3f})",
            "{} % ({} to {} %)".format(*percent(separates)),
        ]


def percent(share):
    return tuple(round(100 * share[key]) for key in ("proportion", "low", "high"))


def test_what_is_said_of_many_seeds_is_the_studys():
    relu = metrics("seeds/summary.json")["relu"]
    text = " ".join(README.split())
    against = relu["against"]["logistic"]
    wins = "in {} % (95 % interval: {} to {} %) by loss".format(*percent(against["loss"]["wins"]))
    assert wins in text
    wins, ties, losses = (percent(against["accuracy"][key]) for key in ("wins", "ties", "losses"))
    assert "in {} % ({} to {} %) by accuracy".format(*wins) in text
    assert f"with {ties[0]} % ties, {losses[0]} % losses" in text
    assert "about every line in {} % ({} to {} %)".format(*percent(relu["perfect"])) in text
    strict = "counted as wrong, in {} % ({} to {} %)".format(*percent(relu["perfect_strict"]))
    assert strict in text
    assert f"Ties are in {round(100 * relu['ties']['proportion'])} %." in text
    undecided = metrics("evaluate/validation/relu.json")["undecided"]
    tied = undecided * metrics("split.json")["val"]["images"]
    assert f"For {round(tied)} of the 60 images" in text


def test_the_picture_of_the_pipeline_is_dvcs(run):
    (shown,) = re.findall(r"```mermaid\n(.*?)\n```", README, re.S)
    drawn = run("dvc", "dag", "--mermaid").stdout

    names = dict(re.findall(r'(node\d+)\["(\w+)"\]', drawn))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(node\d+)-->(node\d+)", drawn)}
    ours = [line.strip().split(" --> ") for line in shown.splitlines()[1:]]
    written = [
        edge
        for sides in ours
        if len(sides) == 2
        for edge in product(*(side.split(" & ") for side in sides))
    ]
    assert len(edges) > 10
    assert sorted(written) == sorted(edges)
    assert {each for sides in ours for side in sides for each in side.split(" & ")} == {
        *names.values()
    }


def test_it_is_short():
    assert len(README.splitlines()) < 200


def test_links_pictures_and_the_tree_are_there():
    targets = re.findall(r"\]\(((?!http)[^)#]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    (tree,) = re.findall(r"## Where things are\n\n```\n(.*?)\n```", README, re.S)
    targets += [line.split()[0] for line in tree.splitlines()]
    assert len(targets) > 15
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "docs/ci.md"])
def test_make_targets_that_are_named_exist(name):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"`make ([a-z]+)", (ROOT / name).read_text()))
    assert targets
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_params_are_checked_before_dvc_touches_an_output(run):
    commands = run("make", "--dry-run", "repro").stdout
    assert -1 < commands.index("python -m checks.params") < commands.index("dvc repro")
