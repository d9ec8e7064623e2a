"""Write report/index.html: one page with all results, for a browser without a network.

The results of the lecture come first; those of the study have a section of their own.
"""

import base64
import json
import mimetypes
import re
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from ruamel.yaml import YAML

from checks.reproduction import CannotTellError, call
from checks.study import stale
from diagonal import command
from diagonal.errors import InputError
from diagonal.pipeline import files
from diagonal.training.progress import bar
from reporting.pipeline import layout, stages_and_edges
from reporting.playground import gather

HERE = Path(__file__).parent
TARGET = "report/index.html"
STUDY = "study"  # the folder of the second pipeline


def main() -> None:
    has_previous = not run("git", "rev-list", "--max-count=2", "HEAD").count("\n") < 2
    with (
        tempfile.TemporaryDirectory() as folder,
        bar(desc=TARGET, total=7, unit="part") as progress,
    ):

        def done(part):
            progress.update()
            return part

        metrics, shown = done(compared("metrics", has_previous)), done(plots(folder))
        pipelines = zip(by_pipeline(metrics), by_pipeline(shown), strict=True)
        lecture, study = ({"metrics": values, **done(drawn(each))} for values, each in pipelines)
        page = template().render(
            commit=run("git", "log", "-1", "--format=%h %s").strip(),
            changed=has_changes(),
            previous=has_previous,
            versions={name: version(name) for name in dependencies()},
            playground=gather(),
            pipeline=done(layout(*stages_and_edges(run("dvc", "dag", "--mermaid", "dvc.yaml")))),
            params=done(compared("params", has_previous)),
            lecture=lecture,
            study=study,
            stale=done(stale(Path.cwd())),
            verdicts=verdicts(),
        )
    with files.replacing(TARGET) as file:
        file.write(page.encode())
    print(f"{TARGET}: {len(page) / 2**20:.1f} MB, open it in a browser")


def template() -> Template:
    """Read the page's template; what it includes stands beside it."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.policies["json.dumps_kwargs"] = {}  # keys keep their order, as that of the models
    return environment.get_template("report.html.j2")


def run(*arguments: str) -> str:
    """Run a command and return what it prints.

    Raises:
        InputError: it fails.
    """
    try:
        return call(list(arguments), Path.cwd()).stdout
    except CannotTellError as err:
        raise InputError(str(err)) from err


def by_pipeline(named: dict) -> tuple[dict, dict]:
    """Part what is named by its file, or as a chart by its title: the lecture's, the study's."""
    wiring = YAML(typ="safe", pure=True).load(Path(STUDY, "dvc.yaml"))
    charts = {title for plot in wiring["plots"] if isinstance(plot, dict) for title in plot}
    in_study = {name for name in named if Path(name).parts[0] == STUDY or name in charts}
    return (
        {name: named[name] for name in named if name not in in_study},
        {name: named[name] for name in named if name in in_study},
    )


def plots(folder: str) -> dict[str, list[dict]]:
    """Ask DVC for what both dvc.yaml list as plots; it copies pictures to the folder.

    Plots of the study that cannot be shown, as before its first run, are left out.

    Raises:
        InputError: it cannot show another plot, or read dvc.yaml or dvc.lock.
    """
    shown = json.loads(run("dvc", "plots", "show", "--json", "--out", folder))
    for error in shown.get("errors", []):
        if not str(error.get("source")).startswith(f"{STUDY}/"):
            found = " ".join(error["msg"].split())
            raise InputError(f"expected plots that DVC can show, found: {found}")
    return {name: entries for name, entries in shown["data"].items() if entries}


def has_changes() -> bool:
    """Tell whether something is not committed; what the project is a folder of does not count."""
    return bool(run("git", "status", "--porcelain", "--", ".").strip())


def dependencies() -> list[str]:
    """Name Python's packages that pyproject.toml asks for."""
    asked = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    lines = asked["project"]["dependencies"] + asked["dependency-groups"]["pipeline"]
    return [re.match(r"[\w.-]+", line)[0] for line in lines]


def compared(what: str, has_previous: bool) -> dict[str, dict[str, tuple]]:
    """List params or metrics with what they were a commit ago.

    Returns:
        file -> key -> (new, old); the last is None where nothing was.
    """
    since = ["HEAD~1"] if has_previous else ["HEAD"]
    changes = json.loads(run("dvc", what, "diff", "--json", "--all", *since))
    return {
        path: {key: (value.get("new"), value.get("old")) for key, value in sorted(values.items())}
        for path, values in sorted(changes.items())
    }


def drawn(shown: dict) -> dict[str, dict]:
    """Turn what `dvc plots show --json` lists into data that stand in the page.

    Returns:
        charts: title -> a picture as a data URI for "light" and for "dark"; figures: stage ->
        file, caption and source, a data URI, of each.
    """
    captions, charts, figures = what_to_see(), {}, {}
    for name, (entry, *_) in shown.items():
        if entry["type"] == "vega":
            charts[name] = {theme: chart(entry["content"], theme) for theme in ("light", "dark")}
        else:
            kind, _ = mimetypes.guess_type(name)
            source = data_uri(Path(entry["url"]).read_bytes(), kind or "image/png")
            figure = {"file": name, "caption": captions.get(name, ""), "source": source}
            figures.setdefault(stage_of(name), []).append(figure)
    return {"charts": charts, "figures": figures}


def stage_of(figure: str) -> str:
    """Name the stage of a figure by its folders: claims_data for plots/claims/data/pictures/a.png.

    A user's figure may lie elsewhere, and is then named as its folders or itself.
    """
    folders = [part for part in Path(figure).parts[:-1] if part not in (STUDY, "plots", "pictures")]
    return "_".join(folders) or figure


def chart(content: str | dict, theme: str) -> str:
    """Draw a Vega-Lite chart as SVG, the data URI of it; data may not come from elsewhere."""
    spec = json.loads(content) if isinstance(content, str) else content
    svg = vl_convert.vegalite_to_svg(
        spec, config={"background": "transparent"}, theme="dark" if theme == "dark" else None,
        allowed_base_urls=[],
    )  # fmt: skip
    return data_uri(svg.encode(), "image/svg+xml")


def data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def verdicts() -> list[dict]:
    """Read what the study found of each statement; nothing before its first run."""
    path = Path(STUDY, "plots/verdicts.csv")
    return pd.read_csv(path, dtype={"experiment": str}).to_dict("records") if path.exists() else []


def what_to_see() -> dict[str, str]:
    """Read captions from the table of docs/figures.md: file -> its last column."""
    rows = Path("docs/figures.md").read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if "|" in row]
    return {row[1].strip("`"): row[-1] for row in cells if row[1].startswith("`")}


if __name__ == "__main__":
    command.run(main)
