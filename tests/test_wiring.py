"""What dvc.yaml declares is held against what the code needs, by reading and by watching."""

from pathlib import Path

import pytest

from checks.wiring import (
    LECTURE,
    PIPELINES,
    code_faults,
    declared,
    faults,
    input_faults,
    param_faults,
    read_yaml,
    watched_faults,
)

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_stage_has_a_script_and_a_section_of_its_name(pipeline):
    sections = set(read_yaml(ROOT / pipeline.params))
    for name, stage in read_yaml(ROOT / pipeline.file)["stages"].items():
        launcher = "${train.launch}" if name.startswith("train_") else "python"
        assert stage["cmd"] == f"{launcher} -m {pipeline.package}.{name}"
        assert stage["desc"]
        of_claims = name.startswith("claims_") or name == "verdicts"
        assert ("claims" if of_claims else name) in sections
        assert f"{pipeline.package}/{name}.py" in declared(ROOT, pipeline)[name]["code"]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_wiring_is_what_the_code_needs(pipeline):
    assert faults(ROOT, pipeline) == []


@pytest.mark.parametrize(
    ("stage", "absent"),
    [("generate", {"torch", "scipy", "pandas"}), ("train_relu", {"matplotlib", "scipy", "pandas"})],
)
def test_no_stage_loads_a_package_that_it_does_not_use(run_in, stage, absent):
    code = f"import sys, stages.{stage}; print(*sys.modules)"
    loaded = set(run_in(ROOT, "python", "-c", code).stdout.split())
    assert f"stages.{stage}" in loaded
    assert not loaded & absent


@pytest.fixture
def wire(tmp_path):
    """Make a small project: its stages, params.yaml, and files by their paths."""

    def wire(stages, params="{}", command="x", **files):
        text = "".join(f"  {name}: {{cmd: '{command}', {rest}}}\n" for name, rest in stages.items())
        files |= {LECTURE.file: f"stages:\n{text}", LECTURE.params: params}
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


def test_a_folder_too_few_or_too_many_another_stage_and_a_busy_package_are_named(wire):
    deep = {"diagonal/b/__init__.py": '"""A."""\nimport os\n', "study/c/d/__init__.py": "x = 1\n"}
    two = "deps: [stages, diagonal/a, diagonal/c], outs: []"
    assert code_faults(wire({"one": ONE, "two": two}, **CODE, **deep)) == [
        "two: imports diagonal/b/deep.py undeclared",
        "two: declares diagonal/c, never imports it",
        "two: imports stages/one.py, another stage",
        *(f"{path}: expected a docstring alone, as no stage depends on this file" for path in deep),
    ]


@pytest.mark.parametrize("path", ["diagonal/a/used.py", "stages/one.py"])
def test_the_lecture_may_import_nothing_of_the_study(wire, path):
    more = {"study/params.py": "", path: f"{CODE[path]}\nfrom study import params"}
    root = wire({"one": f"{ONE[:7]}study/params.py, {ONE[7:]}"}, **CODE | more)
    package = path.partition("/")[0]
    assert code_faults(root) == [f"{path}: imports study/params.py, which builds on {package}/"]


def test_an_input_is_an_output_of_another_stage_or_below_or_above_one(wire):
    known = ["data/raw", "data/raw/labels.npy", "data", "more/page.md"]
    unknown = ["data/other.npy", "data/ra", "mine"]
    deps = ", ".join(known + unknown)
    stages = {"one": "deps: [], outs: [data/raw]", "two": f"deps: [{deps}], outs: [mine]"}
    expected = [f"two: depends on {path}, which no other stage writes" for path in unknown]
    assert input_faults(wire(stages)) == expected


def test_how_a_training_is_launched_is_the_one_key_that_no_stage_declares(wire):
    launch = "one: declares train.launch, which stands in a command"
    unread = "params.yaml: train.seed is read by no stage"
    for params, expected in (
        ("train.seed", []), ("train", [launch]), ("train.launch", [unread, launch]),
    ):  # fmt: skip
        stages = {"one": f"outs: [], params: [{params}]"}
        root = wire(stages, "train: {seed: 1, launch: python}", "${train.launch} x")
        assert param_faults(root) == expected


DONE = """\
code diagonal/__init__.py
code diagonal/a/used.py
code diagonal/command.py
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


CHANGES = (
    ("data/raw/x", "data/y"),
    ("write models/one.npy\n", "write data/raw/z.npy\n"),
    ("diagonal/a/used.py", "diagonal/b/deep.py"),
    ("param train.seed", "param device"),
)


def test_what_a_stage_did_is_held_against_what_it_declares(wire):
    stage = "deps: [stages/one.py, diagonal/a, data/raw], outs: [models], params: [train]"
    root = wire({"one": stage}, "train: {seed: 1}", **{"logs/stages.one.log": DONE})
    log = root / "logs/stages.one.log"
    assert watched_faults(root, root / "logs") == []
    for old, new in CHANGES:
        log.write_text(log.read_text().replace(old, new, 1))
    assert watched_faults(root, root / "logs") == [
        "one: imports diagonal/b/deep.py undeclared",
        "one: declares diagonal/a, never imports it",
        "one: reads data/y.npy undeclared",
        "one: reads models/one.npy undeclared",
        "one: declares data/raw, never reads it",
        "one: writes data/raw/z.npy undeclared",
        "one: declares models, never writes it",
        "one: reads the parameter device undeclared",
        "one: declares train, never reads the parameter it",
        "params.yaml: train.seed is read by no stage",
    ]
