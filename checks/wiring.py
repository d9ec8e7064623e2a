"""What dvc.yaml must say of a stage, read off the stage's code: its files and its parameters.

A stage depends on its script, on folders of diagonal/, and on what other stages write. It writes
files or folders. Whatever is declared stands for itself and for all that lies below it.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from checks.difference import flat
from diagonal.pipeline.errors import InputError

PACKAGES = ("diagonal", "stages")


def declared(root: Path) -> dict[str, dict[str, set[str]]]:
    """Read dvc.yaml.

    Returns:
        stage -> `code`, `inputs`, `outputs` (paths from the root), `params` (keys with dots),
        `command` (keys that stand in its command) and `frozen`, whether DVC leaves it alone.

    Raises:
        InputError: it is no YAML.
    """
    result = {}
    for name, stage in _read(root / "dvc.yaml")["stages"].items():
        deps = {Path(dep).as_posix() for dep in stage.get("deps", [])}
        code = {dep for dep in deps if below(dep, ["diagonal", f"stages/{name}.py"])}
        outs = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
        result[name] = {
            "code": code,
            "inputs": deps - code,
            "outputs": {out if isinstance(out, str) else next(iter(out)) for out in outs},
            "params": set(stage.get("params", [])),
            "command": set(re.findall(r"\$\{(.+?)\}", stage["cmd"])),
            "frozen": stage.get("frozen", False),
        }
    return result


def _read(path: Path) -> dict:
    try:
        return YAML(typ="safe", pure=True).load(path)
    except (OSError, UnicodeDecodeError, YAMLError) as err:
        found = " ".join(str(err).split())
        raise InputError(f"{path.name}: expected a YAML file, found: {found}") from err


def below(path: str, declared: Iterable[str], separator: str = "/") -> bool:
    """Tell whether a path, or a key, is one of those declared or lies below one."""
    return any(f"{path}{separator}".startswith(f"{each}{separator}") for each in declared)


def import_closure(root: Path, script: str) -> set[str]:
    """Follow a script's imports, wherever in a file they stand, within the project's packages.

    Returns:
        The modules reached, the script included, from the root; packages' own files are none.
    """
    reached, ahead = set(), [script]
    while ahead:
        path = ahead.pop()
        if path in reached or not (root / path).is_file():
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
            files = (f"{module.replace('.', '/')}.py" for module in modules)
            ahead.extend(file for file in files if below(file, PACKAGES))
    return reached


def code_faults(root: Path) -> list[str]:
    """Hold each stage's declared code against what its script reaches by imports.

    No stage depends on a package's own file, so it must do nothing. That of stages may: its
    settings make stages start faster and change no result.
    """
    faults = [
        f"{path.relative_to(root)}: expected a docstring alone, as no stage depends on this file"
        for path in sorted(root.glob("diagonal/**/__init__.py"))
        if not all(map(_is_docstring, ast.parse(path.read_text()).body))
    ]
    for name, stage in declared(root).items():
        reached = import_closure(root, f"stages/{name}.py")
        faults += _against(name, "imports", reached, stage["code"])
    return faults


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _against(
    name: str, verb: str, found: set[str], declared: set[str], separator: str = "/"
) -> list[str]:
    """Find what a stage uses and does not declare, and what it declares and does not use."""
    extra = [each for each in found if not below(each, declared, separator)]
    idle = [each for each in declared if not any(below(it, [each], separator) for it in found)]
    return [
        *(f"{name}: {verb} {each} undeclared" for each in sorted(extra)),
        *(f"{name}: declares {each}, never {verb} it" for each in sorted(idle)),
    ]


def input_faults(root: Path) -> list[str]:
    """Find inputs that no other stage writes: as an output, below one, or as a parent of some."""
    stages = declared(root)
    return [
        f"{name}: depends on {path}, which no other stage writes"
        for name, stage in stages.items()
        for path in sorted(stage["inputs"])
        if not any(
            below(path, [out]) or below(out, [path])
            for other, it in stages.items()
            if other != name
            for out in it["outputs"]
        )
    ]


def param_faults(root: Path) -> list[str]:
    """Find keys of params.yaml that no stage uses, and those in a command that one also declares.

    A key in a command says how a result is computed, not what it is: with 1, 2 and 4 processes
    a training must lead to the same files.
    """
    stages = declared(root)
    in_command = set().union(*(stage["command"] for stage in stages.values()))
    used = in_command.union(*(stage["params"] for stage in stages.values()))
    return [
        f"params.yaml: {key} is read by no stage"
        for key in flat(_read(root / "params.yaml"))
        if not below(key, used, ".")
    ] + [
        f"{name}: declares {key}, which stands in a command"
        for name, stage in stages.items()
        for key in sorted(in_command)
        if below(key, stage["params"], ".")
    ]


def watched_faults(root: Path, logs: Path) -> list[str]:
    """Hold what the stages did, as `checks/watch` wrote it down, against what they declare."""
    faults, stages = [], declared(root)
    unread = set(flat(_read(root / "params.yaml")))
    for name, stage in stages.items():
        if stage["frozen"]:
            its = stage["params"] | stage["command"]
            unread = {key for key in unread if not below(key, its, ".")}
            continue
        seen = {kind: set() for kind in ("code", "read", "write", "renamed", "param")}
        for line in (logs / f"{name}.log").read_text().splitlines():
            kind, _, what = line.partition(" ")
            seen[kind].add(what)
        unread -= seen["param"] | stage["command"]
        read = seen["read"] - seen["write"] - {"params.yaml", "dvc.yaml"}
        for verb, found, kind in (
            ("imports", {path for path in seen["code"] if below(path, PACKAGES)}, "code"),
            ("reads", {path for path in read if not path.endswith((".py", ".pyc"))}, "inputs"),
            ("writes", seen["write"] - seen["renamed"], "outputs"),
        ):
            faults += _against(name, verb, {path for path in found if _counts(path)}, stage[kind])
        faults += _against(name, "reads the parameter", seen["param"], stage["params"], ".")
    return faults + [f"params.yaml: {key} is read by no stage" for key in sorted(unread)]


def _counts(path: str) -> bool:
    return not ("__pycache__" in path or path.endswith("/__init__.py"))
