"""DVC's charts of what came out: the templates in .dvc/plots, filled by DVC and by editors."""

import json
import re
from pathlib import Path

import pytest
import vl_convert
from dvc_render.vega import VegaRenderer

from diagonal.pipeline.models import MODELS

TEMPLATES = Path(__file__).parents[1] / ".dvc/plots"
REVISIONS = ("HEAD", "workspace")
CURVES = [
    {"filename": f"plots/losses/{name}.csv", "field": field}
    for name in MODELS
    for field in ("loss", "val_loss")
]
ONE = [{"filename": "a.csv", "field": "y"}]
LINES = [ONE[0] | {"model": name} for name in MODELS]


@pytest.fixture(
    params=[("losses", CURVES, CURVES), ("models", LINES, ONE), ("outcomes", LINES, ONE)]
)
def renderer(request):
    """Make DVC's own renderer of a few points, as its commands do."""
    template, lines, definitions = request.param
    points = [
        {"x": x, "y": x + len(rev), "rev": rev, **line}
        for rev in REVISIONS
        for line in lines
        for x in (1, 2)
    ]
    options = {"template": template, "template_dir": str(TEMPLATES), "x": "x", "y": "y"}
    return VegaRenderer(points, "chart", anchors_y_definitions=definitions, **options)


def test_models_and_revisions_are_told_apart(renderer):
    svg = vl_convert.vegalite_to_svg(renderer.get_filled_template(), allowed_base_urls=[])
    words = {*re.findall(r"<text[^>]*>([^<]*)</text>", svg)}
    assert {*MODELS, *REVISIONS} <= words
    assert "undefined" not in words
    if renderer.properties["template"] == "losses":
        assert {"training", "validation"} <= words


def test_an_editor_finds_each_place_that_it_fills_in_once(renderer):
    """As DVC's extension for VS Code does: the size, the zoom and the colours of revisions."""
    text = json.dumps(renderer.get_partial_filled_template()[0])
    for name in ("PLOT_WIDTH", "PLOT_HEIGHT", "ZOOM_AND_PAN", "COLOR"):
        assert text.count(f'"<DVC_METRIC_{name}>"') == 1
