"""Where the time of `dvc repro` goes: `python -m benchmarks.stages` prints it stage by stage.

In CPU seconds, all threads together, which other work on the machine disturbs less than it does
the wall clock. The stages run in a copy of the project.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.compare import IMPORT, ROOT
from checks.reproduction import copy_project
from checks.wiring import declared

ROUNDS = 3


def main() -> None:
    print("| stage | imports | work | all |")
    print("|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        project, total = Path(folder, "project"), 0.0
        copy_project(ROOT, project)
        repro = cpu_seconds(["dvc", "repro", "--quiet", "--force"], project)
        for stage in declared(project):
            imports, whole = (
                median(cpu_seconds([sys.executable, *words], project) for _ in range(ROUNDS))
                for words in (("-c", IMPORT.format(stage)), ("-m", f"stages.{stage}"))
            )
            total += whole
            print(f"| {stage} | {imports:.2f} | {whole - imports:.2f} | {whole:.2f} |")
    print(f"| DVC itself | | | {repro - total:.2f} |")


def cpu_seconds(command: list[str], folder: Path) -> float:
    """Run a command in a folder; return what it and its children took of the CPU."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed in a copy of the project")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
