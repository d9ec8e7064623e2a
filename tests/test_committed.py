"""What is committed is what the code makes."""

from pathlib import Path

from conftest import run_stages
from ruamel.yaml import YAML

from checks.wiring import declared

ROOT = Path(__file__).parents[1]


def outs(folder):
    """Read what dvc.lock has of all outputs: path, hash and size."""
    stages = YAML(typ="safe", pure=True).load(folder / "dvc.lock")["stages"]
    return {name: stage["outs"] for name, stage in stages.items()}


def test_every_stage_makes_the_committed_files_again(project_copy, run_in):
    run_stages(project_copy, *declared(ROOT))
    done = run_in(project_copy, "dvc", "commit", "--force")
    assert done.returncode == 0, done.stderr
    assert outs(project_copy) == outs(ROOT)
