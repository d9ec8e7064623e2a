"""Other people's machines: another checkout, a notebook, a profiler, an editor's run button."""

import json
import os
import pstats
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def commit(folder):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
    for words in (["add", "--all"], ["commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)


def test_a_checkout_as_on_windows_has_the_same_bytes(project, tmp_path):
    commit(project)
    clone = tmp_path / "clone"
    options = ["-c", "core.autocrlf=true", "clone", "--quiet"]
    subprocess.run(["git", *options, str(project), str(clone)], check=True)
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=project, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    files = [name for name in names if name]
    assert len(files) > 100
    assert [n for n in files if (clone / n).read_bytes() != (project / n).read_bytes()] == []


def test_a_stage_draws_where_a_notebook_says_how_it_draws(small, run):
    backend = "module://matplotlib_inline.backend_inline"
    done = run("python", "-m", "stages.generate", MPLBACKEND=backend)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", [".", "stages", ".."])
def test_a_stage_runs_as_a_file_from_any_folder(small, run_in, folder):
    before = (small / "metrics/generate.json").read_bytes()
    (small / "metrics/generate.json").unlink()
    script = small / "stages/generate.py"
    done = run_in(small / folder, "python", str(script))
    assert done.returncode == 0, done.stderr
    assert (small / "metrics/generate.json").read_bytes() != before  # 60 images, not 300


def test_a_profiler_gets_to_write_what_it_measured(small, run, tmp_path):
    profile = tmp_path / "p.prof"
    done = run("python", "-m", "cProfile", "-o", str(profile), "-m", "stages.generate")
    assert done.returncode == 0, done.stderr
    functions = {name for _, _, name in pstats.Stats(str(profile)).stats}
    assert "write_figure" in functions


def test_a_home_that_cannot_be_written_leaves_no_folder_behind(small, run, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    nowhere = {"HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"}
    done = run("python", "-m", "stages.generate", TMPDIR=str(temporary), **nowhere)
    assert done.returncode == 0, done.stderr
    assert list(temporary.iterdir()) == []


def test_make_finds_the_stages_where_python_does_not_look_in_the_current_folder(small, run):
    (small / ".venv").symlink_to(sys.prefix)
    done = run("make", "--old-file=.venv/pipeline", "params", PYTHONSAFEPATH="1")
    assert done.returncode == 0, done.stderr


def test_make_has_a_name_for_a_user_that_has_none(project, run):
    words = ("make", "--no-print-directory", "--eval=show:; @echo $$LOGNAME", "show")
    done = run("env", "--unset=USER", "--unset=LOGNAME", *words)
    assert done.stdout == f"{os.getuid()}\n"
    assert run("env", "USER=", "LOGNAME=me", *words).stdout == "me\n"


def test_an_environment_that_cannot_be_made_leaves_nothing_behind(small, run, tmp_path):
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$2" = venv ] && mkdir -p .venv/bin && touch .venv/bin/python && exit 1\n'
        f'exec {shutil.which(sys.executable)} "$@"\n'
    )
    python.chmod(0o755)
    done = run("make", "params", f"PYTHON={python}")
    assert done.returncode == 2
    assert not (small / ".venv").exists()


def test_a_stage_that_refuses_has_lost_nothing(small, run):
    assert run("dvc", "repro", "generate").returncode == 0
    outputs = [small / "data/raw/images.npy", small / "metrics/generate.json"]
    before = [path.read_bytes() for path in outputs]
    path = small / "params.yaml"
    path.write_text(path.read_text().replace("n_images: 60", "n_images: -60"))
    done = run("dvc", "repro", "generate")
    assert done.returncode == 255
    assert "generate.n_images: expected greater than or equal to 1, found -60" in done.stderr
    assert [path.read_bytes() for path in outputs] == before


def test_without_git_parallel_runs_say_what_is_missing_in_a_line(project, run):
    shutil.rmtree(project / ".git")
    done = run("python", "-m", "running", "2")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("expected a git repository, found: ")
    assert line.endswith("is not a git repository; run `git init`")


def test_a_lock_that_git_ignores_is_told_in_a_line(small, run):
    path = small / ".gitignore"
    path.write_text(path.read_text() + "*.lock\n")
    done = run("python", "-m", "running", "2")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "dvc.lock' is git-ignored" in done.stderr


def test_in_a_repository_that_had_no_project_the_gate_cannot_compare(project, run_in, tmp_path):
    parent = tmp_path / "parent"
    parent.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=parent, check=True)
    (parent / "file").touch()
    commit(parent)
    shutil.move(project, parent / "project")
    shutil.rmtree(parent / "project/.git")
    commit(parent)
    done = run_in(parent / "project", "python", "-m", "checks.gate", "HEAD~1")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("gate: HEAD~1: plots/seeds/seeds.csv: expected a file in git, found: ")


def test_make_alone_lists_the_commands_and_runs_none(project, run):
    makefile = (project / "Makefile").read_text()
    commands = re.findall(r"(?m)^([a-z]+):", makefile)
    plain = run("make", "--no-print-directory")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert [line.split()[:2] for line in plain.stdout.splitlines()] == [
        ["make", name] for name in commands
    ]
    assert all(line.split()[2:] for line in plain.stdout.splitlines())
    assert run("make", "--no-print-directory", "help").stdout == plain.stdout
    assert not (project / ".venv").exists()


def test_the_container_makes_the_environment_that_it_points_to():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    code = container["customizations"]["vscode"]
    assert {"iterative.dvc", "ms-python.python"} <= {*code["extensions"]}
    program, target = container["postCreateCommand"].split()
    assert program == "make"
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    here = "${containerWorkspaceFolder}/.venv/bin"
    assert container["remoteEnv"]["PATH"].startswith(f"{here}:")
    for key in ("python.defaultInterpreterPath", "dvc.pythonPath"):
        assert code["settings"][key] == f"{here}/python"
