"""`make check` finds planted faults, tells each in a line, and passes on a sound project."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import only, write_params

from checks import __main__ as checker
from checks.difference import describe
from checks.settings import SETTINGS, runnable_settings
from checks.study import LINE


@pytest.fixture
def sound(reproduced, tmp_path):
    """A small project after `dvc repro`, to plant faults in; its study is stale."""
    return shutil.copytree(reproduced, tmp_path / "project", symlinks=True)


def plant(project, path, old, new):
    text = (project / path).read_text()
    assert old in text
    (project / path).write_text(text.replace(old, new, 1))


def outcome(project, run_in, *options, **environment):
    """Run the check in a project; return its exit status and what it says."""
    result = run_in(project, "python", "-m", "checks", *options, **environment)
    assert "Traceback" not in result.stderr
    return result.returncode, result.stdout


# Without running a stage: a copy of the project that has no data and no models


def test_faults_that_are_found_without_running_a_stage_have_their_status(
    project, monkeypatch, capsys
):
    """Planted one on the other, from what is checked last to what is checked first."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["check"])

    def check():
        return checker.main(), capsys.readouterr().out

    plant(project, "metrics/evaluate/models.json", '"parameters": 143', '"parameters": 142')
    (project / "plots/split/extra.csv").write_text("x\n1\n")
    plant(project, "stages/balance.py", "import torch", "import torch  # edited")
    status, text = check()
    assert status == 1
    assert "\nBROKEN  dvc.lock agrees with code, parameters and outputs\n" in text
    assert "  evaluate: changed outs: metrics/evaluate is modified\n" in text
    assert "  split: changed outs: plots/split is modified\n" in text
    assert "  balance: changed deps: stages/balance.py is modified\n" in text

    plant(project, "dvc.yaml", "diagonal/lines, ", "")
    plant(project, "dvc.yaml", "[balance.strategy, ", "[")
    status, text = check()
    assert status == 3
    assert "  generate: imports diagonal/lines/images.py undeclared\n" in text
    assert "  params.yaml: balance.strategy is read by no stage\n" in text

    plant(project, "params.yaml", "hflip:", "flip:")
    status, text = check()
    assert status == 4
    assert "  params.yaml: transforms.flip: Extra inputs are not permitted" in text

    plant(project, "dvc.yaml", "\nstages:", "\nbad: [\nstages:")
    status, text = check()
    assert status == 5
    assert text.startswith("cannot tell: dvc.yaml: expected a YAML file, found: while ")
    assert text.count("\n") == 1


def test_differences_are_told_down_to_the_value(tmp_path):
    def difference(suffix, write, first, second):
        ours, theirs = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        write(ours, first)
        write(theirs, second)
        return describe(ours, theirs)

    ones, text = np.ones(6, dtype=np.float32), Path.write_text
    assert difference(".npy", np.save, ones, ones[:3]) == "array: float32 (6,) became float32 (3,)"
    assert difference(".json", text, '{"a": {"b": 1}}', '{"a": {"b": 2}}') == "a.b: 1 became 2"
    assert difference(".json", text, '{"a": 1}', '{"c": 1}') == "what it holds: a, c"
    assert difference(".csv", text, "x,y\n1,2\n", "x,y\n1,3\n") == "line 2, y: 2 became 3"
    assert difference(".csv", text, "x\n1\n", "x\n1\n\n") == "bytes, but no value in it"
    assert difference(".txt", text, "same", "same") == "nothing"


def test_settings_that_this_cpu_cannot_run_are_named(monkeypatch):
    import torch

    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    found, left_out = runnable_settings()
    assert len(left_out) == 2
    assert sorted([*found, *left_out]) == sorted(SETTINGS)


STAGE = """
import os
open("in.txt").close()
open("out.txt", "w").close()
os.rename("out.txt", "new.txt")
for name in ("<unknown>", "<frozen os>", "<string>", "/proc/self/status"):
    try:
        open(name).close()
    except OSError:
        pass
exec(compile("1", "<string>", "exec"))
import diagonal.lines.images
from diagonal.pipeline.params import load_params
params = load_params()
params.train.seed, dict(params.split)
"""


def test_what_a_stage_opens_imports_and_reads_is_written_down(project, run_in):
    """Code without a file, `<string>`, is no file; nor is what lies outside the project."""
    (project / "stages/one.py").write_text(STAGE)
    (project / "in.txt").touch()
    (project / "log").mkdir()
    watch = {"PYTHONPATH": str(project / "checks/watch"), "WATCH_LOG": str(project / "log")}
    done = run_in(project, "python", "-m", "stages.one", **watch)
    assert (done.returncode, done.stderr) == (0, "")
    lines = set((project / "log/stages.one.log").read_text().splitlines())
    assert {line for line in lines if line.endswith(".txt")} == {
        "read in.txt", "write out.txt", "renamed out.txt", "write new.txt",
    }  # fmt: skip
    assert {"code stages/one.py", "code diagonal/lines/images.py", "read params.yaml"} <= lines
    assert {line for line in lines if line.startswith("param ")} == {
        "param train.seed", "param split.ratios", "param split.seed", "param split.group_by",
    }  # fmt: skip
    assert [line for line in lines if "<" in line or "proc" in line] == []


