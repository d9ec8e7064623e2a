"""Run the pipeline again, in a copy of the project, and hold every file to the project's."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from checks.difference import describe
from checks.wiring import LECTURE, PIPELINES, Pipeline, declared

WATCH = Path(__file__).with_name("watch")
# What git tells the hooks that it runs of its repository; in a copy it would lead to the original.
OF_A_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")


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
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = call(words, root).stdout.split("\0")
    for name in {*filter(None, listed), *output_files(root, frozen=True)}:
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target / name)
    call(["git", "init", "--quiet"], target)


def call(
    words: list[str], folder: Path, environment: dict[str, str] | None = None, umask: int = -1
) -> subprocess.CompletedProcess:
    """Run a command of this Python's environment in a folder; return the finished process.

    Raises:
        CannotTellError: the program is missing or ends with an error.
    """
    variables = {name: each for name, each in os.environ.items() if name not in OF_A_REPOSITORY}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        return subprocess.run(
            words, cwd=folder, env=variables | (environment or {}), umask=umask,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except FileNotFoundError as err:
        raise CannotTellError(f"{words[0]} is not there") from err
    except subprocess.CalledProcessError as err:
        raise CannotTellError(f"{' '.join(words[:3])} failed: {reason(err)}") from err


def reason(err: subprocess.CalledProcessError) -> str:
    """Put into a line what a failed command said first and last: DVC's error follows a stage's."""
    lines = [" ".join(line.split()) for line in (err.stderr or err.stdout).splitlines()]
    lines = [line for line in lines if line]
    return " / ".join(lines[:1] + lines[1:][-3:]) or "no message"


def stale(root: Path, *targets: str) -> list[str]:
    """Ask DVC what of these files or stages, and all that they need, differs from dvc.lock."""
    words = ["dvc", "status", "--json", "--with-deps", *targets]
    return [
        f"{stage}: {line}"
        for stage, changes in json.loads(call(words, root).stdout).items()
        for change in changes
        for line in _lines(change)
    ]


def _lines(change: str | dict) -> list[str]:
    if isinstance(change, str):
        return [change]
    return [
        f"{kind}: {path} is {state if isinstance(state, str) else 'changed'}"
        for kind, paths in change.items()
        for path, state in paths.items()
    ]


def repro(pipelines: Sequence[Pipeline], *options: str) -> list[str]:
    """Return the command that reproduces these pipelines: the lecture alone, or both."""
    both = ["--all-pipelines"] if len(pipelines) > 1 else []
    return ["dvc", "repro", *both, *options]


def to_run(root: Path, pipelines: Sequence[Pipeline] = (LECTURE,)) -> list[str]:
    """Ask DVC which stages it would run, in its order."""
    lines = call(repro(pipelines, "--dry"), root).stdout.splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage '")]


def output_files(
    root: Path, pipelines: Sequence[Pipeline] = PIPELINES, frozen: bool | None = None
) -> dict[str, str]:
    """List all files that are outputs or lie below one: path -> its stage, in dvc.yaml's order.

    With `frozen`, only those of stages that are frozen, or of those that are not.
    """
    return {
        path.relative_to(root).as_posix(): stage
        for pipeline in pipelines
        if (root / pipeline.file).exists()
        for stage, wiring in declared(root, pipeline).items()
        if frozen in (None, wiring["frozen"])
        for out in sorted(wiring["outputs"])
        for path in [root / out, *sorted((root / out).rglob("*"))]
        if path.is_file()
    }


def differences(root: Path, copy: Path, pipelines: Sequence[Pipeline]) -> list[str]:
    """Compare all files that come out, one by one, with the project's."""
    return [
        f"{stage}: {path} differs in {difference}"
        for path, stage in (output_files(root, pipelines) | output_files(copy, pipelines)).items()
        if (difference := describe(root / path, copy / path)) != "nothing"
    ]


def reproduce(
    root: Path, copy: Path, setting: dict[str, str], pipelines: Sequence[Pipeline]
) -> list[str]:
    """Force every stage to run in a copy of the project, watched, without any cache.

    Args:
        root: the project; nothing in these pipelines is stale.
        copy: from `copy_project`. Beside it `log` gets what `checks/watch` writes of the stages,
            and `home` is the home directory if the setting names another user.
        setting: variables that the stages run under; with UMASK, also a file mode mask.
        pipelines: the lecture, or the lecture and the study.

    Returns:
        A line for each file that is not the project's, in the pipelines' order.

    Raises:
        StageFailedError: a stage ends with an error there.
    """
    log, home = (copy.with_name(name) for name in ("log", "home"))
    for folder in (log, home):
        folder.mkdir()
    modules = os.pathsep.join(filter(None, [str(WATCH), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": modules, "WATCH_LOG": str(log), **setting}
    umask = int(environment.pop("UMASK", "-1"), 8)
    if "USER" in setting:
        environment["HOME"] = str(home)
    for path in output_files(copy, pipelines, frozen=False):
        (copy / path).unlink()  # what no stage writes any more must not stay
    try:
        call(repro(pipelines, "--force", "--no-run-cache"), copy, environment, umask)
    except CannotTellError as err:
        raise StageFailedError(str(err)) from err
    return differences(root, copy, pipelines)
