"""The report in a real browser that may not use a network."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import LECTURE, opened, requests, run_stages
from matplotlib.figure import Figure
from ruamel.yaml import YAML

from checks.reproduction import call
from diagonal.pipeline.errors import InputError
from reporting.__main__ import data_uri, drawn, has_changes, plots

ROOT = Path(__file__).parents[1]
PLOTS = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["plots"]
CHARTS = [next(iter(plot)) for plot in PLOTS if isinstance(plot, dict)]


@pytest.fixture(scope="module")
def report(project_copy):
    """The report on a copy of the project with a history of two commits."""

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        subprocess.run(["git", *identity, *arguments], cwd=project_copy, check=True)

    run_stages(project_copy, *LECTURE[:6])
    git("add", "--all")
    git("commit", "--quiet", "--message", "First")
    metrics = project_copy / "metrics/evaluate/validation/relu.json"
    values = json.loads(metrics.read_text())
    was = values["loss"]
    metrics.write_text(json.dumps(values | {"loss": was + 1}))
    git("commit", "--quiet", "--all", "--message", "Second <b>commit</b>")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [sys.executable, "-m", "reporting"],
        cwd=project_copy,
        env={**os.environ, "PATH": path},
        check=True,
    )
    return project_copy / "report/index.html"


@pytest.fixture(params=[(1280, "light"), (400, "dark")], ids=["wide-light", "narrow-dark"])
def page(request, browser, report):
    return opened(browser, report, *request.param)


def test_nothing_is_asked_of_a_network_and_nothing_goes_wrong(page, report):
    asked = requests(page)
    assert report.as_uri() in asked
    assert {urlsplit(url).scheme for url in asked} <= {"file", "data"}
    assert [each for each in asked if each.startswith("file")] == [report.as_uri()]
    assert page.get_log("browser") == []


def test_every_picture_is_shown_and_fits(page):
    pictures = page.execute_script(
        "return [...document.images]"
        ".map(i => [i.alt, i.naturalWidth, i.getBoundingClientRect().right])"
    )
    listed = subprocess.run(
        ["git", "ls-files", "plots/*.png", "plots/*.gif"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    assert len(pictures) == len(listed) + len(CHARTS)
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


def test_it_tells_what_was_run_and_what_changed(page, report):
    text = page.find_element("tag name", "body").text
    assert "Second <b>commit</b>" in text
    for stage in ("generate", "split", "balance", "train_relu", "evaluate", "parabolas"):
        assert stage in text
    changed = page.execute_script(
        "return [...document.querySelectorAll('tr.changed')].map(r => r.innerText)"
    )
    assert len(changed) == 1
    assert changed[0].startswith("loss")
    assert report.stat().st_size < 15e6


def test_pictures_of_any_format_and_place_are_shown(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/figures.md", tmp_path / "docs")
    kinds = {"one.jpg": "jpeg", "plots/two.svg": "svg+xml", "plots/three/four.png": "png"}
    for name in kinds:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Figure().savefig(tmp_path / name)
    listed = "".join(f"- {name}\n" for name in kinds)
    (tmp_path / "dvc.yaml").write_text(f"plots:\n{listed}")
    monkeypatch.chdir(tmp_path)
    for words in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        call(words, tmp_path)
    _, figures = drawn(plots("out"))
    shown = {each["file"]: each["source"] for group in figures.values() for each in group}
    assert shown.keys() == kinds.keys()
    for name, kind in kinds.items():
        assert shown[name] == data_uri((tmp_path / name).read_bytes(), f"image/{kind}")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("plots:\n- a.bmp\n", "'a.bmp' - file type error"),
        ("plots:\n- none.png\n", "No such file or directory: 'none.png'"),
        ("plots: [\n", "unable to read: 'dvc.yaml'"),
    ],
)
def test_what_dvc_cannot_show_is_told_in_a_line(tmp_path, monkeypatch, content, found):
    monkeypatch.chdir(tmp_path)
    for words in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        call(words, tmp_path)
    (tmp_path / "a.bmp").touch()
    (tmp_path / "dvc.yaml").write_text(content)
    with pytest.raises(InputError) as caught:
        plots("out")
    assert str(caught.value).startswith("expected plots that DVC can show, found: ")
    assert found in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_changes_of_a_repository_that_the_project_is_a_folder_of_do_not_count(
    tmp_path, monkeypatch
):
    project = tmp_path / "project"
    project.mkdir()
    call(["git", "init", "--quiet"], tmp_path)
    (tmp_path / "notes.txt").touch()
    monkeypatch.chdir(project)
    assert not has_changes()
    (project / "params.yaml").touch()
    assert has_changes()
