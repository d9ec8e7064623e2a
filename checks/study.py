"""Say whether the study was run with the present code: `python -m checks.study`."""

from pathlib import Path

from checks import reproduction
from checks.wiring import STUDY
from diagonal import command

LINE = "The study (study/) was run with other code, parameters or data: run `make study`."


def main() -> None:
    """Print a line if DVC would run a stage of the study again; the exit status stays 0."""
    if stale(Path.cwd()):
        print(LINE)


def stale(root: Path, stage: str = "") -> list[str]:
    """Ask DVC what differs since the study, or a stage of it, was run, or since what it needs was.

    Raises:
        CannotTellError: DVC does not answer.
    """
    if not (root / STUDY.file).exists():
        return []
    return reproduction.stale(root, f"{STUDY.file}:{stage}" if stage else STUDY.file)


if __name__ == "__main__":
    command.run(main)
