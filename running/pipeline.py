"""What DVC knows of the pipeline: which stages must run, by which command, and dvc.lock's order."""

import sys
from collections.abc import Iterable
from pathlib import Path

from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.utils.serialize import dumps_yaml, load_yaml, parse_yaml_for_update

from diagonal.pipeline.files import replacing


def command(stage: str, force: bool = False) -> list[str]:
    """Return the words that run one stage, without those before it.

    DVC gives its lock away while a stage's command runs, and `--wait-for-lock` waits for it before
    and after; without it, two that end at once would fail.
    """
    options = ["--force"] if force else []
    return [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "-s", *options, stage]


def to_run(root: Path, everything: bool = False) -> dict[str, set[str]]:
    """Find the stages that are stale and all that descend from them, in `dvc repro`'s order.

    A descendant may still turn out to be up to date: DVC decides when its turn comes.

    Args:
        root: the project's folder.
        everything: also take stages that are up to date.

    Returns:
        stage -> those of the other stages here whose outputs it needs.
    """
    with Repo(str(root), _wait_for_lock=True) as repo, lock_repo(repo):
        graph = get_active_graph(repo.index.graph)
        needs = {}
        for stage in plan_repro(graph, repo.stage.collect("dvc.yaml")):
            before = {other.addressing for other in graph.successors(stage)} & set(needs)
            if everything or before or stage.changed():
                needs[stage.addressing] = before
    return needs


def locked(root: Path) -> list[str]:
    """List dvc.lock's stages in its order; none where it is missing."""
    path = root / "dvc.lock"
    return list(load_yaml(path).get("stages", {})) if path.exists() else []


def put_in_order(root: Path, order: Iterable[str]) -> None:
    """Put dvc.lock's stages in this order, as `dvc repro` would have: old ones stay, new follow.

    DVC itself appends a stage when it is done. Stages that are not named come last.
    """
    with Repo(str(root), _wait_for_lock=True) as repo, lock_repo(repo):
        present = locked(root)
        wanted = [stage for stage in dict.fromkeys([*order, *present]) if stage in present]
        if wanted == present:
            return
        path = root / "dvc.lock"
        lock = parse_yaml_for_update(path.read_text(encoding="utf-8"), path)
        for stage in wanted:
            lock["stages"].move_to_end(stage)
        with replacing(path) as file:
            file.write(dumps_yaml(lock).encode())
