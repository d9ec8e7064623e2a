"""Write lecture.ipynb: an opening, the slides' code in order, and exercises, as a notebook.

    python -m reporting.notebook

Its sources are Markdown. A block of code becomes a cell to run, what stands between blocks becomes
text. It has no outputs, so that the same sources are the same bytes.
"""

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from diagonal import command
from diagonal.pipeline import files

SOURCES = ("docs/notebook.md", "tests/slides.md", "docs/exercises.md")
TARGET = "lecture.ipynb"
BLOCK = re.compile(r"^```(\w+)\n(.*?)\n```$", re.M | re.S)
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # in Jupyter, and in Colab
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main() -> None:
    texts = (Path(path).read_text("utf-8") for path in SOURCES)
    with files.replacing(TARGET) as file:
        file.write(notebook(*texts).encode())
    print(f"{TARGET}: open it in Jupyter")


def notebook(opening: str, slides: str, exercises: str) -> str:
    """Make a notebook of Markdown, as text; the slides' from their first section on."""
    slides = slides[slides.index("\n## ") :]
    made = [cell for text in (opening, slides, exercises) for cell in cells(text)]
    for number, cell in enumerate(made):
        cell["id"] = f"cell-{number}"  # nbformat's own are random
    content = new_notebook(cells=made, metadata=METADATA)
    nbformat.validate(content)
    return nbformat.writes(content, indent=1) + "\n"


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
