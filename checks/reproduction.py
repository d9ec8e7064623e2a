"""Run the whole pipeline again, in a copy of the project, and hold every file to the project's."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from checks.difference import describe
from checks.wiring import declared

WATCH = Path(__file__).with_name("watch")
# What git tells the hooks and commands that it runs of its repository, as `git rev-parse
# --local-env-vars` lists it: elsewhere it is wrong, and `git init` would write into the former.
OF_A_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
ERRORS = ("ERROR: ", "fatal: ", "error: ")  # how DVC and git begin to say what is wrong
DVCS_HELP = ("Having any troubles?", "Hit us")  # after its error


class CannotTellError(Exception):
    """The check cannot decide: a tool is missing or fails, a file is not readable."""


class StageFailedError(Exception):
    """A stage that runs in the project ends with an error in a copy of it."""


def copy_project(root: Path, target: Path) -> None:
    """Copy the project as git sees it, tracked and new files, into a repository of its own.

    What a frozen stage stands for, which DVC does not run, is copied, too.

    Raises:
        CannotTellError: `root` is no git repository.
    """
    listed = call(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], root
    ).stdout
    frozen = {path for path, stage in output_files(root).items() if declared(root)[stage]["frozen"]}
    for name in {*filter(None, listed.split("\0")), *frozen}:
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target / name)
    call(["git", "init", "--quiet"], target)


def variables() -> dict[str, str]:
    """Return the environment variables that lead to this environment's programs, in any folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    kept = {name: each for name, each in os.environ.items() if name not in OF_A_REPOSITORY}
    return kept | {"PATH": path}


def call(
    words: list[str], folder: Path, environment: dict[str, str] | None = None, umask: int = -1
) -> subprocess.CompletedProcess:
    """Run a command of this environment in a folder; return the finished process.

    Raises:
        CannotTellError: the program is missing or ends with an error.
    """
    try:
        return subprocess.run(
            words,
            cwd=folder,
            env=variables() | (environment or {}),
            capture_output=True,
            text=True,
            check=True,
            umask=umask,
        )
    except FileNotFoundError as err:
        raise CannotTellError(f"{words[0]} is not there") from err
    except subprocess.CalledProcessError as err:
        raise CannotTellError(f"{' '.join(words[:3])} failed: {reason(err)}") from err


def reason(err: subprocess.CalledProcessError) -> str:
    """Find what says why a command failed: git's or DVC's error to its end, else the last line.

    Of a file that it cannot parse DVC says so first, and then shows the place over several lines.
    """
    lines = [line.strip() for line in (err.stderr or err.stdout or "").splitlines()]
    told = [line for line in lines if line and not line.startswith(DVCS_HELP)]
    if not told:
        return "no message"
    if told[0].endswith(" is invalid."):
        return " ".join(told[:2])
    first = next((n for n, line in enumerate(told) if line.startswith(ERRORS)), len(told) - 1)
    # Before DVC's word that a stage failed stands the stage's own.
    whose = told[:first][-1:] if told[first].startswith("ERROR: failed to reproduce") else []
    return " / ".join([*whose, " ".join(told[first:])])


def stale(root: Path) -> list[str]:
    """Ask DVC what does not agree with dvc.lock."""
    status = json.loads(call(["dvc", "status", "--json"], root).stdout)
    return [
        f"{stage}: {kind}: {path} is {state if isinstance(state, str) else 'changed'}"
        for stage, changes in status.items()
        for change in changes
        if isinstance(change, dict)
        for kind, paths in change.items()
        for path, state in paths.items()
    ]


def to_run(root: Path, *options: str) -> list[str]:
    """Ask DVC which stages it would run, in its order."""
    lines = call(["dvc", "repro", "--dry", *options], root).stdout.splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage '")]


def output_files(root: Path) -> dict[str, str]:
    """List all files that are outputs or lie below one: path -> its stage, in dvc.yaml's order."""
    return {
        path.relative_to(root).as_posix(): stage
        for stage, wiring in declared(root).items()
        for out in sorted(wiring["outputs"])
        for path in [root / out, *sorted((root / out).rglob("*"))]
        if path.is_file()
    }


def differences(root: Path, copy: Path) -> list[str]:
    """Compare all files that come out, one by one, with the project's, which dvc.lock has."""
    return [
        f"{stage}: {path} differs in {difference}"
        for path, stage in (output_files(root) | output_files(copy)).items()
        if (difference := describe(root / path, copy / path)) != "nothing"
    ]


def locked(root: Path) -> str:
    """Read dvc.lock without frozen stages, which DVC notes as it finds them when it is forced."""
    frozen = {name for name, stage in declared(root).items() if stage["frozen"]}
    blocks = re.split(r"(?m)^(?=  \S+:$)", (root / "dvc.lock").read_bytes().decode())
    return "".join(block for block in blocks if block.split(":")[0].strip() not in frozen)


def reproduce(root: Path, copy: Path, log: Path, setting: dict[str, str], home: Path) -> list[str]:
    """Force every stage to run in a copy of the project, watched, without any cache.

    Args:
        root: the project; nothing in it is stale.
        copy: from `copy_project`.
        log: where `checks/watch` writes what the stages do.
        setting: variables that the stages run under; with UMASK, also a file mode mask.
        home: an empty folder, the home directory where the setting names another user.

    Returns:
        A line for each file that is not the committed one, in the pipeline's order.

    Raises:
        StageFailedError: a stage ends with an error there.
        CannotTellError: modules cannot be found in the temporary directory.
    """
    watch = shutil.copytree(WATCH, log.with_name("watch"))  # the project's path may have a colon
    if os.pathsep in str(watch):
        raise CannotTellError(
            f"TMPDIR: expected a temporary directory without {os.pathsep}, found {watch.parent}"
        )
    modules = os.pathsep.join(filter(None, [str(watch), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": modules, "WATCH_LOG": str(log), **setting}
    umask = int(environment.pop("UMASK", "-1"), 8)
    for path, stage in output_files(copy).items():
        if not declared(copy)[stage]["frozen"]:
            (copy / path).unlink()  # what no stage writes any more must not stay
    if "USER" in setting:
        environment["HOME"] = str(home)
    try:
        call(["dvc", "repro", "--force", "--no-run-cache"], copy, environment, umask)
    except CannotTellError as err:
        raise StageFailedError(str(err)) from err
    found = differences(root, copy)
    if not found and locked(root) != locked(copy):
        return ["dvc.lock comes out in other words, with the same files"]
    return found
