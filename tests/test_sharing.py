"""What is handed on, as in docs/runs.md: a model by its name, a run that nobody has committed."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import dvc.api
import numpy as np
import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from diagonal.pipeline import data
from diagonal.pipeline.models import MODELS
from diagonal.predict import predict

ROOT = Path(__file__).parents[1]
STAGES = ("generate", "split", "balance", "train_relu")  # enough, and soon done


def files(folder):
    """All that a run may write, but for DVC's own folder."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and not {".dvc", ".git", "__pycache__"} & {*path.relative_to(folder).parts}
    }


@pytest.fixture(scope="module")
def run(run_in):
    def run(folder, *words, **environment):
        done = run_in(folder, *words, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def shared(reproduced, run, tmp_path_factory):
    """A small project that has run and is committed, its remote, its server, a clone of that."""
    folder, yaml = tmp_path_factory.mktemp("shared"), YAML()
    small = shutil.copytree(reproduced, folder / "small", symlinks=True)
    wiring = yaml.load(small / "dvc.yaml")
    stages = {name: wiring["stages"][name] for name in STAGES}
    yaml.dump({"stages": stages, "artifacts": wiring["artifacts"]}, small / "dvc.yaml")
    for name in ("logistic", "deepish"):  # which are nobody's any more
        (small / f"models/{name}.safetensors").unlink()
    server, store, other = (folder / name for name in ("server", "store", "other machine"))
    run(small, "dvc", "remote", "add", "--default", "shared", str(store))
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
    run(small, "git", "add", "--all")
    run(small, "git", *identity, "commit", "--quiet", "--message", "All")
    run(small, "git", *identity, "tag", "-a", "relu@v1.0.0", "--message", "For others")
    run(small, "dvc", "push")
    run(folder, "git", "clone", "--quiet", "--bare", str(small), str(server))
    run(folder, "git", "clone", "--quiet", str(server), str(other))
    for clone in (small, other):
        run(clone, "git", "config", "user.name", "a")
        run(clone, "git", "config", "user.email", "a@b.invalid")
    run(small, "git", "remote", "add", "origin", str(server))
    return SimpleNamespace(small=small, server=server, other=other)


@pytest.mark.slow
def test_another_repository_gets_a_model_by_its_name_and_asks_it(shared, run, tmp_path):
    run(tmp_path, "git", "init", "--quiet")
    url, path = shared.server.as_uri(), "models/relu.safetensors"
    run(tmp_path, "dvc", "artifacts", "get", url, "relu", "--out", "theirs/relu.safetensors")
    content = (shared.small / path).read_bytes()
    assert (tmp_path / "theirs/relu.safetensors").read_bytes() == content
    with dvc.api.open(path, repo=url, mode="rb") as file:
        assert file.read() == content
    assert dvc.api.artifacts_show("relu", repo=url)["path"] == path
    table = predict(shared.small / "data/raw/images.npy", folder=tmp_path / "theirs")
    assert list(table.columns) == ["relu"]
    np.save(tmp_path / "lines.npy", np.load(shared.small / "data/raw/images.npy"))
    command = ("python", "-m", "diagonal.predict", "lines.npy", "--models", "theirs", "--json")
    shown = json.loads(run(tmp_path, *command, PYTHONPATH=str(ROOT)))
    assert [each["relu"] for each in shown] == table["relu"].tolist()


def test_the_lectures_models_are_listed_for_others():
    with Repo(ROOT) as repo:
        listed = repo.artifacts.read()["dvc.yaml"]
    assert {"logistic", "deepish", "relu"} <= set(listed) <= set(MODELS)
    for name, artifact in listed.items():
        assert (artifact.path, artifact.type) == (data.MODEL.format(name), "model")
        assert artifact.desc and artifact.labels


@pytest.mark.slow
def test_an_experiment_spares_another_machine_every_command(shared, run):
    small, other = shared.small, shared.other
    run(small, "dvc", "exp", "run", "-n", "narrow", "-S", "train_relu.hidden=[4,3]")
    run(small, "dvc", "exp", "push", "origin", "narrow")
    assert files(small) != files(other)
    shutil.rmtree(small / ".dvc/cache")

    run(other, "dvc", "exp", "pull", "origin", "narrow")
    run(other, "dvc", "exp", "apply", "narrow")
    assert files(other) == files(small)
    assert "Running stage" not in run(other, "dvc", "repro")
