"""How time and memory grow with the number of images and with the batch size, stage by stage.

    python -m benchmarks.scale              (about ten minutes, 8 GB of disk)
    python -m benchmarks.scale --draw       (the plots and the slopes alone, from scale.csv)
    python -m benchmarks.scale --limited    (8 GiB of images in 2 GiB of memory: root, 11 GB disk)

Each stage runs by itself in a copy of the project. Memory is the largest amount of anonymous memory
that a stage held (RssAnon of /proc, every 5 ms; Linux only): pages of files that are mapped, which
the system takes back whenever it likes, do not count.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from ruamel.yaml import YAML

from checks.reproduction import copy_project
from diagonal.pipeline import files
from diagonal.pipeline.resources import GROUPS

ROOT = Path(__file__).parents[1]
TABLE, PLOT = ROOT / "benchmarks/scale.csv", ROOT / "docs/scale.png"
STAGES = ("generate", "split", "balance", "train_logistic", "train_relu", "evaluate")
ALL_STAGES = (*STAGES[:4], "train_deepish", *STAGES[4:], "feature_space")
BATCH = 256
# height and width in pixels, numbers of images, batch sizes
PLAN = (
    (5, (300, 3_000, 30_000, 300_000, 3_000_000, 30_000_000), (BATCH,)),
    (64, (300, 3_000, 30_000, 300_000), (BATCH,)),
    (5, (300_000,), (16, 4_096, 65_536)),
)
LIMITED = 64, 2**19, 2 * 2**30  # pixels, images, bytes of memory
LIMITED_STAGES = ("generate", "split", "balance", "train_logistic", "evaluate", "feature_space")
INTERVAL = 0.005  # seconds between two looks at a stage's memory


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", allow_abbrev=False)
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    parser.add_argument("--limited", action="store_true", help="run in too little memory")
    arguments = parser.parse_args()
    if arguments.limited:
        limited()
        return
    if not arguments.draw:
        rows = list(measurements())
        columns = ("stage", "img_size", "n_images", "batch_size", "seconds", "bytes")
        files.write_table(TABLE, dict(zip(columns, zip(*rows, strict=True), strict=True)))
    report(read_rows())


def measurements():
    """Run all stages for each size; yield stage, size, images, batch, seconds, bytes."""
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        copy = Path(folder, "project")
        copy_project(ROOT, copy)
        for img_size, counts, batches in PLAN:
            for n_images in counts:
                for batch_size in batches:
                    configure(copy, img_size, n_images, batch_size)
                    for stage in ALL_STAGES:
                        seconds, memory = run(stage, copy)
                        row = (stage, img_size, n_images, batch_size, round(seconds, 2), memory)
                        print(*row, sep="\t", flush=True)
                        yield row


def limited() -> None:
    """Run stages on images that do not fit into the memory that they get; one training suffices.

    The limit is a control group's, so it holds for pages of files as well: the kernel takes them
    back when it is reached, and ends the process if that is not enough.
    """
    img_size, n_images, limit = LIMITED
    total = 4 * img_size**2 * n_images
    print(f"{n_images:,} images, {total:,} bytes as float32, in {limit:,} of memory", flush=True)
    with tempfile.TemporaryDirectory(prefix="scale-") as folder, control_group(limit) as group:
        copy = Path(folder, "project")
        copy_project(ROOT, copy)
        configure(copy, img_size, 300, BATCH)
        for stage in ALL_STAGES[:-2]:
            run(stage, copy)  # for the models of the trainings that are left out below
        configure(copy, img_size, n_images, BATCH)
        for stage in LIMITED_STAGES:
            seconds, memory = run(stage, copy, group)
            print(f"{stage:15} {seconds:7.1f} s {memory:15,} bytes of anonymous memory", flush=True)


@contextmanager
def control_group(limit: int) -> Iterator[Path]:
    """Make a control group with this limit of memory, in bytes; needs root."""
    first, second = GROUPS / "memory", GROUPS
    parent, name = (
        (first, "memory.limit_in_bytes")
        if (first / "cgroup.procs").is_file()
        else (second, "memory.max")
    )
    group = parent / f"is-the-line-diagonal-{os.getpid()}"
    group.mkdir()
    try:
        (group / name).write_text(str(limit))
        yield group
    finally:
        group.rmdir()


def configure(project: Path, img_size: int, n_images: int, batch_size: int) -> None:
    """Set the sizes in a project's params.yaml, and one epoch for each training."""
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    params["generate"] |= {"img_size": img_size, "n_images": n_images}
    params["train"]["batch_size"] = batch_size
    for name in ("logistic", "deepish", "relu"):
        params[f"train_{name}"] |= {"n_epochs": 1, "lr": 1e-4}
    yaml.dump(params, project / "params.yaml")


def run(stage: str, project: Path, group: Path | None = None) -> tuple[float, int]:
    """Run a stage; return the seconds that it took and its peak of anonymous memory in bytes.

    Args:
        stage: name of its script.
        project: where it runs.
        group: a control group that it runs in.
    """
    command = [sys.executable, "-m", f"stages.{stage}"]
    if group:
        command = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *command]
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
    """Read how many bytes a process holds that are no pages of files; 0 where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("RssAnon")]
    return int(lines[0][1]) * 1024 if lines else 0


def read_rows() -> list[dict]:
    """Read the table of measurements."""
    with TABLE.open(encoding="utf-8") as file:
        return [
            {key: value if key == "stage" else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def report(rows: list[dict]) -> None:
    """Print each stage's slopes, and draw time and memory against images and batch size."""
    figure = Figure(figsize=(11, 10), layout="constrained", dpi=100)
    grid = figure.subplots(3, 2)
    panels = (
        ("n_images", {"img_size": 5, "batch_size": BATCH}, "images of 5 x 5 pixels"),
        ("n_images", {"img_size": 64, "batch_size": BATCH}, "images of 64 x 64 pixels"),
        ("batch_size", {"img_size": 5, "n_images": 300_000}, "batch size, 300,000 images of 5 x 5"),
    )
    print("| stage | pixels | seconds per million images | bytes per image |")
    print("|---|---|---:|---:|")
    for axes, (key, fixed, label) in zip(grid, panels, strict=True):
        curves = defaultdict(list)
        for row in rows:
            if all(row[name] == value for name, value in fixed.items()):
                curves[row["stage"]].append((row[key], row["seconds"], row["bytes"]))
        for place, (stage, points) in enumerate(curves.items()):
            size, seconds, memory = np.array(sorted(points)).T
            look = {"label": stage, "marker": "osD^v<>*"[place], "markersize": 5}
            axes[0].loglog(size, seconds, **look)
            axes[1].loglog(size, memory / 2**20, **look)
            if key == "n_images":
                slopes = [(each[-1] - each[0]) / (size[-1] - size[0]) for each in (seconds, memory)]
                pixels = f"{fixed['img_size']} x {fixed['img_size']}"
                print(f"| {stage} | {pixels} | {slopes[0] * 1e6:.2f} | {slopes[1]:.0f} |")
        axes[0].set(xlabel=label, ylabel="seconds")
        axes[1].set(xlabel=label, ylabel="MiB of anonymous memory")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=9)
    files.write_figure(PLOT, figure)


if __name__ == "__main__":
    main()
