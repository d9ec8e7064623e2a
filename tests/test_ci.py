"""What docs/ci.md says about branches and summaries, in a real repository."""

import re
import shutil
from pathlib import Path

import pytest
from conftest import only, write_params
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def repository(reproduced, tmp_path_factory, run_in):
    """A small project, reproduced and committed; only one model is trained again."""
    project = shutil.copytree(reproduced, tmp_path_factory.mktemp("ci") / "project", symlinks=True)
    only(project, "train_relu", "evaluate")

    def git(*words):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        result = run_in(project, "git", *identity, *words)
        assert result.returncode == 0 or words[0] == "merge", result.stderr
        return result

    for name in ("old", "older"):  # pictures that no stage writes any more
        (project / f"plots/{name}.png").write_bytes(name.encode())
    git("add", "--all")
    git("commit", "--quiet", "--message", "base")
    git("branch", "--move", "base")
    return project, git


def changed(repository, run_in, branch, changes):
    """Commit the results of changed parameters on a branch."""
    project, git = repository
    git("checkout", "--quiet", "-b", branch, "base")
    write_params(project / "params.yaml", changes)
    assert run_in(project, "dvc", "repro").returncode == 0
    git("commit", "--quiet", "--all", "--message", branch)


@pytest.mark.slow
def test_summaries_show_changes_and_conflicts_are_resolved_as_documented(repository, run_in):
    project, git = repository
    changed(repository, run_in, "rate", {"train_relu.lr": 0.2})
    (project / "plots/old.png").write_bytes(b"new")
    with (project / "study/plots/seeds/seeds.csv").open("a") as file:
        file.write("\n")
    git("mv", "plots/older.png", "plots/renamed.png")
    git("commit", "--quiet", "--all", "--message", "pictures")
    summary = run_in(project, "bash", ".ci/summary", "base")
    assert summary.returncode == 0, summary.stderr
    assert re.search(r"\| params.yaml +\| train_relu.lr +\| 0.1 +\| 0.2 +\|", summary.stdout)
    assert re.search(
        r"\| metrics/evaluate/validation/relu.json +\| loss +\| 0\.\d+ +\| 0\.\d+ +\|",
        summary.stdout,
    )
    assert "- `plots/losses/relu.csv` changed" in summary.stdout
    assert "- `study/plots/seeds/seeds.csv` changed" in summary.stdout
    assert "- `plots/older.png` removed\n- `plots/renamed.png` added" in summary.stdout
    nothing = run_in(project, "bash", ".ci/summary", "HEAD")
    assert nothing.stdout.count("No change.") == 3
    base = git("rev-parse", "base").stdout.strip()
    git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/twin", "base")
    by_name = run_in(project, "bash", ".ci/summary", "twin")  # an experiment
    assert by_name.stdout.replace("twin", "base") == summary.stdout
    unknown = run_in(project, "bash", ".ci/summary", "nowhere")
    assert unknown.returncode == 1
    assert unknown.stderr == "expected a revision to compare with, found nowhere\n"

    changed(repository, run_in, "sizes", {"train_relu.hidden": [4, 2]})
    git("rm", "--quiet", "plots/old.png", "plots/older.png")
    git("commit", "--quiet", "--message", "fewer")
    merge = git("merge", "rate").stdout
    assert "CONFLICT (content): Merge conflict in dvc.lock" in merge
    assert "CONFLICT (modify/delete): plots/old.png deleted in HEAD" in merge
    (remedy,) = re.findall(r"```sh\n(.*?)\n```", (ROOT / "docs/ci.md").read_text(), re.S)
    result = run_in(project, "bash", "-ec", remedy)
    assert result.returncode == 0, result.stderr
    assert git("diff", "--name-only", "--diff-filter=U").stdout == ""
    assert "up to date" in run_in(project, "dvc", "status").stdout
    assert list((project / "plots").glob("*.png")) == []
    assert git("ls-files", "--deleted").stdout == ""
    lock = YAML(typ="safe", pure=True).load(project / "dvc.lock")
    trained = lock["stages"]["train_relu"]["params"]["params.yaml"]
    assert trained["train_relu.lr" if "train_relu.lr" in trained else "train_relu"]["lr"] == 0.2
    assert trained["train_relu"]["hidden"] == [4, 2]


def test_make_keeps_pips_variables_away_and_tells_pips_reasons(project, run):
    python = project / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "found $PIP_USER$PIP_TARGET$PIP_CONSTRAINT:" $*; exit 1\n')
    python.chmod(0o755)
    done = run("make", ".venv/pipeline", PIP_USER="1", PIP_TARGET="/a", PIP_CONSTRAINT="/b")
    assert done.returncode == 2
    what = "--require-hashes --requirement requirements.txt"
    assert re.findall("^found (.*)", done.stdout, re.M) == [
        f": -m pip install --quiet {what}", f": -m pip install {what}"
    ]  # fmt: skip


def test_what_make_onnx_writes_is_nothing_to_the_linter(project, run):
    (project / "onnx").mkdir()
    assert run("ruff", "check", "tests/test_export.py").returncode == 0


def test_the_workflow_runs_documented_commands_with_least_rights():
    text = (ROOT / ".github/workflows/pipeline.yml").read_text()
    workflow = YAML(typ="safe", pure=True).load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    makefile = (ROOT / "Makefile").read_text()
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "uses" in step:
                action, _, commit = step["uses"].partition("@")
                assert action in {"actions/checkout", "actions/setup-python"}
                assert re.fullmatch(r"[0-9a-f]{40}", commit)
            for target in re.findall(r"make (?:--silent )?([a-z]+)", step.get("run", "")):
                assert f"\n{target}:" in makefile
