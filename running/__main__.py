"""Reproduce the pipeline with several stages at once: `python -m running JOBS [--force]`.

Exit status: 0 all is up to date; 1 a stage failed, or JOBS is no number of stages; 130 interrupted.
"""

import argparse
import signal
import sys
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.scm import SCMError

from diagonal.pipeline import command
from diagonal.pipeline.errors import InputError
from running import pipeline
from running.schedule import run


def main() -> int:
    """Run what is stale and what descends from it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m running")
    parser.add_argument("jobs", help="how many stages may run at once")
    parser.add_argument("--force", action="store_true", help="run what is up to date, too")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    root = Path.cwd()
    try:
        jobs = count(arguments.jobs)
        needs = pipeline.to_run(root, everything=arguments.force)
        order = pipeline.locked(root)
        try:
            failed = run(needs, jobs, lambda stage: pipeline.command(stage, arguments.force))
        finally:
            pipeline.put_in_order(root, [*order, *needs])
    except SCMError as err:
        print(f"expected a git repository, found: {err}; run `git init`", file=sys.stderr)
        return 1
    except DvcException as err:
        print(f"expected a pipeline that DVC can run, found: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: stages that had not finished are not done", file=sys.stderr)
        return 130
    if failed:
        print(f"failed, and what needs them was not run: {', '.join(failed)}", file=sys.stderr)
    elif not needs:
        print("Data and pipelines are up to date.")
    return 1 if failed else 0


def count(text: str) -> int:
    """Read how many stages may run at once.

    Raises:
        InputError: it is no whole number of at least 1.
    """
    if text.isascii() and text.isdigit() and int(text) >= 1:
        return int(text)
    raise InputError(f"JOBS: expected a whole number of at least 1, found {text}")


if __name__ == "__main__":
    command.run(main)