# Stages run again in a copy


@pytest.mark.slow
def test_a_sound_project_passes_and_the_repository_that_a_hook_names_is_left_alone(
    sound, run_in, tmp_path
):
    only(sound, "generate", "split", "balance", "train_relu")
    other = tmp_path / "other"
    run_in(tmp_path, "git", "init", "--quiet", "other")
    before = (other / ".git/config").read_bytes()
    hook = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    assert outcome(sound, run_in, **hook) == (
        0,
        "holds   params.yaml is valid\n"
        "holds   dvc.yaml declares what the scripts import; every parameter is used\n"
        "holds   dvc.lock agrees with code, parameters and outputs\n"
        "holds   each stage reads and writes what it declares: adverse settings\n"
        "holds   every file comes out again: adverse settings\n"
        "holds   a second dvc repro runs nothing: adverse settings\n"
        "left out: the study; make check STUDY=1 checks it, too\n",
    )
    assert (other / ".git/config").read_bytes() == before


READING = """    params = load_params()
    assert params.evaluate.threshold < 2
    with open("metrics/split.json") as file, open("metrics/extra.txt", "w") as extra:
        extra.write(file.read()[:0])
    __import__("os").system("touch metrics/unseen.txt")
"""


@pytest.mark.slow
def test_undeclared_reads_and_writes_are_status_3(sound, run_in):
    only(sound, "balance")
    plant(sound, "stages/balance.py", "    params = load_params()\n", READING)
    assert run_in(sound, "dvc", "repro").returncode == 0
    status, text = outcome(sound, run_in)
    assert status == 3
    assert "balance: reads metrics/split.json undeclared" in text
    assert "balance: writes metrics/extra.txt undeclared" in text
    assert "balance: reads the parameter evaluate.threshold undeclared" in text
    assert "metrics/unseen.txt was written and is no stage's output" in text


NUDGING = """    if os.environ.get("TZ"):
        weights[3] = torch.nextafter(weights[3], weights[3] + 1)
    files.write_array("""


@pytest.mark.slow
def test_what_varies_from_run_to_run_and_what_no_stage_writes_are_status_2(sound, run_in):
    """DVC leaves outputs where they are, and so takes what lies beside them for theirs."""
    only(sound, "generate", "split", "balance")
    plant(sound, "stages/generate.py", "import numpy", "import time\n\nimport numpy")
    plant(sound, "stages/generate.py", '"images": len(images),', '"images": time.time() % 1,')
    listed = '"listed": " ".join(os.listdir("diagonal")),\n            f"{ones}_before":'
    plant(sound, "stages/balance.py", 'f"{ones}_before":', listed)
    plant(sound, "stages/balance.py", "import torch", "import os\n\nimport torch")
    plant(sound, "stages/balance.py", "    files.write_array(", NUDGING)
    (sound / "plots/split/old.csv").write_text("x\n1\n")
    assert run_in(sound, "dvc", "repro", "--force").returncode == 0
    status, text = outcome(sound, run_in)
    assert status == 2
    assert "generate: metrics/generate.json differs in images: 0." in text
    assert "split: plots/split/old.csv differs in old.csv is missing on one side" in text
    assert "sample_weights.npy differs in array: 1 of 48 numbers, by up to 1 ulp" in text
    assert "balance: metrics/balance.json differs in listed: " in text


FAILING = """    params = load_params()
    if __import__("os").environ.get("TZ"):
        raise __import__("diagonal").errors.InputError("moon: expected full")
"""


@pytest.mark.slow
def test_a_stage_that_fails_in_the_copy_is_told_by_its_own_words(sound, run_in):
    only(sound, "split")
    plant(sound, "stages/split.py", "    params = load_params()\n", FAILING)
    assert run_in(sound, "dvc", "repro").returncode == 0
    status, text = outcome(sound, run_in)
    assert status == 2
    assert "moon: expected full" in text
    assert "failed to reproduce 'split'" in text


@pytest.mark.slow
def test_the_study_is_checked_if_asked_for(sound, run_in):
    assert run_in(sound, "python", "-m", "checks.study").stdout == f"{LINE}\n"
    status, text = outcome(sound, run_in, "--study")
    assert status == 1
    assert "study/dvc.yaml:seeds: changed deps: " in text
    only(sound, "parabolas")
    done = run_in(sound, "dvc", "repro", "study/dvc.yaml:parabolas")
    assert done.returncode == 0, done.stderr
    assert run_in(sound, "python", "-m", "checks.study").stdout == ""
    status, text = outcome(sound, run_in, "--study")
    assert (status, "holds   every file comes out again" in text) == (0, True)
    plant(sound, "study/dvc.yaml", "      - study/bonus\n", "")
    status, text = outcome(sound, run_in, "--study")
    assert status == 3
    assert "parabolas: imports study/bonus/points.py undeclared" in text
    write_params(sound / "study/params.yaml", {"parabolas.n_points": 1})
    status, text = outcome(sound, run_in, "--study")
    assert status == 4
    assert "study/params.yaml: parabolas.n_points: " in text
