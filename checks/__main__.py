"""Hold the lecture to its promises: `make check`, with STUDY=1 the study, too.

With DEEP=1 every stage runs under many settings.

Exit status: 0 all holds; 1 the pipeline is stale; 2 it is not reproducible; 3 the wiring is wrong;
4 params.yaml is invalid; 5 the check could not decide; 130 interrupted.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from checks import params, reproduction, wiring
from checks.reproduction import CannotTellError, stale, to_run
from checks.settings import ADVERSE, runnable_settings
from checks.wiring import LECTURE, STUDY, Pipeline
from diagonal import command
from diagonal.errors import InputError
from diagonal.training.progress import bar

AT_ONCE = 4  # settings, at most, that are tried side by side
STALE, NOT_REPRODUCIBLE, WIRING, PARAMS, CANNOT_TELL = 1, 2, 3, 4, 5
# What breaks the wiring, the files that differ, and the stages that would run again.
Found = tuple[list[str], list[str], list[str]]


def main() -> int:
    """Check one promise after the other until one is broken; return the exit status."""
    parser = argparse.ArgumentParser(prog="make check")
    parser.add_argument("--study", action="store_true", help="check the study, too")
    parser.add_argument("--deep", action="store_true", help="reproduce under many settings")
    arguments = parser.parse_args()
    pipelines = (LECTURE, STUDY) if arguments.study else (LECTURE,)
    settings = {"adverse settings": ADVERSE}
    if arguments.deep:
        settings, left_out = runnable_settings()
        for setting in left_out:
            print(f"left out {setting}: this CPU has no AVX-512")
    try:
        for status, promise, faults in promises(Path.cwd(), settings, pipelines):
            print(f"{'BROKEN' if faults else 'holds '}  {promise}", flush=True)
            for fault in faults:
                print(f"        {fault}")
            if faults:
                return status
    except (CannotTellError, InputError, OSError) as err:
        print(f"cannot tell: {err}")
        return CANNOT_TELL
    if not arguments.study:
        print("left out: the study; make check STUDY=1 checks it, too")
    return 0


def promises(
    root: Path, settings: dict, pipelines: Sequence[Pipeline]
) -> Iterator[tuple[int, str, list[str]]]:
    """Check the promises, the cheap ones first.

    Yields:
        The exit status that stands for a broken promise, the promise, and what breaks it.
    """
    # first: what cannot be read is no fault of params.yaml
    stages = [each for pipeline in pipelines for each in wiring.declared(root, pipeline).values()]
    yield PARAMS, "params.yaml is valid", invalid_params(pipelines)
    faults = [fault for pipeline in pipelines for fault in wiring.faults(root, pipeline)]
    yield WIRING, "dvc.yaml declares what the scripts import; every parameter is used", faults
    faults = stale(root, *(pipeline.file for pipeline in pipelines))
    yield STALE, "dvc.lock agrees with code, parameters and outputs", faults

    n_stages = sum(not each["frozen"] for each in stages)
    at_once = ThreadPoolExecutor(min(os.cpu_count() or 1, AT_ONCE))
    with tempfile.TemporaryDirectory(prefix="check-") as folder, at_once as pool:
        runs = {
            name: pool.submit(run_under, root, setting, pipelines, folder)
            for name, setting in settings.items()
        }
        try:
            for name, (wiring_faults, differences, again) in ended(runs, Path(folder), n_stages):
                promise = f"each stage reads and writes what it declares: {name}"
                yield WIRING, promise, wiring_faults
                yield NOT_REPRODUCIBLE, f"every file comes out again: {name}", differences
                yield WIRING, f"a second dvc repro runs nothing: {name}", again
        finally:
            pool.shutdown(cancel_futures=True)


def ended(runs: dict[str, Future], folder: Path, n_stages: int) -> Iterator[tuple[str, Found]]:
    """Wait for each run in turn; a bar shows how many stages have started, by their logs."""
    options = {"total": len(runs) * n_stages, "unit": "stage", "leave": False}
    with bar(desc="every stage again, in a copy", **options) as progress:
        for name, run in runs.items():
            while not wait([run], timeout=0.5).done:
                n_started = len(list(folder.glob("*/log/*.log")))  # of runs that have not ended
                n_ended = n_stages * sum(each.done() for each in runs.values())
                progress.update(n_ended + n_started - progress.n)
            progress.clear()
            yield name, run.result()


def run_under(
    root: Path, setting: dict[str, str], pipelines: Sequence[Pipeline], parent: str | None = None
) -> Found:
    """Run the pipelines under a setting, in a copy in the folder `parent`."""
    with tempfile.TemporaryDirectory(prefix="check-", dir=parent) as folder:
        copy = Path(folder, "copy")
        reproduction.copy_project(root, copy)
        before = files(copy)
        try:
            differences = reproduction.reproduce(root, copy, setting, pipelines)
        except reproduction.StageFailedError as err:  # what came before it says nothing
            return [], [str(err)], []
        log = copy.with_name("log")
        faults = [line for each in pipelines for line in wiring.watched_faults(root, log, each)]
        faults += strays(copy, before, pipelines)
        return faults, differences, to_run(copy, pipelines)


def invalid_params(pipelines: Sequence[Pipeline]) -> list[str]:
    """Check the parameters as `make repro` does."""
    try:
        params.check_lecture()
        if STUDY in pipelines:
            params.check_study()
    except InputError as err:
        return str(err).splitlines()
    return []


def files(folder: Path) -> set[tuple[str, int]]:
    """List a project's files and when each was written, without those of git, DVC and Python."""
    return {
        (path.relative_to(folder).as_posix(), path.stat().st_mtime_ns)
        for parent, folders, names in os.walk(folder)
        if not {".git", ".dvc", "__pycache__"} & set(Path(parent).relative_to(folder).parts)
        for path in (Path(parent) / name for name in names)
    }


def strays(copy: Path, before: set[tuple[str, int]], pipelines: Sequence[Pipeline]) -> list[str]:
    """Find files that the pipeline wrote and no stage declares, whatever they were written with."""
    written = {path for path, _ in files(copy) - before} - {"dvc.lock", "study/dvc.lock"}
    undeclared = written - reproduction.output_files(copy, pipelines).keys()
    return [f"{path} was written and is no stage's output" for path in sorted(undeclared)]


if __name__ == "__main__":
    command.run(main)
