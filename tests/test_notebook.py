"""The notebook is what its sources make, and runs where the package is installed alone."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from test_lecture import BLOCK, SLIDES

from reporting import notebook

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def run(installed, tmp_path_factory):
    """Run the notebook in an empty folder, with the package installed: its code cells, in order."""
    book = nbformat.read(ROOT / "lecture.ipynb", as_version=4)
    resources = {"metadata": {"path": tmp_path_factory.mktemp("elsewhere")}}
    client = NotebookClient(book, timeout=300, resources=resources)
    code = "import diagonal\nprint(diagonal.__file__)"
    book.cells.append(nbformat.v4.new_code_cell(code))
    client.execute(env={**os.environ, "PYTHONPATH": str(installed)})
    return [cell for cell in book.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_the_committed_notebook_is_what_its_sources_make():
    sources = ((ROOT / path).read_text() for path in notebook.SOURCES)
    assert notebook.notebook(*sources) == (ROOT / notebook.TARGET).read_text()


def test_it_holds_the_slides_code_in_order_with_a_sentence_each():
    cells = nbformat.read(ROOT / notebook.TARGET, as_version=4).cells
    code = [code for _, code, _ in BLOCK.findall(SLIDES.read_text())]
    sources = [cell.source for cell in cells]
    first = sources.index(code[0])
    assert [cell.source for cell in cells[first:] if cell.cell_type == "code"][: len(code)] == code
    kinds = [cell.cell_type for cell in cells[first - 1 :]][: 2 * len(code)]
    assert kinds == ["markdown", "code"] * len(code)


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_and_shows_pictures(run, installed):
    assert printed(run[-1]).strip() == str(installed / "diagonal/__init__.py")
    outputs = [output for cell in run for output in cell.outputs]
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}  # no warnings
    solved = [cell for cell in run if cell.source.startswith("# @title")]
    assert len(solved) == 6
    assert all(map(printed, solved))
    drawn = [cell for cell in run if "fig = " in cell.source]
    assert len(drawn) == 12
    for cell in drawn:
        assert sum("image/png" in output.get("data", {}) for output in cell.outputs) == 1
