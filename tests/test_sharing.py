"""What is handed on, as in docs/runs.md: a model by its name, a run that nobody has committed."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import only

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def run(run_in):
    def run(folder, *words):
        done = run_in(folder, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def shared(reproduced, run, tmp_path_factory):
    """A small project that has run and is committed, its remote, its server, a clone of that."""
    folder = tmp_path_factory.mktemp("shared")
    small = shutil.copytree(reproduced, folder / "small", symlinks=True)
    only(small, "generate", "split", "balance", "train_relu")  # enough, and soon done
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
def test_another_repository_gets_a_model_by_its_name(shared, run, tmp_path):
    run(tmp_path, "git", "init", "--quiet")
    url, path = shared.server.as_uri(), "models/relu.safetensors"
    run(tmp_path, "dvc", "artifacts", "get", url, "relu", "--out", path)
    assert (tmp_path / path).read_bytes() == (shared.small / path).read_bytes()


@pytest.mark.slow
def test_an_experiment_spares_another_machine_every_command(shared, run):
    small, other = shared.small, shared.other
    run(small, "dvc", "exp", "run", "-n", "narrow", "-S", "train_relu.hidden=[4,3]")
    run(small, "dvc", "exp", "push", "origin", "narrow")
    shutil.rmtree(small / ".dvc/cache")

    run(other, "dvc", "exp", "pull", "origin", "narrow")
    run(other, "dvc", "exp", "apply", "narrow")
    for path in ("params.yaml", "dvc.lock", "models/relu.safetensors", "plots/losses/relu.csv"):
        assert (other / path).read_bytes() == (small / path).read_bytes()
    assert "Running stage" not in run(other, "dvc", "repro")
