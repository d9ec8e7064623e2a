"""Run the whole pipeline again, in a copy of the project, and hold every hash to dvc.lock."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from checks.difference import describe

WATCH = Path(__file__).with_name("watch")


class CannotTellError(Exception):
    """The check cannot decide: a tool is missing or fails, a file is not readable."""


def copy_project(root: Path, target: Path) -> None:
    """Copy the project as git sees it, tracked and new files, into a repository of its own.

    Raises:
        CannotTellError: `root` is no git repository.
    """
    listed = command(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], root
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target / name)
    command(["git", "init", "--quiet"], target)


def command(
    words: list[str],
    folder: Path,
    environment: dict[str, str] | None = None,
    umask: int = -1,
) -> subprocess.CompletedProcess:
    """Run a command of this environment in a folder; return the finished process.

    Raises:
        CannotTellError: the program is missing or ends with an error.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = {**os.environ, "PATH": path, **(environment or {})}
    try:
        return subprocess.run(
            words,
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            check=True,
            umask=umask,
        )
    except FileNotFoundError as err:
        raise CannotTellError(f"{words[0]} is not there") from err
    except subprocess.CalledProcessError as err:
        last = (err.stderr.strip() or err.stdout.strip() or "no message").splitlines()[-1]
        raise CannotTellError(f"{' '.join(words[:3])} failed: {last}") from err


def lock(root: Path) -> dict[str, dict[str, str]]:
    """Read dvc.lock: stage -> path of an output -> its hash, in the pipeline's order."""
    order = list(YAML(typ="safe", pure=True).load(root / "dvc.yaml")["stages"])
    stages = YAML(typ="safe", pure=True).load(root / "dvc.lock")["stages"]
    return {
        name: {out["path"]: out["md5"] for out in stages.get(name, {}).get("outs", [])}
        for name in order
    }


def reproduce(root: Path, copy: Path, log: Path, setting: dict[str, str], home: Path) -> list[str]:
    """Force every stage to run in a copy of the project, watched, without any cache.

    Args:
        root: the project; its outputs are read to tell how others differ from them.
        copy: from `copy_project`.
        log: where `checks/watch` writes what the stages do.
        setting: variables that the stages run under; with UMASK, also a file mode mask.
        home: an empty folder, the home directory where the setting names another user.

    Returns:
        A line for each output that is not the committed one, in the pipeline's order.
    """
    environment = {"PYTHONPATH": str(WATCH), "WATCH_LOG": str(log), **setting}
    umask = int(environment.pop("UMASK", "-1"), 8)
    if "USER" in setting:
        environment["HOME"] = str(home)
    try:
        command(["dvc", "repro", "--force", "--no-run-cache"], copy, environment, umask)
    except CannotTellError as err:
        return [str(err)]
    committed, found = lock(root), lock(copy)
    if (root / "dvc.lock").read_bytes() != (copy / "dvc.lock").read_bytes() and committed == found:
        return ["dvc.lock comes out in other words, with the same hashes"]
    return [
        f"{stage}: {path} differs in {describe(root / path, copy / path)}"
        for stage, outputs in committed.items()
        for path, hash_ in outputs.items()
        if found[stage].get(path) != hash_
    ]
