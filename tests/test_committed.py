"""What is committed is what the code makes: the lecture's stages; `make check STUDY=1` has all."""

from pathlib import Path

from conftest import LECTURE, run_stages
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def outs(folder):
    """Read what dvc.lock has of all outputs: path, hash and size."""
    stages = YAML(typ="safe", pure=True).load(folder / "dvc.lock")["stages"]
    return {name: stage["outs"] for name, stage in stages.items()}


def test_every_stage_makes_the_committed_files_again(project_copy, run_in):
    run_stages(project_copy, *LECTURE)
    done = run_in(project_copy, "dvc", "commit", "--force", "dvc.yaml")
    assert done.returncode == 0, done.stderr
    assert outs(project_copy) == outs(ROOT)
    assert set(outs(ROOT)) == set(LECTURE)
