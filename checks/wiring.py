"""What dvc.yaml must say of a stage, read off the stage's code: its files and its parameters.

A stage depends on its script, on code of the project, and on what other stages write. It writes
files or folders. Whatever is declared stands for itself and for all that lies below it. All paths
are from the project's root.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from checks.difference import flat
from diagonal.errors import InputError


class Pipeline(NamedTuple):
    """The file that wires a pipeline, the package of its stages, and the file of its parameters."""

    file: str
    package: str
    params: str


LECTURE = Pipeline("dvc.yaml", "stages", "params.yaml")
STUDY = Pipeline("study/dvc.yaml", "study", "study/params.yaml")
PIPELINES = (LECTURE, STUDY)
PACKAGES = ("diagonal", "stages", "study")
# How a stage starts and ends: no output depends on these files, and so no stage declares them. Nor
# does one declare the __init__.py of a package.
EXEMPT = {"diagonal/command.py", "diagonal/errors.py"}


def declared(root: Path, pipeline: Pipeline = LECTURE) -> dict[str, dict]:
    """Read the wiring of a pipeline.

    Returns:
        stage -> `code`, `inputs`, `outputs` (paths), `params` (keys with dots, of both files of
        parameters, whose sections have different names), `command` (keys that stand in its
        command) and `frozen`, whether DVC leaves it alone.

    Raises:
        InputError: it is no YAML.
    """
    result = {}
    for name, stage in read_yaml(root / pipeline.file)["stages"].items():
        folder = join(dirname(pipeline.file), stage.get("wdir", "."))
        deps = {normpath(join(folder, dep)) for dep in stage.get("deps", [])}
        outs = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
        outs = [out if isinstance(out, str) else next(iter(out)) for out in outs]
        code = {dep for dep in deps if below(dep, PACKAGES) and Path(dep).suffix in ("", ".py")}
        code = {dep for dep in code if not below(dep, RESULTS)}
        result[name] = {
            "code": code,
            "inputs": deps - code,
            "outputs": {normpath(join(folder, out)) for out in outs},
            "params": set(_keys(stage.get("params", []))),
            "command": set(re.findall(r"\$\{(.+?)\}", stage["cmd"])),
            "frozen": stage.get("frozen", False),
        }
    return result


RESULTS = ("study/metrics", "study/plots")  # what lies in a package and is no code


def _keys(params: list) -> Iterable[str]:
    for entry in params:
        yield from (
            [entry] if isinstance(entry, str) else [k for keys in entry.values() for k in keys]
        )


def read_yaml(path: Path) -> dict:
    """Read a YAML file; an InputError says why it cannot be read."""
    try:
        return YAML(typ="safe", pure=True).load(path)
    except (OSError, UnicodeDecodeError, YAMLError) as err:
        found = " ".join(str(err).split())
        raise InputError(f"{path.name}: expected a YAML file, found: {found}") from err


def below(path: str, declared: Iterable[str], separator: str = "/") -> bool:
    """Tell whether a path, or a key, is one of those declared or lies below one."""
    return any(f"{path}{separator}".startswith(f"{each}{separator}") for each in declared)


def faults(root: Path, pipeline: Pipeline = LECTURE) -> list[str]:
    """Find all that is wrong with the wiring of a pipeline, without running anything."""
    return code_faults(root, pipeline) + input_faults(root, pipeline) + param_faults(root, pipeline)


def imported(root: Path, path: str) -> set[str]:
    """List the project's files that a file imports, wherever in it; no __init__.py."""
    result = set()
    for node in ast.walk(ast.parse((root / path).read_text(), path)):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=module, names=names, level=0):
                modules = [module, *(f"{module}.{alias.name}" for alias in names)]
            case _:
                continue
        files = (f"{module.replace('.', '/')}.py" for module in modules)
        result |= {file for file in files if below(file, PACKAGES) and (root / file).is_file()}
    return result


def import_closure(root: Path, script: str) -> set[str]:
    """Follow a script's imports within the project; return the files reached and the script."""
    reached, ahead = set(), [script]
    while ahead:
        path = ahead.pop()
        if path not in reached and (root / path).is_file():
            reached.add(path)
            ahead.extend(imported(root, path))
    return reached


