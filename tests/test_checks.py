import shutil
import subprocess

import numpy as np
import pytest
from conftest import only, write_params
from safetensors.numpy import save_file

from checks import __main__ as checker
from checks import reproduction
from checks.difference import describe
from checks.reproduction import CannotTellError, call, output_files
from checks.settings import SETTINGS, runnable_settings
from checks.study import LINE
from checks.wiring import LECTURE


@pytest.fixture
def project(reproduced, tmp_path):
    """A small project after `dvc repro`, to plant a fault in; its study is stale."""
    return shutil.copytree(reproduced, tmp_path / "project", symlinks=True)


def plant(project, path, old, new):
    text = (project / path).read_text()
    assert old in text
    (project / path).write_text(text.replace(old, new, 1))


def check(run, status, *lines, options=(), **environment):
    result = run("python", "-m", "checks", *options, **environment)
    assert result.returncode == status, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    for line in lines:
        assert line in result.stdout


def test_a_renamed_key_is_status_4(project, run):
    plant(project, "params.yaml", "hflip:", "flip:")
    check(run, 4, "params.yaml: transforms.flip: Extra inputs are not permitted")


def test_a_dependency_left_out_is_status_3(project, run):
    plant(project, "dvc.yaml", "diagonal/lines, ", "")
    check(run, 3, "generate: imports diagonal/lines/images.py undeclared")


def test_a_parameter_that_no_stage_declares_is_status_3(project, run):
    plant(project, "dvc.yaml", "[balance.strategy, ", "[")
    check(run, 3, "params.yaml: balance.strategy is read by no stage")


def test_an_edited_metric_is_status_1(project, run):
    plant(project, "metrics/evaluate/models.json", '"parameters": 143', '"parameters": 142')
    check(run, 1, "evaluate: changed outs: metrics/evaluate is modified")


def test_a_file_too_many_in_a_folder_of_outputs_is_status_1(project, run):
    (project / "plots/split/extra.csv").write_text("x\n1\n")
    check(run, 1, "split: changed outs: plots/split is modified")


def test_an_edited_stage_is_status_1(project, run):
    plant(project, "stages/balance.py", "import torch", "import torch  # edited")
    check(run, 1, "balance: changed deps: stages/balance.py is modified")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("dvc.yaml", "cannot tell: dvc.yaml: expected a YAML file, found: while "),
        ("dvc.lock", "cannot tell: dvc status --json failed: './dvc.lock' is invalid. / "),
    ],
)
def test_a_pipeline_that_is_cut_off_is_status_5(project, run, path, line):
    text = (project / path).read_text()
    (project / path).write_text(text[:5000] + "\n  bad: [")
    check(run, 5, line)


def test_a_missing_tool_is_status_5(project, run, tmp_path):
    check(run, 5, "cannot tell: git is not there", PATH=str(tmp_path))


def test_undeclared_reads_and_writes_are_status_3(project, run):
    only(project, "balance")
    plant(
        project,
        "stages/balance.py",
        "    params = load_params()\n",
        "    params = load_params()\n"
        "    assert params.evaluate.threshold < 2\n"
        '    with open("metrics/split.json") as file, open("metrics/extra.txt", "w") as extra:\n'
        "        extra.write(file.read()[:0])\n"
        '    __import__("os").system("touch metrics/unseen.txt")\n',
    )
    assert run("dvc", "repro").returncode == 0
    check(
        run,
        3,
        "balance: reads metrics/split.json undeclared",
        "balance: writes metrics/extra.txt undeclared",
        "balance: reads the parameter evaluate.threshold undeclared",
        "metrics/unseen.txt was written and is no stage's output",
    )


def test_what_varies_from_run_to_run_is_status_2(project, run):
    only(project, "generate", "balance")
    plant(project, "stages/generate.py", "import numpy", "import time\n\nimport numpy")
    plant(project, "stages/generate.py", '"images": len(images),', '"images": time.time() % 1,')
    plant(project, "stages/balance.py", "import torch", "import os\n\nimport torch")
    plant(
        project,
        "stages/balance.py",
        'f"{ones}_before":',
        '"listed": " ".join(os.listdir("diagonal")),\n            f"{ones}_before":',
    )
    plant(
        project,
        "stages/balance.py",
        "    files.write_array(",
        '    if os.environ.get("TZ"):\n'
        "        weights[3] = torch.nextafter(weights[3], weights[3] + 1)\n"
        "    files.write_array(",
    )
    assert run("dvc", "repro").returncode == 0
    check(
        run,
        2,
        "generate: metrics/generate.json differs in images: 0.",
        "balance: data/balance/sample_weights.npy differs in array: 1 of 48 numbers, by up to 1 ulp",  # noqa: E501
        "balance: metrics/balance.json differs in listed: ",
    )


def test_a_sound_project_passes_and_says_what_it_checked(project, run):
    only(project, "generate", "split", "balance", "train_relu")
    check(
        run,
        0,
        "holds   params.yaml is valid",
        "holds   each stage reads and writes what it declares",
        "holds   every file comes out again",
        "holds   a second dvc repro runs nothing",
        "left out: the study; make check STUDY=1 checks it, too",
    )


def test_a_stale_study_is_told_and_is_status_1_if_it_is_asked_for(project, run):
    told = run("python", "-m", "checks.study")
    assert (told.returncode, told.stdout) == (0, f"{LINE}\n")
    check(run, 1, "study/dvc.yaml:seeds: changed deps: ", options=["--study"])


