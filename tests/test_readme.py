"""What the READMEs and docs/ show is what is there."""

import csv
import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from checks.wiring import below, declared

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TEXT = " ".join(README.split())
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = ["README.md", "study/README.md", "data/README.md", "benchmarks/README.md"]
PAGES += sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))


def metrics(path):
    return json.loads((ROOT / path).read_text())


def percent(share):
    return [round(100 * share[key]) for key in ("proportion", "low", "high")]


def test_the_table_of_results_is_the_committed_metrics():
    rows = dict(re.findall(r"^\| (logistic|deepish|relu) \| (.*) \|$", README, re.M))
    models = metrics("metrics/evaluate/models.json")
    assert rows.keys() == models.keys()
    for name, model in models.items():
        validation = metrics(f"metrics/evaluate/validation/{name}.json")
        losses = [f"{model[key]:.6f}" for key in ("loss", "val_loss")]
        shares = [f"{validation[key]:.3f}" for key in ("accuracy", "undecided")]
        assert rows[name].split(" | ") == [str(model["parameters"]), *losses, *shares]
    undecided = metrics("metrics/evaluate/validation/relu.json")["undecided"]
    n_val = metrics("metrics/split.json")["val"]["images"]
    assert f"For {round(undecided * n_val)} of the {n_val} validation images" in TEXT
    assert f"only {metrics('metrics/generate.json')['distinct']} different images" in TEXT
    plain = metrics("metrics/evaluate/validation/logistic.json")["loss"]
    assert f"shows {plain:.5f} instead of {models['logistic']['val_loss']:.6f}" in TEXT


def test_what_is_said_of_many_seeds_is_the_studys():
    relu = metrics("study/metrics/seeds/summary.json")["relu"]
    against = relu["against"]["logistic"]
    loss, low, high = percent(against["loss"]["wins"])
    shares = (against["accuracy"]["wins"], relu["perfect"], relu["perfect_strict"])
    accuracy, perfect, strict = (percent(share)[0] for share in shares)
    assert f"in {loss} % of these runs (95 % confidence interval: {low} to {high} %)" in TEXT
    assert f"accuracy is higher in {accuracy} %" in TEXT
    assert f"whole population in {perfect} %, or in {strict} % if" in TEXT
    groups = metrics("study/metrics/claims/data/augmentation.json")
    found = (groups[name]["models"]["relu"]["on"] for name in ("pattern", "mirror_group"))
    new, mirrored = (f"{100 * flips['accuracy']['median']:.0f} %" for flips in found)
    assert f"median accuracy in the study is {new}; if" in TEXT
    assert f"(`mirror_group`), it is {mirrored}." in TEXT
    held_back = (groups[name]["held_back"] for name in ("pattern", "mirror_group"))
    (diagonals,) = {f"{100 * images['diagonals']['median']:.0f} %" for images in held_back}
    assert f"“diagonal” gets {diagonals} on either" in TEXT
    loss = metrics("study/metrics/seeds/population/relu.json")["loss"]
    assert f"population/relu.json  loss          {loss:.5g} " in README


def test_the_five_claims_are_those_of_the_study():
    with (ROOT / "study/plots/verdicts.csv").open() as file:
        rows = list(csv.DictReader(file))
    expected = []
    for row in rows:
        true, opposite = (float(row[key] or 0) for key in ("proportion", "opposite"))
        shares = " | ".join(f"{abs(share):.0%}" for share in (true, 1 - true - opposite, opposite))
        expected.append(f"| {row['statement']} | {shares} | {row['verdict']} |".replace("%", " %"))
    shown = re.findall(r"^\| .* \| .* % \| .* \|$", README, re.M)
    assert len(shown) == 5 and f"tests {len(rows)} claims" in TEXT
    assert set(shown) <= set(expected)


def test_the_picture_of_the_stages_is_dvc_yamls():
    (shown,) = re.findall(r"```mermaid\nflowchart TD\n(.*?)\n```", README, re.S)
    sides = [line.split(" --> ") for line in shown.splitlines()]
    drawn = [edge for a, b in sides for edge in product(a.split(" & "), b.split(" & "))]
    stages = declared(ROOT)
    expected = [
        (a, b)
        for a, b in product(stages, stages)
        for outs, deps in [(stages[a]["outputs"], stages[b]["inputs"])]
        if any(below(out, deps) for out in outs) or any(below(dep, outs) for dep in deps)
    ]
    assert sorted((a.strip(), b) for a, b in drawn) == sorted(expected)


@pytest.mark.skipif(not (ROOT / "data/raw").exists(), reason="data are not there: make repro")
def test_the_datasheet_is_what_the_files_hold():
    text = (ROOT / "data/README.md").read_text()
    rows = re.findall(r"^\| (`.*?`) \| (.*?\), \w+) \|", text, re.M)
    shown = {name: shape for names, shape in rows for name in re.findall(r"`(.*?)`", names)}
    arrays = {name: np.load(ROOT / "data" / name) for name in shown if name.endswith(".npy")}
    arrays |= load_file(ROOT / "data/split/patterns.safetensors")
    assert shown == {name: f"{array.shape}, {array.dtype}" for name, array in arrays.items()}


@pytest.mark.parametrize("page", PAGES)
def test_links_files_modules_and_make_targets_exist(page):
    text, folder = (ROOT / page).read_text(), (ROOT / page).parent
    links = re.findall(r"\]\(((?!http)[^)#]+)", text) + re.findall(r'src="([^"]+)"', text)
    assert [link for link in links if not (folder / link).exists()] == []
    for tree in re.findall(r"## Where things are\n\n```\n(.*?)\n```", text, re.S):
        named = [path for line in tree.splitlines() for path in line.split("  ")[0].split()]
        assert len(named) > 10
        assert [path for path in named if not (ROOT / path).exists()] == []
    for module in re.findall(r"python -m ([a-z]+(?:\.\w+)*)", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    targets = re.findall(r"(?:^|`)(?:make|    - make) ([a-z]+)", text, re.M)
    assert [target for target in targets if f"\n{target}:" not in MAKEFILE] == []


def test_make_repro_checks_the_parameters_before_dvc_touches_an_output():
    (recipe,) = re.findall(r"^repro:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    assert -1 < recipe.find("checks.params") < recipe.find("dvc repro")
