"""Where the time of each stage goes: `python -m benchmarks.stages`, after a `dvc repro`.

Runs each stage as DVC does, in a copy of the project, and prints the median seconds on the wall
that pass before Python runs our first line, during imports, in the stage's main, and after it.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
ROUNDS = 5
PARTS = ("interpreter", "imports", "work", "exit")

# What `python -m stages.NAME` does, with the time told at each turn.
PROBE = """
import time
times = [time.time()]
import importlib, os, sys
name, path = sys.argv[1:]
sys.argv = ["-m"]
stage = importlib.import_module(f"stages.{name}")
from diagonal import command

def main():
    times.append(time.time())
    stage.main()
    times.append(time.time())
    with open(path, "w") as file:
        file.write(" ".join(map(str, times)))

command.run(main)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "project")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".git", ".dvc"))
        print("| stage |", " | ".join(PARTS), "| all |")
        print("|---|" + "---:|" * (len(PARTS) + 1))
        for name in YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]:
            rounds = [measure(name, copy, Path(folder, "times")) for _ in range(ROUNDS + 1)][1:]
            parts = [median(column) for column in zip(*rounds, strict=True)]
            cells = " | ".join(f"{each:.2f}" for each in (*parts, sum(parts)))
            print(f"| {name} | {cells} |")


def measure(name: str, project: Path, path: Path) -> list[float]:
    """Run a stage once; return the seconds of each of PARTS."""
    start = time.time()
    command = [sys.executable, "-c", PROBE, name, path]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    end = time.time()
    times = [start, *map(float, path.read_text().split()), end]
    return [after - before for before, after in pairwise(times)]


if __name__ == "__main__":
    main()
