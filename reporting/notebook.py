"""Write lecture.ipynb: an opening, the slides' code in order, and exercises, as a notebook.

    python -m reporting.notebook

Its sources are Markdown. A block of code becomes a cell to run, what stands between blocks becomes
text. All cells are run, and what they print and draw is stored with them.
"""

import io
import re
from base64 import b64decode, b64encode
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from diagonal import command
from diagonal.pipeline import files
from diagonal.training.progress import bar

SOURCES = ("docs/notebook.md", "tests/slides.md", "docs/exercises.md")
TARGET = "lecture.ipynb"
BLOCK = re.compile(r"^```(\w+)\n(.*?)\n```$", re.M | re.S)
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # in Jupyter, and in Colab
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main() -> None:
    book = notebook(*(Path(path).read_text("utf-8") for path in SOURCES))
    run(book)
    with files.replacing(TARGET) as file:
        file.write(f"{nbformat.writes(book, indent=1)}\n".encode())
    print(f"{TARGET}: open it in Jupyter")


def notebook(opening: str, slides: str, exercises: str) -> nbformat.NotebookNode:
    """Make a notebook of Markdown, without outputs; the slides' from their first section on."""
    slides = slides[slides.index("\n## ") :]
    made = [cell for text in (opening, slides, exercises) for cell in cells(text)]
    for number, cell in enumerate(made):
        cell["id"] = f"cell-{number}"  # nbformat's own are random
    content = new_notebook(cells=made, metadata=METADATA)
    nbformat.validate(content)
    return content


def run(book: nbformat.NotebookNode) -> None:
    """Run all cells, in this folder, and keep what they print and draw."""
    with bar(total=len(book.cells), desc=TARGET, unit="cell") as progress:
        client = NotebookClient(
            book, timeout=600, coalesce_streams=True, record_timing=False,
            on_cell_start=lambda cell, cell_index: progress.update(cell_index - progress.n),
        )  # fmt: skip
        client.execute()
    book.metadata = METADATA  # without the version of this Python
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])


def smaller(picture: str) -> str:
    """Store a PNG, in base64, with 64 colours: a third of the bytes, and nothing to be seen."""
    with Image.open(io.BytesIO(b64decode(picture))) as image, io.BytesIO() as file:
        image.convert("RGB").quantize(64).save(file, "PNG", optimize=True)
        return b64encode(file.getvalue()).decode()


def cells(text: str) -> list:
    """Turn Markdown into cells. What a block prints is left to it; solutions are folded."""
    made, end = [], 0
    for block in BLOCK.finditer(text):
        kind, code = block.groups()
        made += [new_markdown_cell(text[end : block.start()].strip())]
        made += [] if kind == "prints" else [new_code_cell(code)]
        if kind == "check":
            made[-1].update(source=f"# @title One way to do it\n{code}", metadata=FOLDED)
        end = block.end()
    made.append(new_markdown_cell(text[end:].strip()))
    return [cell for cell in made if cell.source]


if __name__ == "__main__":
    command.run(main)
