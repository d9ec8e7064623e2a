"""The notebook is what its sources make, and runs where the package is installed alone."""

import os
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from test_lecture import BLOCK, SLIDES

from reporting import notebook

ROOT = Path(__file__).parents[1]
BOOK = nbformat.read(ROOT / notebook.TARGET, as_version=4)


def execute(cells, folder, python_path=""):
    """Run cells in a folder, as a notebook there, and return those with code."""
    book = nbformat.v4.new_notebook(cells=deepcopy(cells))
    client = NotebookClient(book, timeout=300, resources={"metadata": {"path": folder}})
    client.execute(env={**os.environ, "PYTHONPATH": str(python_path)})
    return [cell for cell in book.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def run(installed, tmp_path_factory):
    """Run the notebook in an empty folder, with the package installed: its code cells, in order."""
    last = nbformat.v4.new_code_cell("import diagonal\nprint(diagonal.__file__)")
    return execute([*BOOK.cells, last], tmp_path_factory.mktemp("elsewhere"), installed)


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_the_committed_notebook_is_what_its_sources_make():
    expected = notebook.notebook(*((ROOT / path).read_text() for path in notebook.SOURCES))
    found = deepcopy(BOOK)
    for cell in found.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    assert found == expected
    assert (ROOT / notebook.TARGET).stat().st_size < 1e6  # what GitHub still shows


@pytest.mark.slow
def test_its_stored_outputs_are_what_a_run_shows_with_a_picture_of_each_figure(run, installed):
    """The pictures' bytes depend on fonts and versions, so a picture is only known to be there."""
    assert printed(run[-1]).strip() == str(installed / "diagonal/__init__.py")
    stored = [cell for cell in BOOK.cells if cell.cell_type == "code"]
    for ours, theirs in zip(stored, run[:-1], strict=True):
        assert (printed(ours), shown(ours)) == (printed(theirs), shown(theirs))
        assert [each for _, each in shown(ours)].count(True) == ours.source.count("fig = ")
    assert sum(cell.source.count("fig = ") for cell in stored) == 12
    assert len([cell for cell in run if cell.source.startswith("# @title") and printed(cell)]) == 6
    outputs = [output for cell in run for output in cell.outputs]
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}  # no warnings


def shown(cell):
    """List what a cell's values and pictures are as text, and which of them are pictures."""
    data = [output.data for output in cell.outputs if "data" in output]
    return [(each["text/plain"], "image/png" in each) for each in data]


@pytest.mark.slow
def test_the_first_cell_installs_the_project_at_hand_or_the_address_of_a_fork(tmp_path):
    (tmp_path / "project/notes").mkdir(parents=True)
    (tmp_path / "project/diagonal").symlink_to(ROOT / "diagonal")
    first = next(cell for cell in BOOK.cells if cell.cell_type == "code")
    code = (
        "from IPython import get_ipython as ip\nip().register_magic_function(print, 'line', 'pip')"
    )
    pip = nbformat.v4.new_code_cell(code)  # prints what it is asked to do
    use = nbformat.v4.new_code_cell("from diagonal import lecture\nprint(lecture.__file__)")
    _, here, used = execute([pip, first, use], tmp_path / "project/notes")
    project = tmp_path / "project"
    assert printed(here).splitlines()[1:] == [f'install --quiet --editable "{project}"']
    assert printed(used).strip() == str(project / "diagonal/lecture.py")
    assert 'REPOSITORY = ""\n' in first.source
    first = nbformat.v4.new_code_cell(first.source.replace('""', '"https://example.org/fork"', 1))
    _, elsewhere = execute([pip, first], tmp_path)
    assert printed(elsewhere).splitlines()[1:] == ['install --quiet "git+https://example.org/fork"']


def test_it_holds_the_slides_code_in_order_with_a_sentence_each():
    cells = BOOK.cells
    code = [code for _, code, _ in BLOCK.findall(SLIDES.read_text())]
    sources = [cell.source for cell in cells]
    first = sources.index(code[0])
    assert [cell.source for cell in cells[first:] if cell.cell_type == "code"][: len(code)] == code
    kinds = [cell.cell_type for cell in cells[first - 1 :]][: 2 * len(code)]
    assert kinds == ["markdown", "code"] * len(code)
