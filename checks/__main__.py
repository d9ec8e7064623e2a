"""Hold the pipeline to its promises: `make check`, or `make check DEEP=1` under many settings.

Exit status: 0 all holds; 1 the pipeline is stale; 2 it is not reproducible; 3 the wiring is wrong;
4 params.yaml is invalid; 5 the check could not decide; 130 interrupted.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from checks import params, reproduction, wiring
from checks.reproduction import CannotTellError, output_files, stale, to_run
from checks.settings import ADVERSE, runnable_settings
from diagonal.pipeline import command
from diagonal.pipeline.errors import InputError

AT_ONCE = 4  # settings, at most, that are tried side by side
STALE, NOT_REPRODUCIBLE, WIRING, PARAMS, CANNOT_TELL = 1, 2, 3, 4, 5


def main() -> int:
    """Check one promise after the other until one is broken; return the exit status."""
    parser = argparse.ArgumentParser(prog="make check")
    parser.add_argument("--deep", action="store_true", help="reproduce under many settings")
    settings = {"adverse settings": ADVERSE}
    if parser.parse_args().deep:
        settings, left_out = runnable_settings()
        for setting in left_out:
            print(f"left out {setting}: this CPU has no AVX-512")
    try:
        for status, promise, faults in promises(Path.cwd(), settings):
            print(f"{'BROKEN' if faults else 'holds '}  {promise}", flush=True)
            for fault in faults:
                print(f"        {fault}")
            if faults:
                return status
    except (CannotTellError, InputError, OSError) as err:
        print(f"cannot tell: {err}")
        return CANNOT_TELL
    return 0


def promises(root: Path, settings: dict) -> Iterator[tuple[int, str, list[str]]]:
    """Check the promises, the cheap ones first.

    Yields:
        The exit status that stands for a broken promise, the promise, and what breaks it.
    """
    wiring.declared(root)  # first: if it cannot be read, that is no fault of params.yaml
    yield PARAMS, "params.yaml is valid", invalid_params()
    faults = wiring.code_faults(root) + wiring.input_faults(root) + wiring.param_faults(root)
    yield WIRING, "dvc.yaml declares what the scripts import; every parameter is used", faults
    yield CANNOT_TELL, "metrics, tables and pictures are readable and hold no NaN", unreadable(root)
    yield STALE, "dvc.lock agrees with code, parameters and outputs", stale(root)

    hashes = defaultdict(set)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, AT_ONCE)) as pool:
        runs = {setting: pool.submit(run_under, root, each) for setting, each in settings.items()}
        try:
            for setting, run in runs.items():
                wiring_faults, differences, stages, found = run.result()
                yield (
                    WIRING,
                    f"each stage reads and writes what it declares: {setting}",
                    wiring_faults,
                )
                yield NOT_REPRODUCIBLE, f"every file comes out again: {setting}", differences
                yield WIRING, f"a second dvc repro runs nothing: {setting}", stages
                for path, hash_ in found.items():
                    hashes[path].add(hash_)
        finally:
            pool.shutdown(cancel_futures=True)
    if len(settings) > 1:
        print(f"\nfiles and their hashes over {len(settings)} settings")
        for path, found in hashes.items():
            print(f"{path:<44} {' '.join(sorted(found))}")


def run_under(root: Path, setting: dict[str, str]) -> tuple[list, list, list, dict[str, str]]:
    """Run the pipeline in a copy under a setting.

    Returns:
        what breaks the wiring, the files that differ, the stages that would run again, and the
        hash of each file.
    """
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        copy, log, home = (Path(folder, name) for name in ("copy", "log", "home"))
        log.mkdir()
        home.mkdir()
        reproduction.copy_project(root, copy)
        before = files(copy)
        try:
            differences = reproduction.reproduce(root, copy, log, setting, home)
        except reproduction.StageFailedError as err:  # what came before it says nothing
            return [], [str(err)], [], {}
        faults = wiring.watched_faults(root, log) + strays(copy, before)
        hashes = {
            path: hashlib.md5((copy / path).read_bytes()).hexdigest() for path in output_files(copy)
        }
        return faults, differences, to_run(copy), hashes


def invalid_params() -> list[str]:
    """Check params.yaml as `make repro` does."""
    try:
        params.main()
    except InputError as err:
        return str(err).splitlines()
    return []


def unreadable(root: Path) -> list[str]:
    """Find metrics, tables and pictures that cannot be read or hold what is no number."""
    faults = []
    for path in output_files(root):
        try:
            _read(root / path)
        except (OSError, ValueError) as err:
            faults.append(f"{path}: {' '.join(str(err).split())}")
    return faults


def _read(path: Path) -> None:
    match path.suffix:
        case ".json":
            json.loads(path.read_text(), parse_constant=_no_number)
        case ".csv":
            for row in csv.reader(path.read_text().splitlines(), strict=True):
                for cell in row:
                    _no_number(cell)
        case ".png" | ".gif":
            with Image.open(path) as image:
                image.load()


def _no_number(text: str) -> None:
    try:
        number = float(text)
    except ValueError:
        return
    if not math.isfinite(number):
        raise ValueError(f"expected a number, found {text}")


def files(folder: Path) -> set[tuple[str, int]]:
    """List a project's files and when each was written, without those of git, DVC and Python."""
    return {
        (path.relative_to(folder).as_posix(), path.stat().st_mtime_ns)
        for parent, folders, names in os.walk(folder)
        if not {".git", ".dvc", "__pycache__"} & set(Path(parent).relative_to(folder).parts)
        for path in (Path(parent) / name for name in names)
    }


def strays(copy: Path, before: set[tuple[str, int]]) -> list[str]:
    """Find files that the pipeline wrote and no stage declares, whatever they were written with."""
    outputs = {out for stage in wiring.declared(copy).values() for out in stage["outputs"]}
    written = {path for path, _ in files(copy) - before} - {"dvc.lock"}
    return [
        f"{path} was written and is no stage's output"
        for path in sorted(written)
        if not wiring.below(path, outputs)
    ]


if __name__ == "__main__":
    command.run(main)