def code_faults(root: Path, pipeline: Pipeline = LECTURE) -> list[str]:
    """Hold each stage's declared code against what its script reaches by imports."""
    found, stages = [], declared(root, pipeline)
    scripts = {name: f"{pipeline.package}/{name}.py" for name in stages}
    for name, stage in stages.items():
        reached = import_closure(root, scripts[name]) - EXEMPT
        found += _against(name, "imports", reached, stage["code"])
        others = reached & set(scripts.values()) - {scripts[name]}
        found += [f"{name}: imports {path}, another stage" for path in sorted(others)]
    return found + _faults_of_packages(root)


def _faults_of_packages(root: Path) -> list[str]:
    """Find packages that do something, and code of the lecture that knows of what builds on it.

    No stage declares a package's own file, so it must do nothing. Those of stages/ and study/ may:
    their settings make a stage start faster and change no result.
    """
    packages = [*root.glob("diagonal/**/__init__.py"), *root.glob("study/*/**/__init__.py")]
    found = [
        f"{path.relative_to(root)}: expected a docstring alone, as no stage depends on this file"
        for path in sorted(packages)
        if not re.fullmatch(r'\s*"""[^"]*"""\s*', path.read_text())
    ]
    for package, above in (("diagonal", ("stages", "study")), ("stages", ("study",))):
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            wrong = sorted(file for file in imported(root, name) if below(file, above))
            found += [f"{name}: imports {file}, which builds on {package}/" for file in wrong]
    return found


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


def input_faults(root: Path, pipeline: Pipeline = LECTURE) -> list[str]:
    """Find inputs that no other stage writes: as an output, below one, or as a parent of some.

    The study may read what the lecture writes, and Markdown is written by people.
    """
    stages = declared(root, pipeline)
    return [
        f"{name}: depends on {path}, which no other stage writes"
        for name, stage in stages.items()
        for path in sorted(stage["inputs"])
        if not path.endswith(".md")
        and not any(
            below(path, [out]) or below(out, [path])
            for other, its in (declared(root) | stages).items()
            if other != name
            for out in its["outputs"]
        )
    ]


def param_faults(root: Path, pipeline: Pipeline = LECTURE) -> list[str]:
    """Find parameters that no stage uses, and those in a command that a stage also declares.

    A key in a command says how a result is computed, not what it is: with 1, 2 and 4 processes
    a training must lead to the same files.
    """
    stages = declared(root, pipeline)
    in_command = set().union(*(stage["command"] for stage in stages.values()))
    used = in_command.union(*(stage["params"] for stage in stages.values()))
    return [
        f"{pipeline.params}: {key} is read by no stage"
        for key in flat(read_yaml(root / pipeline.params))
        if not below(key, used, ".")
    ] + [
        f"{name}: declares {key}, which stands in a command"
        for name, stage in stages.items()
        for key in sorted(in_command)
        if below(key, stage["params"], ".")
    ]


def watched_faults(root: Path, logs: Path, pipeline: Pipeline = LECTURE) -> list[str]:
    """Hold what the stages did, as `checks/watch` wrote it down, against what they declare."""
    found, stages = [], declared(root, pipeline)
    unread = set(flat(read_yaml(root / pipeline.params)))
    settings = {path for each in PIPELINES for path in (each.file, each.params)}
    for name, stage in stages.items():
        if stage["frozen"]:
            its = stage["params"] | stage["command"]
            unread = {key for key in unread if not below(key, its, ".")}
            continue
        seen = {kind: set() for kind in ("code", "read", "write", "renamed", "param")}
        for line in (logs / f"{pipeline.package}.{name}.log").read_text().splitlines():
            kind, _, what = line.partition(" ")
            seen[kind].add(what)
        unread -= seen["param"] | stage["command"]
        read, written = (
            {path for path in seen[kind] if not re.search(r"\.pyc?(\.\d+)?$", path)}
            for kind in ("read", "write")
        )
        for verb, paths, kind in (
            ("imports", {path for path in seen["code"] if below(path, PACKAGES)} - EXEMPT, "code"),
            ("reads", read - written - settings, "inputs"),
            ("writes", written - seen["renamed"], "outputs"),
        ):
            counted = {path for path in paths if not path.endswith("__init__.py")}
            found += _against(name, verb, counted, stage[kind])
        found += _against(name, "reads the parameter", seen["param"], stage["params"], ".")
    return found + [f"{pipeline.params}: {key} is read by no stage" for key in sorted(unread)]
