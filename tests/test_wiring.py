from pathlib import Path

import pytest
from ruamel.yaml import YAML

from checks.wiring import (
    code_faults,
    declared,
    import_closure,
    param_faults,
    watched_faults,
)

ROOT = Path(__file__).parents[1]
STAGES = declared(ROOT)


def test_there_is_a_stage_for_each_script_and_a_section_for_each_stage():
    params = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    assert set(STAGES) <= {path.stem for path in (ROOT / "stages").glob("*.py")}
    without_section = set(STAGES) - set(params)
    assert not without_section
    dvc_yaml = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")
    for name, stage in dvc_yaml["stages"].items():
        assert stage["cmd"] == f"python -m stages.{name}"
        assert stage["desc"]


def test_each_stages_code_is_what_its_script_imports():
    assert code_faults(ROOT) == []


def test_stages_do_not_import_stages():
    for name in STAGES:
        others = {f"stages/{other}.py" for other in STAGES if other != name}
        assert not import_closure(ROOT, f"stages/{name}.py") & others


def test_inputs_are_outputs_of_other_stages():
    outputs = [output for stage in STAGES.values() for output in stage["outputs"]]
    assert len(outputs) == len(set(outputs))
    for stage in STAGES.values():
        assert stage["inputs"] <= set(outputs) - stage["outputs"]


@pytest.mark.parametrize(
    ("stage", "absent"),
    [
        ("generate", {"torch", "scipy"}),
        ("split", {"torch", "scipy"}),
        ("balance", {"torch", "scipy"}),
        ("train_relu", {"torchvision", "scipy", "matplotlib"}),
        ("seeds", {"torchvision", "scipy.stats"}),
        ("evaluate", {"torch", "scipy"}),
        ("feature_space", {"torch", "scipy"}),
        ("parabolas", {"torchvision", "scipy"}),
    ],
)
def test_no_stage_loads_a_package_that_it_does_not_use(run, stage, absent):
    code = f"import sys, stages.{stage}; print(*sys.modules)"
    loaded = set(run("python", "-c", code).stdout.split())
    assert f"stages.{stage}" in loaded
    assert not loaded & absent


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_a_dependency_too_few_or_too_many_is_named(tmp_path):
    write(tmp_path, "diagonal/__init__.py", "")
    write(tmp_path, "diagonal/used.py", "def f():\n    import diagonal.deep")
    write(tmp_path, "diagonal/deep.py", "import numpy")
    write(tmp_path, "diagonal/unused.py", "")
    write(tmp_path, "stages/one.py", "from diagonal import used")
    deps = ["stages/one.py", "diagonal/__init__.py", "diagonal/used.py", "diagonal/unused.py"]
    write(tmp_path, "dvc.yaml", f"stages: {{one: {{cmd: x, deps: [{', '.join(deps)}]}}}}")
    assert code_faults(tmp_path) == [
        "one: imports diagonal/deep.py, which is not among its deps",
        "one: has diagonal/unused.py among its deps and does not import it",
    ]


@pytest.mark.parametrize(
    ("params", "faults"),
    [
        ("train.seed", []),
        ("train", ["one: declares train.launch, which does not change what it computes"]),
        (
            "train.launch",
            [
                "params.yaml: train.seed is read by no stage",
                "one: declares train.launch, which does not change what it computes",
            ],
        ),
    ],
)
def test_how_a_training_is_launched_is_the_one_key_that_no_stage_declares(tmp_path, params, faults):
    write(tmp_path, "dvc.yaml", f"stages: {{one: {{cmd: x, deps: [], params: [{params}]}}}}")
    write(tmp_path, "params.yaml", "train: {seed: 1, launch: python}")
    assert param_faults(tmp_path) == faults


@pytest.mark.parametrize(
    ("seen", "faults"),
    [
        ("param train.seed\nparam train.launch\n", []),
        ("param train.seed\n", ["params.yaml: train.launch is read by no stage"]),
        ("param train.launch\n", ["one: declares train.seed, never reads the parameter it"]),
    ],
)
def test_a_stage_may_read_how_it_is_launched_and_one_must(tmp_path, seen, faults):
    write(tmp_path, "dvc.yaml", "stages: {one: {cmd: x, deps: [], params: [train.seed]}}")
    write(tmp_path, "params.yaml", "train: {seed: 1, launch: python}")
    write(tmp_path, "logs/one.log", seen)
    assert watched_faults(tmp_path, tmp_path / "logs") == faults
