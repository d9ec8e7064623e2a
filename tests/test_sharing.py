"""A run that nobody has committed, on another machine: an experiment, as in docs/runs.md."""

import shutil

from ruamel.yaml import YAML

STAGES = ("generate", "split", "balance", "train_relu")  # enough, and soon done


def files(folder):
    """All that a run may write, but for DVC's own folder."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and not {".dvc", ".git", "__pycache__"} & {*path.relative_to(folder).parts}
    }


def test_an_experiment_spares_another_machine_every_command(reproduced, run_in, tmp_path):
    small = shutil.copytree(reproduced, tmp_path / "small", symlinks=True)

    def run(folder, *words):
        done = run_in(folder, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    wiring = YAML().load(small / "dvc.yaml")
    YAML().dump({"stages": {name: wiring["stages"][name] for name in STAGES}}, small / "dvc.yaml")
    for name in ("logistic", "deepish"):  # which are nobody's any more
        (small / f"models/{name}.safetensors").unlink()
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
    run(small, "git", "add", "--all")
    run(small, "git", *identity, "commit", "--quiet", "--message", "All")
    server, store, other = (tmp_path / name for name in ("server", "store", "other machine"))
    run(tmp_path, "git", "clone", "--quiet", "--bare", str(small), str(server))
    run(tmp_path, "git", "clone", "--quiet", str(server), str(other))
    for folder in (small, other):
        run(folder, "dvc", "remote", "add", "--local", "--default", "shared", str(store))
        run(folder, "git", "config", "user.name", "a")
        run(folder, "git", "config", "user.email", "a@b.invalid")
    run(small, "git", "remote", "add", "origin", str(server))

    run(small, "dvc", "exp", "run", "-n", "narrow", "-S", "train_relu.hidden=[4,3]")
    run(small, "dvc", "exp", "push", "origin", "narrow")
    assert files(small) != files(other)
    shutil.rmtree(small / ".dvc/cache")

    run(other, "dvc", "exp", "pull", "origin", "narrow")
    run(other, "dvc", "exp", "apply", "narrow")
    assert files(other) == files(small)
    assert "Running stage" not in run(other, "dvc", "repro")
