"""Where the time of `dvc repro` goes: `python -m benchmarks.stages` prints it stage by stage.

In CPU seconds, all threads together, which other work on the machine disturbs less than it does
the wall clock. Runs what is committed, in a fresh clone with an empty cache.
"""

import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
ROUNDS = 3
PARTS = ("interpreter", "imports", "work", "exit")

# What `python -m stages.NAME` does, and the CPU time at each turn.
PROBE = """
import time
times = [time.process_time()]
import importlib, sys
name, path = sys.argv[1:]
sys.argv = ["-m"]
stage = importlib.import_module(f"stages.{name}")
from diagonal.pipeline import command

def main():
    times.append(time.process_time())
    stage.main()
    times.append(time.process_time())
    with open(path, "w") as file:
        file.write(" ".join(map(str, times)))

command.run(main)
"""


def main() -> None:
    print("| stage |", " | ".join(PARTS), "| all |")
    print("|---|" + "---:|" * (len(PARTS) + 1))
    with tempfile.TemporaryDirectory() as folder:
        clone, total = Path(folder, "clone"), 0.0
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        repro = cpu_seconds(["dvc", "repro", "--quiet", "--force"], clone)
        for name in YAML(typ="safe", pure=True).load(clone / "dvc.yaml")["stages"]:
            rounds = [measure(name, clone, Path(folder, "times")) for _ in range(ROUNDS)]
            parts = [median(column) for column in zip(*rounds, strict=True)]
            total += sum(parts)
            print(f"| {name} |", " | ".join(f"{each:.2f}" for each in (*parts, sum(parts))), "|")
    print(f"| DVC itself | | | | | {repro - total:.2f} |")


def measure(name: str, project: Path, path: Path) -> list[float]:
    """Run a stage once; return the CPU seconds of each of PARTS."""
    end = cpu_seconds([sys.executable, "-c", PROBE, name, path], project)
    times = [0.0, *map(float, path.read_text().split()), end]
    return [after - before for before, after in pairwise(times)]


def cpu_seconds(command, folder: Path) -> float:
    """Run a command in a folder; return what it and its children took of the CPU."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed in a clone of what is committed")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
