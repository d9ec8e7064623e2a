"""Finished stages on another machine, without git between the two, held to DVC itself."""

import shutil


def files(folder):
    """All that a run may write, but for DVC's own folder."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and not {".dvc", ".git", "__pycache__"} & {*path.relative_to(folder).parts}
    }


def test_a_run_in_the_run_cache_spares_other_machines_every_command(small, run_in, tmp_path):
    sharing, pulling = tmp_path / "shares the cache", tmp_path / "has it as its remote"
    for other in (sharing, pulling):
        shutil.copytree(small, other)
    assert run_in(small, "dvc", "repro", "train_relu").returncode == 0
    finished = files(small)
    assert finished != files(sharing)
    committed = run_in(small, "dvc", "commit", "--force", "--with-deps", "train_relu")
    assert committed.returncode == 0
    assert files(small) == finished

    cache = str(small / ".dvc/cache")
    run_in(sharing, "dvc", "cache", "dir", "--local", cache)
    run_in(pulling, "dvc", "remote", "add", "--local", "--default", "other", cache)
    for other, options in ((sharing, ()), (pulling, ("--pull",))):
        result = run_in(other, "dvc", "repro", *options, "train_relu")
        assert result.returncode == 0, result.stderr
        assert "Running stage" not in result.stdout
        assert result.stdout.count("is cached - skipping run") == 4
        assert files(other) == finished