def test_a_sound_study_is_run_and_a_fault_in_it_is_found(project, run):
    only(project, "parabolas")
    done = run("dvc", "repro", "study/dvc.yaml:parabolas")
    assert done.returncode == 0, done.stderr
    assert run("python", "-m", "checks.study").stdout == ""
    check(run, 0, "holds   every file comes out again", options=["--study"])
    path = project / "study/dvc.yaml"
    path.write_text(path.read_text().replace("      - study/bonus\n", "", 1))
    check(run, 3, "parabolas: imports study/bonus/points.py undeclared", options=["--study"])
    write_params(project / "study/params.yaml", {"parabolas.n_points": 1})
    check(run, 4, "study/params.yaml: parabolas.n_points: ", options=["--study"])


def test_files_below_folders_of_outputs_are_listed_in_the_pipelines_order(project):
    listed = output_files(project)
    assert list(listed)[:4] == [
        "data/raw/classes.json",
        "data/raw/images.npy",
        "data/raw/labels.npy",
        "metrics/generate.json",
    ]
    assert listed["data/split/train.npy"] == "split"
    assert listed["metrics/evaluate/validation/relu.json"] == "evaluate"


def test_differences_are_told_down_to_the_number(tmp_path):
    def pair(suffix, write, first, second):
        paths = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        for path, content in zip(paths, (first, second), strict=True):
            write(path, content)
        return describe(*paths)

    def text(path, content):
        path.write_text(content)

    weights = np.linspace(-1, 1, 6, dtype=np.float32)
    nudged = weights.copy()
    nudged[2] = np.nextafter(nudged[2], np.float32(1))
    tensors = {"w": weights}, {"w": nudged}
    assert pair(".npy", np.save, weights, nudged) == "array: 1 of 6 numbers, by up to 1 ulp"
    assert pair(".npy", np.save, weights, weights[:3]) == "array: float32 (6,) became float32 (3,)"
    assert pair(".safetensors", lambda path, content: save_file(content, path), *tensors) == (
        "w: 1 of 6 numbers, by up to 1 ulp"
    )
    assert pair(".json", text, '{"a": {"b": 1}}', '{"a": {"b": 2}}') == "a.b: 1 became 2"
    assert pair(".json", text, '{"a": 1}', '{"c": 1}') == "what it holds: a, c"
    assert pair(".csv", text, "x,y\n1,2\n", "x,y\n1,3\n") == "line 2, y: 2 became 3"
    assert pair(".csv", text, "x\n1\n", "x\n1\n\n") == "bytes, but no value in it"
    assert pair(".json", text, "{", "{}").startswith("a version that cannot be read: Expecting")
    assert pair(".txt", text, "same", "same") == "nothing"
    assert (
        describe(tmp_path / "a.npy", tmp_path / "absent.npy") == "absent.npy is missing on one side"
    )


def test_a_stage_that_fails_under_a_setting_is_told_and_is_not_reproducible(project, monkeypatch):
    def fail(*_):
        raise CannotTellError("dvc repro --force failed: Illegal instruction")

    monkeypatch.setattr(reproduction, "call", fail)
    monkeypatch.setattr(reproduction, "copy_project", shutil.copytree)
    found = checker.run_under(project, {}, (LECTURE,))
    assert found == ([], ["dvc repro --force failed: Illegal instruction"], [])


def test_a_leftover_that_no_stage_writes_any_more_is_status_2(project, run):
    """DVC leaves outputs where they are, and so takes what lies beside them for theirs."""
    only(project, "split")
    (project / "plots/split/old.csv").write_text("x\n1\n")
    assert run("dvc", "repro", "--force", "-s", "split").returncode == 0
    check(run, 2, "split: plots/split/old.csv differs in old.csv is missing on one side")


def test_a_stage_that_fails_in_the_copy_is_told_by_its_own_words(project, run):
    only(project, "split")
    plant(
        project,
        "stages/split.py",
        "    params = load_params()\n",
        "    params = load_params()\n"
        '    if __import__("os").environ.get("TZ"):\n'
        '        raise __import__("diagonal").errors.InputError("moon: expected full")\n',
    )
    assert run("dvc", "repro").returncode == 0
    check(run, 2, "moon: expected full", "failed to reproduce 'split'")


def test_gits_error_is_told_and_not_the_hint_after_it_alone(tmp_path):
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    with pytest.raises(CannotTellError) as caught:
        call(["git", "rev-list", "HEAD"], tmp_path)
    assert str(caught.value).startswith(
        "git rev-list HEAD failed: fatal: ambiguous argument 'HEAD': unknown revision"
    )
    assert len(str(caught.value).splitlines()) == 1


def test_the_repository_that_a_git_hook_names_is_left_alone(project, run, tmp_path):
    only(project, "generate")
    other = tmp_path / "other"
    other.mkdir()
    run("git", "init", "--quiet", str(other))
    before = (other / ".git/config").read_bytes()
    hook = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    check(run, 0, "holds   every file comes out again", **hook)
    assert (other / ".git/config").read_bytes() == before


def test_settings_that_this_cpu_cannot_run_are_named(monkeypatch):
    import torch

    for capability, n_left_out in (("AVX512", 0), ("AVX2", 2)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda name=capability: name)
        found, left_out = runnable_settings()
        assert len(left_out) == n_left_out
        assert set(found) | set(left_out) == set(SETTINGS)
        assert not set(found) & set(left_out)
