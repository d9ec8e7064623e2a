"""What `pip install .` gives: the library alone, for any folder and any other repository."""

import ast
import re
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# In another repository, whose stages are not ours.
USE = """
from importlib import import_module
from pkgutil import walk_packages

import diagonal
import stages
for module in walk_packages(diagonal.__path__, "diagonal."):
    import_module(module.name)

from diagonal.lecture import *
images, labels = generate_dataset(img_size=5, n_images=300, binary=True, seed=13)
print(diagonal.__file__, stages.MINE, len(images))
"""


def test_the_package_is_the_library_alone_with_version_and_metadata(installed):
    (found,) = installed.glob("*.dist-info")
    assert {each.name for each in installed.iterdir()} == {"diagonal", found.name}
    (package,) = distributions(path=[str(installed)])
    assert package.version == PROJECT["version"]
    assert package.metadata["License-Expression"] == "MIT"
    assert package.metadata["Requires-Python"] == PROJECT["requires-python"]
    files = {each.relative_to(installed).as_posix() for each in installed.glob("diagonal/**/*.py")}
    ours = {each.relative_to(ROOT).as_posix() for each in ROOT.glob("diagonal/**/*.py")}
    assert files == ours


def test_it_asks_for_what_the_library_imports_and_not_for_dvc(installed):
    modules = set()
    for path in installed.glob("diagonal/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module)
    third = {name.split(".")[0] for name in modules} - sys.stdlib_module_names - {"diagonal"}
    (package,) = distributions(path=[str(installed)])
    asked = {re.match(r"[\w-]+", each)[0] for each in package.requires}
    imported_as = {"scikit-learn": "sklearn", "ruamel-yaml": "ruamel"}
    # matplotlib asks for Pillow and has mpl_toolkits, pydantic asks for pydantic_core
    brought = {"PIL", "mpl_toolkits", "pydantic_core"}
    assert {imported_as.get(name, name) for name in asked} == third - brought


@pytest.mark.slow
def test_it_works_in_another_repository(installed, run_in, tmp_path):
    assert run_in(tmp_path, "git", "init", "--quiet").returncode == 0
    (tmp_path / "stages.py").write_text("MINE = 'mine'\n")
    (tmp_path / "use.py").write_text(USE)
    result = run_in(tmp_path, sys.executable, "use.py", PYTHONPATH=str(installed))
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [str(installed / "diagonal/__init__.py"), "mine", "300"]
    left = {each.name for each in tmp_path.iterdir()}
    assert left - {".git", "__pycache__"} == {"stages.py", "use.py"}
