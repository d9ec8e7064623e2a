"""The report in a real browser that may not use a network."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import opened, requests, run_stages, write_params
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
LECTURE, STUDY = (
    YAML(typ="safe", pure=True).load(ROOT / path) for path in ("dvc.yaml", "study/dvc.yaml")
)
CHARTS = [
    title
    for pipeline in (LECTURE, STUDY)
    for plot in pipeline["plots"]
    if isinstance(plot, dict)
    for title in plot
]
TRAINED = ("generate", "split", "balance", "train_logistic", "train_deepish", "train_relu")


@pytest.fixture(scope="module")
def report(project_copy, run_in):
    """The report on a copy with two commits, and a parameter of the study changed since."""

    def run(*words):
        done = run_in(project_copy, *words)
        assert done.returncode == 0, done.stderr

    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.invalid")
    run_stages(project_copy, *TRAINED)
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "--message", "First")
    metrics = project_copy / "metrics/evaluate/validation/relu.json"
    values = json.loads(metrics.read_text())
    metrics.write_text(json.dumps(values | {"loss": values["loss"] + 1}))
    run(*git, "commit", "--quiet", "--all", "--message", "Second <b>commit</b>")
    write_params(project_copy / "study/params.yaml", {"seeds.n": 257})
    run("python", "-m", "reporting")
    return project_copy / "report/index.html"


SHOWN = [(1280, "light"), (400, "dark")]


@pytest.fixture(params=[pytest.param(each, marks=pytest.mark.slow) for each in SHOWN])
def page(request, browser, report):
    return opened(browser, report, *request.param)


def test_nothing_is_asked_of_a_network_and_nothing_goes_wrong(page, report):
    asked = requests(page)
    assert report.as_uri() in asked
    assert {urlsplit(url).scheme for url in asked} <= {"file", "data"}
    assert [each for each in asked if each.startswith("file")] == [report.as_uri()]
    assert page.get_log("browser") == []


def test_every_picture_is_shown_and_fits(page, report):
    pictures = page.execute_script(
        "return [...document.images]"
        ".map(i => [i.alt, i.naturalWidth, i.getBoundingClientRect().right])"
    )
    folder = report.parents[1]
    drawn = [path for kind in ("png", "gif") for path in folder.rglob(f"plots/**/*.{kind}")]
    assert len(pictures) == len(drawn) + len(CHARTS)
    for name, width, right in pictures:
        assert name
        assert width > 100, name
        assert right <= page.width, name
    assert page.execute_script("return document.documentElement.scrollWidth") <= page.width


def test_every_chart_has_marks_and_the_themes_differ(page):
    sources = page.execute_script(
        "return [...document.querySelectorAll('.chart img')].map(i => i.currentSrc)"
    )
    assert len(sources) == len(CHARTS)
    for source in sources:
        svg = base64.b64decode(source.split(",", 1)[1]).decode()
        assert re.search(r'class="mark-(line|rect|symbol) [^"]*"[^>]*><path', svg)
    background = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in re.findall(r"\d+", background)[:3]]
    assert (sum(levels) > 600) == (page.theme == "light")


def test_it_says_what_it_is_then_what_was_run_and_what_changed(page, report):
    text = page.find_element("tag name", "body").text
    top, bottom = text.split("Playground", 1)[0], text.rsplit("What was run", 1)[1]
    assert "Neural networks learn to tell diagonal lines" in top
    assert "commit" not in top.lower()
    assert "Second <b>commit</b>, with changes that are not committed." in bottom
    changed = page.execute_script(
        "return [...document.querySelectorAll('tr.changed')].map(r => r.cells[0].textContent)"
    )
    assert changed == ["loss", "seeds.n"]
    assert report.stat().st_size < 15e6


def test_the_picture_of_the_pipeline_has_the_lectures_stages(page):
    boxes = page.find_elements("css selector", "svg.dag text")
    assert sorted(box.text for box in boxes) == sorted(LECTURE["stages"])


def test_the_study_has_a_section_that_says_if_it_is_out_of_date(page):
    lecture, study = page.execute_script(
        "const after = (e) => document.querySelector('#study').compareDocumentPosition(e) & 4;"
        "const shown = [...document.querySelectorAll(':is(summary, .chart img):not(.lesson *)')];"
        "return [shown.filter(e => !after(e)), shown.filter(after)]"
        ".map(part => part.map(e => e.alt ?? e.textContent))"
    )
    for mine, others, folder, chart in (
        (lecture, study, "metrics/", "ROC on validation"),
        (study, lecture, "study/metrics/", "Outcomes over the seeds"),
    ):
        assert chart in mine
        assert chart not in others
        assert any(name.startswith(folder) for name in mine)
        assert not any(name.startswith(folder) for name in others)
    text = page.find_element("tag name", "body").text
    assert "It was not run with the present code, parameters and data" in text
    reasons = page.find_elements("css selector", "#study ~ details li")
    assert any("study/params.yaml" in each.get_property("textContent") for each in reasons)
