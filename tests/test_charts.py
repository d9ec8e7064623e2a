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


def renderer(template, curves=CURVES):
    """Make DVC's own renderer of a few points, as its commands do."""
    if template == "losses":
        points = [
            {"x": x, "y": x + len(rev), "rev": rev, **curve}
            for rev in REVISIONS
            for curve in curves
            for x in (1, 2)
        ]
    else:
        points = [
            {"x": x, "y": x, "rev": rev, "model": name, "filename": "a.csv", "field": "y"}
            for rev in REVISIONS
            for name in MODELS
            for x in (1, 2)
        ]
    definitions = curves if template == "losses" else [{"filename": "a.csv", "field": "y"}]
    options = {"template": template, "template_dir": str(TEMPLATES), "x": "x", "y": "y"}
    return VegaRenderer(points, "chart", anchors_y_definitions=definitions, **options)


def labels(spec):
    """Draw a chart and list the words in it."""
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize("template", ["losses", "models", "outcomes"])
def test_models_and_revisions_are_told_apart(template):
    words = labels(renderer(template).get_filled_template())
    assert {*MODELS, *REVISIONS} <= {*words}
    assert "undefined" not in words
    if template == "losses":
        assert {"training", "validation"} <= {*words}


def test_the_losses_of_one_model_alone_are_drawn():
    words = labels(renderer("losses", curves=CURVES[:2]).get_filled_template())
    assert {"training", "validation", "model"} <= {*words}
    assert "undefined" not in words


@pytest.mark.parametrize("template", ["losses", "models", "outcomes"])
def test_an_editor_fills_in_size_zoom_and_the_colours_of_revisions(template):
    """As DVC's extension for VS Code does, by anchors that each stand once."""
    content, split = renderer(template).get_partial_filled_template()
    text = json.dumps(content)
    for name in ("PLOT_WIDTH", "PLOT_HEIGHT", "ZOOM_AND_PAN", "COLOR"):
        assert text.count(f'"<DVC_METRIC_{name}>"') == 1
    split["anchor_definitions"]["<DVC_METRIC_COLOR>"]["scale"]["range"] = ["#123456", "#654321"]
    for anchor, value in split["anchor_definitions"].items():
        text = text.replace(f'"{anchor}"', json.dumps(value))
    spec = json.loads(text)
    assert not {"facet", "row", "column"} & {*spec, *spec["encoding"]}  # they take no container
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    assert "#123456" in svg
    assert "#654321" in svg
