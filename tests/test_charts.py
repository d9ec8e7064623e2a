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


def renderer(template, revisions=REVISIONS, curves=CURVES):
    """Make DVC's own renderer of a few points, as its commands do."""
    if template == "losses":
        points = [
            {"x": x, "y": x + len(rev), "rev": rev, **curve}
            for rev in revisions
            for curve in curves
            for x in (1, 2)
        ]
    else:
        points = [
            {"x": x, "y": x, "rev": rev, "model": name, "filename": "a.csv", "field": "y"}
            for rev in revisions
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


@pytest.mark.parametrize("revisions", [REVISIONS, REVISIONS[:1]])
@pytest.mark.parametrize("template", ["losses", "models", "outcomes"])
def test_models_and_revisions_are_told_apart(template, revisions):
    words = labels(renderer(template, revisions).get_filled_template())
    assert {*MODELS, *revisions} <= {*words}
    assert "undefined" not in words
    if template == "losses":
        assert {"training", "validation"} <= {*words}


def test_the_losses_of_one_model_alone_are_drawn():
    words = labels(renderer("losses", curves=CURVES[:2]).get_filled_template())
    assert {"training", "validation", "model"} <= {*words}
    assert "undefined" not in words


@pytest.mark.parametrize("focused", [True, False])
@pytest.mark.parametrize("template", ["losses", "models", "outcomes"])
def test_an_editor_fills_in_size_zoom_and_the_colours_of_revisions(template, focused):
    """As DVC's extension for VS Code does, which shows a legend and zooms one chart at a time."""
    content, split = renderer(template).get_partial_filled_template()
    definitions, text = split["anchor_definitions"], json.dumps(content)
    for name in ("PLOT_WIDTH", "PLOT_HEIGHT", "ZOOM_AND_PAN", "COLOR"):
        anchor = f"<DVC_METRIC_{name}>"
        assert text.count(f'"{anchor}"') == 1
        value = definitions[anchor]
        if name == "COLOR":
            value["scale"]["range"] = ["#123456", "#654321"]
            value = value if focused else value | {"legend": None}
        elif name.startswith("PLOT"):
            value = "container"
        value = "" if name == "ZOOM_AND_PAN" and not focused else json.dumps(value)
        text = text.replace(f'"{anchor}"', value)
    for anchor, value in definitions.items():
        text = text.replace(f'"{anchor}"', json.dumps(value))
    spec = json.loads(text)
    assert not {"facet", "row", "column"} & {*spec, *spec["encoding"]}  # they take no container
    words = labels(spec)
    assert ({*REVISIONS} <= {*words}) == focused
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    assert "#123456" in svg
    assert "#654321" in svg
