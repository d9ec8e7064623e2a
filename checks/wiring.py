"""What dvc.yaml must say of a stage, read off the stage's code: its files and its parameters."""

import ast
from pathlib import Path

from ruamel.yaml import YAML

PACKAGES = ("diagonal", "stages")
# Keys that stages read and must not declare: in how many processes a training runs says how the
# result is computed, not what it is, and 1, 2 and 4 of them must lead to one dvc.lock.
NEVER_DECLARED = {"train.launch"}


def declared(root: Path) -> dict[str, dict[str, set[str]]]:
    """Read dvc.yaml.

    Returns:
        stage -> `code`, `inputs`, `outputs` (paths from the root) and `params` (keys with dots).
        A folder of code stands for all its modules.
    """
    stages = YAML(typ="safe", pure=True).load(root / "dvc.yaml")["stages"]
    result = {}
    for name, stage in stages.items():
        deps = {Path(dep).as_posix() for dep in stage["deps"]}
        folders = {dep for dep in deps if dep.startswith(PACKAGES) and not dep.endswith(".py")}
        code = {dep for dep in deps if dep.endswith(".py")}
        code |= {
            path.relative_to(root).as_posix()
            for folder in folders
            for path in (root / folder).glob("*.py")
        }
        entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
        outputs = {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}
        result[name] = {
            "code": code,
            "inputs": deps - code - folders,
            "outputs": outputs,
            "params": set(stage.get("params", [])),
        }
    return result


def import_closure(root: Path, script: str) -> set[str]:
    """Follow a script's imports, wherever in a file they stand, within the project's packages.

    Returns:
        The files reached, the script and the packages' own `__init__.py` included, from the root.
    """
    reached, ahead = set(), _files(root, script.removesuffix(".py").replace("/", "."))
    while ahead:
        path = ahead.pop()
        if path in reached:
            continue
        reached.add(path)
        for node in ast.walk(ast.parse((root / path).read_text(), path)):
            match node:
                case ast.Import(names=names):
                    modules = [alias.name for alias in names]
                case ast.ImportFrom(module=module, names=names, level=0):
                    modules = [module, *(f"{module}.{alias.name}" for alias in names)]
                case _:
                    continue
            ahead.extend(file for module in modules for file in _files(root, module))
    return reached


def _files(root: Path, module: str) -> list[str]:
    """List the files that importing a module runs: its own and its packages'."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return []
    packages = [Path(*parts[: end + 1], "__init__.py") for end in range(len(parts))]
    files = [*packages, Path(*parts).with_suffix(".py")]
    return [file.as_posix() for file in files if (root / file).is_file()]


def code_faults(root: Path) -> list[str]:
    """Hold each stage's declared code against what its script reaches by imports."""
    faults = []
    for name, stage in declared(root).items():
        reached = import_closure(root, f"stages/{name}.py")
        faults += [
            f"{name}: imports {path}, which is not among its deps"
            for path in sorted(reached - stage["code"])
        ]
        faults += [
            f"{name}: has {path} among its deps and does not import it"
            for path in sorted(stage["code"] - reached)
        ]
    return faults


def param_faults(root: Path) -> list[str]:
    """Find keys of params.yaml that no stage declares, and those declared that must not be."""
    keys = sorted(_keys(YAML(typ="safe", pure=True).load(root / "params.yaml")))
    stages = declared(root)
    used = {key for stage in stages.values() for key in _declared_keys(keys, stage)}
    faults = [
        f"params.yaml: {key} is read by no stage"
        for key in keys
        if key not in used | NEVER_DECLARED
    ]
    return faults + [
        f"{name}: declares {key}, which does not change what it computes"
        for name, stage in stages.items()
        for key in sorted(NEVER_DECLARED & _declared_keys(keys, stage))
    ]


def watched_faults(root: Path, logs: Path) -> list[str]:
    """Hold what the stages did, as `checks/watch` wrote it down, against what they declare."""
    keys = set(_keys(YAML(typ="safe", pure=True).load(root / "params.yaml")))
    faults, unread = [], set(NEVER_DECLARED)
    for name, stage in declared(root).items():
        seen = _seen(logs / f"{name}.log")
        unread -= seen["param"]
        params = _declared_keys(keys, stage)
        read = seen["read"] - seen["write"] - {"params.yaml", "dvc.yaml"}
        for kind, found, allowed in (
            ("imports", seen["code"], stage["code"]),
            ("reads", read, stage["inputs"]),
            ("writes", seen["write"], stage["outputs"]),
            ("reads the parameter", seen["param"] - NEVER_DECLARED, params),
        ):
            faults += [f"{name}: {kind} {it} undeclared" for it in sorted(found - allowed)]
            faults += [f"{name}: declares {it}, never {kind} it" for it in sorted(allowed - found)]
    return faults + [f"params.yaml: {key} is read by no stage" for key in sorted(unread)]


def _seen(log: Path) -> dict[str, set[str]]:
    seen = {kind: set() for kind in ("code", "read", "write", "renamed", "param")}
    for line in log.read_text().splitlines():
        kind, _, what = line.partition(" ")
        seen[kind].add(what)
    code = {path for path in seen["code"] if path.startswith(tuple(f"{p}/" for p in PACKAGES))}
    reads = {path for path in seen["read"] if not path.endswith((".py", ".pyc"))}
    return {
        "code": code,
        "read": reads,
        "write": {path for path in seen["write"] - seen["renamed"] if not _cached(path)},
        "param": seen["param"],
    }


def _cached(path: str) -> bool:
    return "__pycache__" in path


def _keys(value, name: str = ""):
    """List the keys of nested mappings down to their values, joined by dots."""
    if not isinstance(value, dict):
        yield name
        return
    for key, item in value.items():
        yield from _keys(item, f"{name}.{key}" if name else key)


def _declared_keys(keys, stage: dict[str, set[str]]) -> set[str]:
    """Choose the keys that a stage declares, each by itself or with its whole section."""
    return {key for key in keys if stage["params"] & set(_prefixes(key))}


def _prefixes(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]
