"""Run the pipeline on emulated 64-bit Arm and hold every file to dvc.lock.

    python -m checks.arm FOLDER

FOLDER gets Debian's Python for arm64, QEMU's user-mode emulator and the packages of
requirements.txt as arm64 wheels, about 6 GB. All of it comes through apt-get and uv, by name; the
system itself stays as it is, and root is not needed. A second call finds it there and fetches only
what has changed. It needs Debian or Ubuntu, with sources that have arm64, and takes minutes.

Exit status: 0 every file is equal; 2 one is not; 5 the check could not decide.
"""

import argparse
import shutil
import tomllib
from pathlib import Path

from checks import reproduction
from checks.reproduction import CannotTellError, call, output_files
from diagonal.pipeline import command

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
    copy = folder / "project"
    try:
        if changed := reproduction.stale(root):
            raise CannotTellError(f"dvc.lock does not agree: {changed[0]}")
        run_stages(root, copy, fetch(root, folder), folder)
    except CannotTellError as err:
        print(f"cannot tell: {err}")
        return CANNOT_TELL
    found, files = reproduction.differences(root, copy), output_files(root)
    print(*found, sep="\n", end="\n" * bool(found))
    print(f"{len(found)} of {len(files)} files differ from dvc.lock's on emulated 64-bit Arm")
    return NOT_REPRODUCIBLE if found else 0


def fetch(root: Path, folder: Path) -> list[str]:
    """Fetch what is missing.

    Returns:
        The words of a command that runs Python for arm64.
    """
    host = call(["dpkg", "--print-architecture"], root).stdout.strip()
    unpack(folder / "host", host, ["qemu-user-static"])
    arm = folder / "arm64"
    unpack(arm, "arm64", [f"python{PYTHON}", "libgomp1", "libstdc++6"])
    identification = arm / "sys/devices/system/cpu/cpu0/regs/identification"
    for path, text in ((arm / "proc/cpuinfo", CPUINFO), (identification / "midr_el1", MIDR_EL1)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    packages = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    target = ["--target", str(folder / "site"), "--cache-dir", str(folder / "cache")]
    platform = ["--python-platform", "aarch64-manylinux_2_28", "--python-version", PYTHON]
    locked = ["--only-binary", ":all:", "--constraints", "requirements.txt"]
    call(["uv", "pip", "install", *target, *platform, *locked, *packages], root)
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
    call([*apt_get, "update"], apt)
    fetch = ["install", "--download-only", "--no-install-recommends", "--yes"]
    call([*apt_get, *fetch, *packages], apt)
    for package in sorted((apt / "archives").glob("*.deb")):
        call(["dpkg-deb", "--extract", str(package), str(folder)], apt)


def run_stages(root: Path, copy: Path, emulator: list[str], folder: Path) -> None:
    """Run every stage in a copy of the project that has none of their outputs.

    Raises:
        CannotTellError: a stage ends with an error.
    """
    home = folder / "home"
    home.mkdir(exist_ok=True)
    shutil.rmtree(copy, ignore_errors=True)
    reproduction.copy_project(root, copy)
    order = reproduction.to_run(copy, "--force")
    for path in output_files(copy):
        (copy / path).unlink()
    environment = {"PYTHONPATH": str(folder / "site"), "HOME": str(home), "OMP_NUM_THREADS": "1"}
    for name in order:
        print(f"running  {name}", flush=True)
        call([*emulator, "-m", f"stages.{name}"], copy, environment)


if __name__ == "__main__":
    command.run(main)
