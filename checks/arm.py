"""Run the pipeline on emulated 64-bit Arm and hold every file to dvc.lock.

    python -m checks.arm FOLDER

FOLDER gets Debian's Python for arm64, QEMU's user-mode emulator and the packages of
requirements.txt as arm64 wheels, about 6 GB. All of it comes through apt-get and uv, by name; the
system itself stays as it is, and root is not needed. A second call finds it there and fetches only
what has changed. It needs Debian or Ubuntu, with sources that have arm64, and takes minutes.

Exit status: 0 every file is equal; 2 one is not; 5 the check could not decide.
"""

import argparse
import hashlib
import shutil
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

from checks.difference import describe
from checks.reproduction import CannotTellError, command, copy_project, lock
from checks.wiring import declared

NOT_REPRODUCIBLE, CANNOT_TELL = 2, 5
PYTHON = "3.11"
CPU = "neoverse-n1"
# What PyTorch reads about a CPU before it computes; without these it crashes under emulation.
MIDR_EL1 = "0x00000000413fd0c1"
CPUINFO = """\
processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1
"""


def main() -> int:
    """Fetch, run, compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m checks.arm")
    parser.add_argument("folder", type=Path, help="where emulator, Python and packages go")
    root, folder = Path.cwd(), parser.parse_args().folder.resolve()
    try:
        emulator = fetch(root, folder)
        copy = folder / "project"
        run_stages(root, copy, emulator, folder)
    except CannotTellError as err:
        print(f"cannot tell: {err}")
        return CANNOT_TELL
    committed = {path: hash_ for outs in lock(copy).values() for path, hash_ in outs.items()}
    equal = 0
    for path, hash_ in committed.items():
        file = copy / path
        same = file.is_file() and hashlib.md5(file.read_bytes()).hexdigest() == hash_
        equal += same
        print(f"equal    {path}" if same else f"DIFFERS  {path}: {describe(root / path, file)}")
    print(f"{equal} of {len(committed)} files are those of dvc.lock on emulated 64-bit Arm")
    return 0 if equal == len(committed) else NOT_REPRODUCIBLE


def fetch(root: Path, folder: Path) -> list[str]:
    """Fetch what is missing.

    Returns:
        The words of a command that runs Python for arm64.
    """
    host = command(["dpkg", "--print-architecture"], root).stdout.strip()
    unpack(folder / "host", host, ["qemu-user-static"])
    arm = folder / "arm64"
    unpack(arm, "arm64", [f"python{PYTHON}", "libgomp1", "libstdc++6"])
    identification = arm / "sys/devices/system/cpu/cpu0/regs/identification"
    for path, text in ((arm / "proc/cpuinfo", CPUINFO), (identification / "midr_el1", MIDR_EL1)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    packages = [each for each in project["dependencies"] if not each.startswith("dvc")]
    target = ["--target", str(folder / "site"), "--cache-dir", str(folder / "cache")]
    platform = ["--python-platform", "aarch64-manylinux_2_28", "--python-version", PYTHON]
    locked = ["--only-binary", ":all:", "--constraints", "requirements.txt"]
    command(["uv", "pip", "install", *target, *platform, *locked, *packages], root)
    qemu = folder / "host/usr/bin/qemu-aarch64-static"
    return [str(qemu), "-cpu", CPU, "-L", str(arm), str(arm / f"usr/bin/python{PYTHON}")]


def unpack(folder: Path, architecture: str, packages: list[str]) -> None:
    """Unpack Debian packages and what they depend on, with lists and a cache of their own."""
    apt = folder.with_name(f"apt-{folder.name}")
    (apt / "lists/partial").mkdir(parents=True, exist_ok=True)
    (apt / "archives/partial").mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()  # nothing is installed, so all dependencies are fetched
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",  # else a folder of root's own cannot be written
        "Dir::State": apt,
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt,
    }
    apt_get = ["apt-get", *(f"--option={name}={value}" for name, value in settings.items())]
    command([*apt_get, "update"], apt)
    fetch = ["install", "--download-only", "--no-install-recommends", "--yes"]
    command([*apt_get, *fetch, *packages], apt)
    for package in sorted((apt / "archives").glob("*.deb")):
        command(["dpkg-deb", "--extract", str(package), str(folder)], apt)


def run_stages(root: Path, copy: Path, emulator: list[str], folder: Path) -> None:
    """Run every stage in a copy of the project that has none of their outputs.

    Raises:
        CannotTellError: a stage ends with an error.
    """
    home = folder / "home"
    home.mkdir(exist_ok=True)
    shutil.rmtree(copy, ignore_errors=True)
    copy_project(root, copy)
    stages = declared(copy)
    writer = {out: name for name, stage in stages.items() for out in stage["outputs"]}
    for out in writer:
        (copy / out).unlink(missing_ok=True)
    needed = {
        name: {writer[path] for path in stage["inputs"] & writer.keys()}
        for name, stage in stages.items()
    }
    for name in TopologicalSorter(needed).static_order():
        print(f"running  {name}", flush=True)
        environment = {
            "PYTHONPATH": str(folder / "site"),
            "HOME": str(home),
            "OMP_NUM_THREADS": "1",
        }
        command([*emulator, "-m", f"stages.{name}"], copy, environment)


if __name__ == "__main__":
    sys.exit(main())
