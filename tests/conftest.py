"""What several tests start from: the lecture's data, random data, and a copy of the project."""

import atexit
import gc
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import chdir
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from ruamel.yaml import YAML

from checks.difference import flat
from checks.reproduction import copy_project
from checks.wiring import read_yaml
from diagonal.pipeline.models import MODELS

ROOT = Path(__file__).parents[1]
gc.disable()  # while the tests' modules import PyTorch, as `diagonal.command` does
atexit.register(gc.unfreeze)  # what was imported is collected at the end, as some packages expect


def pytest_collection_finish():
    """Turn garbage collection on; what was imported stays out of it, which saves seconds."""
    gc.freeze()
    gc.enable()


def pytest_xdist_auto_num_workers(config) -> int | None:
    """Run a single file in this process: another one would have to import everything again."""
    return 0 if len(config.args) == 1 and ".py" in config.args[0] else None


@pytest.fixture(scope="session")
def lecture_data():
    """Images and labels of the lecture, and which of them are for training and validation."""
    import torch

    from diagonal.lines.images import generate_dataset
    from diagonal.lines.splitting import train_val_split

    images, labels = generate_dataset(5, 300, seed=13)
    split = train_val_split(labels, (80, 20), 13)
    train, val, images, labels = map(torch.from_numpy, (*split, images, labels))
    return SimpleNamespace(images=images, labels=labels, train=train, val=val)


@pytest.fixture(scope="session")
def random_data():
    """Make the same of any size, with pixels of every brightness: (n, n_val, size, seed)."""
    import torch

    def make(n, n_val, size, seed):
        stream = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (n + n_val, 1, size, size), generator=stream).byte()
        train, val = torch.randperm(n + n_val, generator=stream).split([n, n_val])
        labels = torch.zeros(n + n_val, dtype=torch.int64)
        labels[train], labels[val] = (
            (torch.arange(len(each)) % 3 > 0).long() for each in (train, val)
        )
        return SimpleNamespace(images=images, labels=labels, train=train, val=val)

    return make


@pytest.fixture(scope="module")
def project_copy(tmp_path_factory):
    """A copy of the project as git sees it, shared by the tests of a module."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    copy_project(ROOT, copy)
    return copy


@pytest.fixture
def project(tmp_path):
    """A copy of the project as git sees it, tracked and new files, with a repository of its own."""
    copy = tmp_path / "project"
    copy_project(ROOT, copy)
    return copy


def write_params(path, changes):
    """Change values in a file of parameters, keys with dots -> value; return its path."""
    yaml = YAML()
    params = yaml.load(path)
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = params
        for parent in parents:
            section = section[parent]
        section[last] = value
    yaml.dump(params, path)
    return path


FEW = {"n": 4, "n_epochs": 4, "patience": 2, "depths": 2, "levels": 2, "n_shown": 4}


def make_small(copy):
    """Make a copy of the project small and quick to train: the lecture and the study."""
    epochs = {f"train_{name}.n_epochs": 3 for name in MODELS}
    write_params(copy / "params.yaml", {"generate.n_images": 60, **epochs})
    changes = {}
    for key, value in flat(read_yaml(copy / "study/params.yaml")).items():
        few = FEW.get(key.rpartition(".")[2])
        if few and isinstance(value, int):
            changes[key] = few
        elif key.endswith("n_epochs"):  # two numbers of epochs that are compared
            changes[key] = [2, 4]
    write_params(copy / "study/params.yaml", changes)


LECTURE = (
    "generate", "split", "balance", "train_logistic", "train_deepish", "train_relu", "evaluate",
    "feature_space",
)  # fmt: skip


def only(project, *stages):
    """Freeze all stages of both pipelines but these, so that what runs all takes less time."""

    def freeze(stage):
        as_it_is = stage[1] in stages or "    frozen: " in stage[2]
        return stage[0] if as_it_is else f"  {stage[1]}:\n    frozen: true\n{stage[2]}"

    for path in (project / "dvc.yaml", project / "study/dvc.yaml"):
        wiring, metrics, rest = path.read_text().partition("\nmetrics:\n")
        wiring = re.sub(r"(?m)^  (\w+):\n((?:(?:    .*)?\n)+)", freeze, wiring)
        path.write_text(wiring + metrics + rest)


@pytest.fixture(scope="module")
def small_copy(project_copy):
    """The copy that a module shares, made small."""
    make_small(project_copy)
    return project_copy


@pytest.fixture
def small(project):
    """A copy of the project, made small."""
    make_small(project)
    return project


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory, run_in, worker_id):
    """A small copy after its first `dvc repro`, which said what is in `first.log`; to be copied.

    All processes of a test run share it: the first that asks makes it.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "reproduced"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            making = folder.with_name("making")
            copy_project(ROOT, making)
            make_small(making)
            done = run_in(making, "dvc", "repro")
            assert done.returncode == 0, done.stderr
            (making / ".git/first.log").write_text(done.stdout)
            making.rename(folder)
    return folder


@pytest.fixture(scope="session")
def run_in():
    """Run a command in a folder with this environment's programs first on the path."""

    def run_in(folder, *command, **environment):
        env = {**os.environ, **environment}
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        return subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )

    return run_in


@pytest.fixture(scope="session")
def installed(tmp_path_factory, run_in):
    """Install the package, as `pip install .` does, into a folder of its own: needs no network."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", folder]
    result = run_in(ROOT, sys.executable, "-m", "pip", "install", *options, ".")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def run(project, run_in):
    """Run a command in the project's copy."""
    return partial(run_in, project)


def run_stages(folder, *stages):
    """Run stages in this process, in a folder with their parameters: `split`, `study.seeds`."""
    with chdir(folder):
        for stage in stages:
            import_module(stage if "." in stage else f"stages.{stage}").main()


@pytest.fixture(scope="module")
def numbers_alone():
    """Let stages write no pictures in a module that looks at numbers: drawing takes longest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diagonal.pipeline.files.write_figure", lambda path, figure: None)
        yield


BROWSER_OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A real browser; without one its tests are skipped, unless NEED_BROWSER is set."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (program and driver):
        say = pytest.fail if "NEED_BROWSER" in os.environ else pytest.skip
        say("needs chromium and chromedriver (Debian's packages chromium and chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for option in (*BROWSER_OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as browser:
        yield browser


def opened(browser, path, width, theme, fragment=""):
    """Open a page in the browser, so many pixels wide, in a theme; it keeps both as attributes."""
    from selenium.webdriver.support.wait import WebDriverWait

    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get("about:blank")
    for kind in ("performance", "browser"):
        browser.get_log(kind)
    browser.get(path.as_uri() + fragment)
    there = "return location.href !== 'about:blank' && document.readyState === 'complete'"
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(there))  # get may be early
    browser.width, browser.theme = width, theme
    return browser


def requests(browser):
    """List the addresses that a browser has asked for since this was called or it was opened."""
    messages = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
