"""Other people's machines: a checkout as on Windows, a user without a name, a container."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import write_params

ROOT = Path(__file__).parents[1]


def test_a_checkout_as_on_windows_has_the_same_bytes(project_copy, tmp_path):
    clone, identity = tmp_path / "clone", ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
    for words in (["add", "--all"], ["commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *identity, *words], cwd=project_copy, check=True)
    options = ["-c", "core.autocrlf=true", "clone", "--quiet"]
    subprocess.run(["git", *options, str(project_copy), str(clone)], check=True)
    files = subprocess.check_output(["git", "ls-files"], cwd=clone, text=True).splitlines()
    assert len(files) > 100
    assert [n for n in files if (clone / n).read_bytes() != (project_copy / n).read_bytes()] == []


def test_make_has_a_name_for_a_user_that_has_none(project_copy, run_in):
    words = ("make", "--no-print-directory", "--eval=show:; @echo $$LOGNAME", "show")
    done = run_in(project_copy, "env", "--unset=USER", "--unset=LOGNAME", *words)
    assert done.stdout == f"{os.getuid()}\n"
    done = run_in(project_copy, "env", "USER=", "LOGNAME=me", *words)
    assert done.stdout == "me\n"


@pytest.mark.slow
def test_a_stage_that_refuses_has_lost_nothing(reproduced, tmp_path, run_in):
    copy = shutil.copytree(reproduced, tmp_path / "project", symlinks=True)
    paths = [*(copy / "data/raw").iterdir(), *(copy / "plots/generate").rglob("*.*")]
    before = {path: path.read_bytes() for path in paths}
    write_params(copy / "params.yaml", {"generate.n_images": -60})
    result = run_in(copy, "dvc", "repro", "generate")
    assert result.returncode == 255
    assert "params.yaml: generate.n_images: " in result.stderr
    assert {path: path.read_bytes() for path in paths} == before


def test_make_alone_lists_the_commands_and_runs_none(project_copy, run_in):
    commands = re.findall(r"(?m)^([a-z]+):", (project_copy / "Makefile").read_text())
    plain = run_in(project_copy, "make", "--no-print-directory")
    assert (plain.returncode, plain.stderr) == (0, "")
    lines = [line.split() for line in plain.stdout.splitlines()]
    assert [line[:2] for line in lines] == [["make", name] for name in commands]
    assert all(line[2:] for line in lines)
    assert not (project_copy / ".venv").exists()
