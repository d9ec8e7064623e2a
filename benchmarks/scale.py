"""How time and memory grow with the number of images, stage by stage.

    python -m benchmarks.scale           (about ten minutes, 8 GB of disk)
    python -m benchmarks.scale --draw    (the plots and the slopes alone, from scale.csv)

Each stage runs by itself in a copy of the project. Memory is the largest amount of anonymous memory
that a stage held (RssAnon of /proc, every 5 ms; Linux only). Pages of mapped files do not count,
since the system takes them back when it needs to.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from ruamel.yaml import YAML

from checks.reproduction import copy_project
from checks.wiring import declared
from diagonal.pipeline import files
from diagonal.pipeline.models import MODELS

ROOT = Path(__file__).parents[1]
TABLE, PLOT = ROOT / "benchmarks/scale.csv", ROOT / "docs/scale.png"
PLAN = (  # height and width in pixels, numbers of images
    (5, (300, 3_000, 30_000, 300_000, 3_000_000, 30_000_000)),
    (64, (300, 3_000, 30_000, 300_000)),
)
BATCH_SIZE = 256
INTERVAL = 0.005  # seconds between two looks at a stage's memory


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", allow_abbrev=False)
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    if not parser.parse_args().draw:
        rows = list(measurements())
        columns = ("stage", "img_size", "n_images", "seconds", "bytes")
        files.write_table(TABLE, dict(zip(columns, zip(*rows, strict=True), strict=True)))
    report(pd.read_csv(TABLE))


def measurements() -> Iterator[tuple]:
    """Run all stages for each size; yield stage, size, number of images, seconds, bytes."""
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        copy = Path(folder, "project")
        copy_project(ROOT, copy)
        for img_size, counts in PLAN:
            for n_images in counts:
                configure(copy, img_size, n_images)
                for stage in declared(copy):
                    seconds, memory = run(stage, copy)
                    row = (stage, img_size, n_images, round(seconds, 2), memory)
                    print(*row, sep="\t", flush=True)
                    yield row


def configure(project: Path, img_size: int, n_images: int) -> None:
    """Set the sizes in a project's params.yaml, and one epoch for each training."""
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    params["generate"] |= {"img_size": img_size, "n_images": n_images}
    params["train"]["batch_size"] = BATCH_SIZE
    for name in MODELS:
        params[f"train_{name}"] |= {"n_epochs": 1, "lr": 1e-4}
    yaml.dump(params, project / "params.yaml")


def run(stage: str, project: Path) -> tuple[float, int]:
    """Run a project's stage; return its seconds and its peak of anonymous memory in bytes."""
    command = [sys.executable, "-m", f"stages.{stage}"]
    start, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=project, stdout=output, stderr=output)
        while process.poll() is None:
            peak = max(peak, anonymous_memory(process.pid))
            time.sleep(INTERVAL)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{stage} ended with {process.returncode}: {output.read().decode()}")
    return time.perf_counter() - start, peak


def anonymous_memory(process: int) -> int:
    """Read how many bytes of anonymous memory a process holds; 0 if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("RssAnon")]
    return int(lines[0][1]) * 1024 if lines else 0


def report(table: pd.DataFrame) -> None:
    """Print each stage's slopes, and draw time and memory against the number of images."""
    figure = Figure(figsize=(11, 7), layout="constrained", dpi=100)
    grid = figure.subplots(len(PLAN), 2)
    print("| stage | pixels | seconds per million images | bytes per image |")
    print("|---|---|---:|---:|")
    for axes, (img_size, _) in zip(grid, PLAN, strict=True):
        pixels, of_size = f"{img_size} x {img_size}", table[table["img_size"] == img_size]
        for place, (stage, rows) in enumerate(of_size.groupby("stage", sort=False)):
            n_images, seconds, memory = (
                rows[key].array for key in ("n_images", "seconds", "bytes")
            )
            look = {"label": stage, "marker": "osD^v<>*"[place], "markersize": 5}
            axes[0].loglog(n_images, seconds, **look)
            axes[1].loglog(n_images, memory / 2**20, **look)
            slopes = [(each[-1] - each[0]) / np.ptp(n_images) for each in (seconds, memory)]
            print(f"| {stage} | {pixels} | {slopes[0] * 1e6:.2f} | {slopes[1]:.0f} |")
        axes[0].set(xlabel=f"images of {pixels} pixels", ylabel="seconds")
        axes[1].set(xlabel=f"images of {pixels} pixels", ylabel="MiB of anonymous memory")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=9)
    files.write_figure(PLOT, figure)


if __name__ == "__main__":
    main()
