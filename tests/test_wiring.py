from pathlib import Path

import pytest
from ruamel.yaml import YAML

from checks.wiring import (
    code_faults,
    declared,
    import_closure,
    input_faults,
    param_faults,
    watched_faults,
)

ROOT = Path(__file__).parents[1]
STAGES = declared(ROOT)


def test_there_is_a_script_and_a_section_for_each_stage_and_few_folders_suffice():
    params = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    dvc_yaml = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")
    assert {"claims" if name.startswith("claims_") else name for name in STAGES} <= set(params)
    for name, stage in dvc_yaml["stages"].items():
        launcher = "${train.launch}" if name.startswith("train_") else "python"
        assert stage["cmd"] == f"{launcher} -m stages.{name}"
        assert stage["desc"]
        folders = STAGES[name]["code"] - {f"stages/{name}.py"}
        assert 0 < len(folders) <= 4
        assert all((ROOT / folder).is_dir() for folder in folders)


def test_the_wiring_is_what_the_code_needs():
    assert code_faults(ROOT) + input_faults(ROOT) + param_faults(ROOT) == []


@pytest.mark.parametrize(
    ("stage", "absent"),
    [
        ("generate", {"torch", "scipy", "pandas"}),
        ("split", {"scipy", "pandas"}),
        ("balance", {"torchvision", "scipy", "pandas"}),
        ("train_relu", {"matplotlib", "scipy", "pandas"}),
        ("seeds", set()),
        ("evaluate", {"torchvision"}),
        ("feature_space", {"torchvision"}),
        ("parabolas", {"torchvision", "scipy", "pandas"}),
    ],
)
def test_no_stage_loads_a_package_that_it_does_not_use(run, stage, absent):
    code = f"import sys, stages.{stage}; print(*sys.modules)"
    loaded = set(run("python", "-c", code).stdout.split())
    assert f"stages.{stage}" in loaded
    assert not loaded & absent


@pytest.fixture
def wire(tmp_path):
    """Make a small project: its stages, params.yaml, and files by their paths."""

    def wire(stages, params="{}", **files):
        text = "".join(f"  {name}: {{cmd: x, {rest}}}\n" for name, rest in stages.items())
        (tmp_path / "dvc.yaml").write_text(f"stages:\n{text}")
        (tmp_path / "params.yaml").write_text(params)
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        return tmp_path

    return wire


CODE = {
    "diagonal/a/__init__.py": '"""A docstring."""\n',
    "diagonal/a/used.py": "def f():\n    import diagonal.b.deep",
    "diagonal/b/deep.py": "import numpy",
    "diagonal/c/unused.py": "",
    "stages/one.py": "from diagonal.a import used",
    "stages/two.py": "from stages import one",
}
ONE = "deps: [stages/one.py, diagonal/a, diagonal/b], outs: []"


@pytest.mark.parametrize(
    ("stages", "faults"),
    [
        ({"one": ONE}, []),
        ({"one": ONE.replace(", diagonal/b", "")}, ["one: imports diagonal/b/deep.py undeclared"]),
        (
            {"one": ONE.replace("/b", "/b, diagonal/c")},
            ["one: declares diagonal/c, never imports it"],
        ),
        ({"two": ONE.replace("one", "two")}, ["two: imports stages/one.py undeclared"]),
        (
            {"two": "deps: [stages/two.py, stages/one.py, diagonal/a, diagonal/b], outs: []"},
            ["two: imports stages/one.py undeclared"],
        ),
    ],
)
def test_a_folder_too_few_or_too_many_and_another_stage_are_named(wire, stages, faults):
    assert code_faults(wire(stages, **CODE)) == faults


@pytest.mark.parametrize("content", ["x = 1\n", '"""A."""\nimport os\n', "print()\n"])
def test_a_package_that_does_more_than_hold_a_docstring_is_named(wire, content):
    root = wire({"one": ONE}, **CODE, **{"diagonal/b/__init__.py": content})
    (fault,) = code_faults(root)
    assert fault.startswith("diagonal/b/__init__.py: expected a docstring alone")


def test_imports_are_followed_wherever_they_stand(wire):
    root = wire({"one": ONE}, **CODE)
    files = {"stages/one.py", "diagonal/a/used.py", "diagonal/b/deep.py"}
    assert import_closure(root, "stages/one.py") == files


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("data/raw", True),
        ("data/raw/labels.npy", True),
        ("data", True),
        ("data/ra", False),
        ("data/other.npy", False),
        ("mine", False),
        ("stages/one.py", False),
    ],
)
def test_an_input_is_an_output_of_another_stage_or_below_or_above_one(wire, path, known):
    stages = {"one": "deps: [], outs: [data/raw]", "two": f"deps: [{path}], outs: [mine]"}
    faults = [] if known else [f"two: depends on {path}, which no other stage writes"]
    assert input_faults(wire(stages)) == faults


@pytest.mark.parametrize(
    ("params", "faults"),
    [
        ("train.seed", []),
        ("train", ["one: declares train.launch, which stands in a command"]),
        (
            "train.launch",
            [
                "params.yaml: train.seed is read by no stage",
                "one: declares train.launch, which stands in a command",
            ],
        ),
    ],
)
def test_how_a_training_is_launched_is_the_one_key_that_no_stage_declares(tmp_path, params, faults):
    stage = f"cmd: '${{train.launch}} x', deps: [], outs: [], params: [{params}]"
    (tmp_path / "dvc.yaml").write_text(f"stages: {{one: {{{stage}}}}}")
    (tmp_path / "params.yaml").write_text("train: {seed: 1, launch: python}")
    assert param_faults(tmp_path) == faults


DONE = """\
code diagonal/__init__.py
code diagonal/a/used.py
code stages/one.py
read diagonal/a/__pycache__/used.pyc
read dvc.yaml
read data/raw/x.npy
write models/.one.npy.17
renamed models/.one.npy.17
write models/one.npy
read models/one.npy
param train.seed
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("data/raw/x", "data/y", "one: reads data/y.npy undeclared"),
        (
            ".npy\nparam",
            ".npy\nwrite data/raw/z.npy\nparam",
            "one: writes data/raw/z.npy undeclared",
        ),
        ("read data/raw/x.npy\n", "", "one: declares data/raw, never reads it"),
        ("write models/one.npy\n", "", "one: declares models, never writes it"),
        ("diagonal/a/used.py", "diagonal/b/deep.py", "one: declares diagonal/a, never imports it"),
        ("diagonal/a/used.py", "diagonal/b/deep.py", "one: imports diagonal/b/deep.py undeclared"),
        ("param", "param device\nparam", "one: reads the parameter device undeclared"),
        ("param train.seed\n", "", "one: declares train, never reads the parameter it"),
        ("param train.seed\n", "", "params.yaml: train.seed is read by no stage"),
    ],
)
def test_what_a_stage_did_is_held_against_what_it_declares(wire, old, new, fault):
    stage = "deps: [stages/one.py, diagonal/a, data/raw], outs: [models], params: [train]"
    root = wire({"one": stage}, "train: {seed: 1}", **{"logs/one.log": DONE})
    assert watched_faults(root, root / "logs") == []
    assert old in DONE
    (root / "logs/one.log").write_text(DONE.replace(old, new, 1))
    assert fault in watched_faults(root, root / "logs")
