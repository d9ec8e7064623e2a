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

    (project / "plots/old.png").write_bytes(b"old")  # which no stage writes any more
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
    nothing = run_in(project, "bash", ".ci/summary", "HEAD")
    assert nothing.stdout.count("No change.") == 3
    base = git("rev-parse", "base").stdout.strip()
    git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/twin", "base")
    by_name = run_in(project, "bash", ".ci/summary", "twin")  # an experiment
    assert by_name.stdout.replace("twin", "base") == summary.stdout

    changed(repository, run_in, "sizes", {"train_relu.hidden": [4, 2]})
    git("rm", "--quiet", "plots/old.png")
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
    trained = lock["stages"]["train_relu"]["params"]["params.yaml"]["train_relu"]
    assert (trained["lr"], trained["hidden"]) == (0.2, [4, 2])


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
