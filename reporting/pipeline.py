"""The pipeline as a picture: boxes in columns, each right of all that it needs."""

import re

WIDTH, HEIGHT, GAP_X, GAP_Y = 130, 36, 40, 18  # pixels


def stages_and_edges(mermaid: str) -> tuple[list[str], set[tuple[str, str]]]:
    """Read what `dvc dag --mermaid` prints: stages, and pairs of one and another that needs it."""
    names = dict(re.findall(r'(node\d+)\["(.+?)"\]', mermaid))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(node\d+)-->(node\d+)", mermaid)}
    return sorted(names.values()), edges


def layout(stages: list[str], edges: set[tuple[str, str]]) -> dict:
    """Place the stages.

    Returns:
        width and height; boxes: (name, left, top) each; lines: (x1, y1, x2, y2) for each edge
        that does not follow from others.
    """
    needs = {stage: {a for a, b in edges if b == stage} for stage in stages}

    def column(stage: str) -> int:
        return 1 + max(map(column, needs[stage]), default=-1)

    def ancestors(stage: str) -> set[str]:
        return needs[stage].union(*map(ancestors, needs[stage]))

    columns: dict[int, list[str]] = {}
    for stage in stages:
        columns.setdefault(column(stage), []).append(stage)
    highest = max(map(len, columns.values()))
    boxes = {}
    for number, members in columns.items():
        top = (highest - len(members)) * (HEIGHT + GAP_Y) / 2
        for row, stage in enumerate(members):
            boxes[stage] = (number * (WIDTH + GAP_X), top + row * (HEIGHT + GAP_Y))
    lines = []
    for a, b in sorted(edges):
        if not any(a in ancestors(between) for between in needs[b] - {a}):
            (left, top), (right, bottom) = boxes[a], boxes[b]
            lines.append((left + WIDTH, top + HEIGHT / 2, right, bottom + HEIGHT / 2))
    return {
        "width": len(columns) * (WIDTH + GAP_X) - GAP_X,
        "height": highest * (HEIGHT + GAP_Y) - GAP_Y,
        "boxes": [(name, *corner) for name, corner in boxes.items()],
        "lines": lines,
    }
