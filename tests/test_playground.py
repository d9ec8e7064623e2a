"""The report's playground in a real browser, its numbers held against PyTorch and scikit-learn."""

import html
import json
import re
import shutil
from contextlib import chdir
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import opened, requests, run_stages, write_params
from pages import CONTRAST, address, click, find, find_all, js, press, texts, wait
from selenium.webdriver import ActionChains, Keys
from sklearn.metrics import confusion_matrix
from torch import nn, optim

from diagonal.errors import InputError
from diagonal.pipeline import data
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.models import collapsed, network, probabilities, read_history, read_model
from diagonal.training.sampling import make_balanced_sampler, weighted_sampler
from reporting import playground
from reporting.__main__ import template
from stages.feature_space import titled

slow = pytest.mark.slow  # what takes long, or guards what rarely changes
ROOT = Path(__file__).parents[1]
STAGES = ("split", "balance", "train_logistic", "train_deepish", "train_relu")
NOTHING = {"metrics": {}, "charts": {}, "figures": {}}
FIGURE = {
    "file": "plots/generate/pictures/samples.png", "caption": "The first images",
    "source": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 5'/>",
}  # fmt: skip
REST = {  # of the report, beside its playground
    "commit": "x", "changed": False, "previous": False, "versions": {}, "params": {}, "stale": [],
    "lecture": NOTHING | {"figures": {"generate": [FIGURE]}}, "study": NOTHING,
    "pipeline": {"width": 1, "height": 1, "lines": [], "boxes": []},
}  # fmt: skip
ALONE = "return all('.part').filter(e => e.checkVisibility()).map(e => e.id)"
OWN = "activation=tanh&batch=8&lr=0.2&hidden=4,2&seed=3&flip=0&balance=0&epochs=30"
PARTS = ("batch", "time", "threshold", "curve", "train")
LABELS = "return all($0).map(e => e.ariaLabel)"
NORMALIZE = scale_and_normalize(0.5, 0.5)


def write_page():
    """Write the page of what the stages have left in this folder."""
    Path("index.html").write_text(template().render(playground=playground.gather(), **REST))


@pytest.fixture(scope="module")
def lecture(tmp_path_factory):
    """A folder with the lecture's data and models, and the page."""
    folder = tmp_path_factory.mktemp("lecture")
    shutil.copy(ROOT / "params.yaml", folder)
    run_stages(folder, "generate", *STAGES)
    with chdir(folder):
        write_page()
    return folder


@pytest.fixture
def inside(lecture, monkeypatch):
    """The lecture's folder, as the one that stages read from."""
    monkeypatch.chdir(lecture)


@pytest.fixture
def changed(lecture, tmp_path, monkeypatch):
    """A copy of it to change."""
    shutil.copytree(lecture, tmp_path / "changed")
    monkeypatch.chdir(tmp_path / "changed")


@pytest.fixture
def show(browser):
    """Open this folder's page; in the end, nothing must have gone wrong or been asked for."""
    own = {"about:blank"}

    def show(fragment="", width=1280, theme="light"):
        path = Path("index.html").absolute()
        own.add(path.as_uri())
        return opened(browser, path, width, theme, fragment)

    yield show
    assert browser.get_log("browser") == []
    asked = {re.split("[?#]", url)[0] for url in requests(browser) if not url.startswith("data:")}
    assert asked <= own


@pytest.fixture
def page(show, inside):
    """The lecture's page, wide and light."""
    return show()


def status(page, part):
    return find(page, f"#{part} .status").text


def at(page, fragment):
    """Go to the address of another state, or of that of an image."""
    if isinstance(fragment, np.ndarray):
        fragment = f"image={fragment.tobytes().hex()}"
    js(page, "location.hash = $0", fragment)


def number(text):
    return float(text.replace("\u2212", "-"))


def by_pytorch(image):
    """What PyTorch makes of an image, uint8 (1, S, S): model -> probability."""
    x = NORMALIZE(torch.from_numpy(image[None].copy()))
    return {name: probabilities(read_model(name, 25), x)[0] for name in MODELS}


def verdicts(image):
    """The sentence of each model on an image; it is called wrong only where there is a truth."""
    patterns = data.read_patterns()
    truth = patterns.labels[(patterns.images == image).all((1, 2, 3))].tolist()
    sentences = []
    for name, p in by_pytorch(image).items():
        word = "undecided" if p == 0.5 else ("straight", "diagonal")[int(p > 0.5)]
        wrong = ", wrong" if truth and (p > 0.5) != truth[0] else ""
        sentences.append(f"{name} {word}{wrong} (P(diagonal) = {p:.3f})")
    return sentences


def drawn(page):
    """Which pixels are set, 0 or 1, row by row."""
    return js(page, "return all('#draw-grid button').map(b => Number(b.ariaPressed === 'true'))")


def test_every_pattern_and_random_pictures_get_pytorchs_probabilities(page):
    stream = np.random.default_rng(0)
    patterns = data.read_patterns().images
    two_levels = 255 * stream.integers(0, 2, (25, 1, 5, 5))
    gray = stream.integers(0, 256, (25, 1, 5, 5))
    for image in np.concatenate([patterns, two_levels, gray]).astype(np.uint8):
        at(page, image)
        ours = js(page, "return playground.probabilities($0)", image.ravel().tolist())
        assert ours == pytest.approx(by_pytorch(image), abs=1e-6)
        assert texts(page, "#draw-verdicts p") == verdicts(image)


def test_pixels_are_clicked_and_dragged_and_reached_by_keys(show, inside):
    page = show("#image=" + "00" * 25)
    pixels = find_all(page, "#draw-grid button")
    click(pixels[7])
    assert drawn(page) == [i == 7 for i in range(25)]
    pixels[7].click()
    assert not any(drawn(page))
    drag = ActionChains(page).click_and_hold(pixels[10])
    for pixel in pixels[11:15]:
        drag.move_to_element(pixel)
    drag.release().move_to_element(pixels[20]).perform()
    assert drawn(page) == [10 <= i < 15 for i in range(25)]
    assert re.fullmatch(r"Pattern \d+: straight\.", find(page, "#draw-kind").text)
    click(find(page, "[data-do=clear]"))
    assert find(page, "#draw-kind").text.startswith("The picture is empty.")
    assert "wrong" not in find(page, "#draw-verdicts").text
    keys = (Keys.ARROW_UP, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, " ", Keys.ARROW_RIGHT, Keys.ENTER)
    press(page, *keys, on=pixels[0])
    assert drawn(page) == [i in (6, 7) for i in range(25)]
    assert [each.get_attribute("tabindex") for each in pixels].count("0") == 1


@pytest.mark.parametrize("name", MODELS)
def test_a_network_is_drawn_with_pytorchs_sums_values_and_weights(page, name):
    model, patterns = read_model(name, 25), data.read_patterns()
    for image in patterns.images[::6]:
        at(page, image)
        x = pixels = NORMALIZE(torch.from_numpy(image[None].copy())).double().flatten(1)
        expected = []  # the sum of each unit, and its value
        for layer, following in pairwise(list(model)[1:]):
            x = layer(x)
            if isinstance(layer, nn.Linear):
                value = x if isinstance(following, nn.Linear) else following(x)
                expected += zip(x[0].tolist(), value[0].tolist(), strict=True)
        found = [number(each) for each in texts(page, f"#net-{name} .unit b")]
        assert found == pytest.approx([a for _, a in expected], abs=0.0051)
        if name == "deepish":  # all its layers as one
            whole = pixels[0] @ torch.from_numpy(collapsed(model)[0])
            expected.insert(0, (whole.item(), whole.sigmoid().item()))
        found = [number(each) for each in texts(page, f"#net-{name} td.number")]
        assert found == pytest.approx(np.ravel(expected), abs=0.0051)
    linear = [layer.weight.detach().numpy() for layer in model if isinstance(layer, nn.Linear)]
    painted = "return [...all($0)[0].getContext('2d').getImageData(0, 0, 5, 5).data]"
    red, _, blue, _ = np.reshape(js(page, painted, f"#net-{name} .unit canvas"), (25, 4)).T
    clear = abs(linear[0][0]) > 0.05 * abs(linear[0]).max()  # gray above 0, purple below
    assert ((red < blue) == (linear[0][0] < 0))[clear].all()
    paths = find_all(page, f"#net-{name} .links path")[len(linear[0]) :]
    assert len(paths) == sum(weights.size for weights in linear[1:])
    for weights in linear[1:]:  # one line for each, layer by layer
        lines, paths = paths[: weights.size], paths[weights.size :]
        widths = [float(each.get_attribute("stroke-width")) for each in lines]
        thickness = 0.4 + 6 * abs(weights) / abs(weights).max()
        assert widths == pytest.approx(thickness.ravel(), abs=1e-3)
        above = ["above" in each.get_attribute("class") for each in lines]
        assert above == (weights > 0).ravel().tolist()


@slow
def test_layers_and_units_have_the_names_that_figures_give_them(show, inside):
    page, model = show("#net=relu"), read_model("relu", 25)
    linear = [name for name, layer in model.named_children() if isinstance(layer, nn.Linear)]
    named = [titled(model, name) for name in linear]
    assert texts(page, "#net-relu caption") == named
    assert texts(page, "#net-relu .head b") == ["picture", *named]
    units = [each.split(":")[0] for each in js(page, LABELS, "#net-relu .unit")]
    assert units[:5] == [f"{named[0]}, unit {unit}" for unit in range(5)]
    assert units[5:] == [*(f"{named[1]}, unit {unit}" for unit in range(3)), "output"]
    patterns = data.read_patterns()
    seen = torch.from_numpy(patterns.x[patterns.train + patterns.val > 0]).double()
    [dead] = (model[:-2](seen) == 0).all(0).nonzero()  # of the last hidden layer
    words = find(page, "#cloud .said").text
    assert f"The patterns in the last hidden layer, {named[-2]}, " in words
    assert words.endswith(f"Dead, 0 for every pattern: unit {dead.item()}.")
    notes = texts(page, "#net-relu td.note")
    assert [i for i, note in enumerate(notes) if note == "dead"] == [5 + dead.item()]
    assert {f"unit {unit}" for unit in range(3)} <= {*texts(page, "#cloud .cloud text")}


def test_units_are_named_when_pointed_at_or_reached_by_keys(page):
    words, units = find(page, "#net-relu .explain"), find_all(page, "#net-relu .unit")
    js(page, "$0.scrollIntoView({ block: 'center' })", units[0])
    ActionChains(page).move_to_element(units[0]).perform()
    assert words.text.startswith("hidden 0, unit 0: 25 pixels times 25 weights, added up, = ")
    assert len(find_all(page, "#net-relu .faint-link")) == 4 + 12 + 3
    press(page, Keys.ARROW_RIGHT, *[Keys.ARROW_DOWN] * 3, on=units[0])
    assert words.text.startswith("hidden 1, unit 2: ")
    terms, total = re.search(r": (.*) = (\S+)\. After ReLU: ", words.text).groups()
    products = [np.prod([*map(number, each.split(" \u00d7 "))]) for each in terms.split(" + ")]
    assert sum(products) == pytest.approx(number(total), abs=0.1)
    press(page, Keys.ARROW_UP)
    assert "Dead: it is 0 for every pattern." in words.text
    press(page, Keys.ARROW_RIGHT)
    assert page.switch_to.active_element == units[-1]
    assert "The sigmoid makes it" in words.text


@slow
def test_on_a_phone_networks_fold_to_their_layers_and_figures_are_enlarged(show, inside):
    page = show(width=400)
    fold, units = find_all(page, "#net-relu .fold")[1], find_all(page, "#net-relu .unit")
    assert fold.text.startswith("1 of 3 units are above 0")
    assert not any(unit.is_displayed() for unit in units)
    press(page, Keys.ENTER, Keys.TAB, on=fold)
    assert fold.get_attribute("aria-expanded") == "true"
    assert [i for i, unit in enumerate(units) if unit.is_displayed()] == [5, 6, 7]
    assert page.switch_to.active_element == units[5]
    press(page, Keys.ENTER, on=find(page, "#data .enlarge"))
    large = find(page, "#large img")
    assert (large.get_attribute("alt"), large.size["width"] >= 960) == ("The first images", True)
    press(page, Keys.ESCAPE)
    assert not large.is_displayed()


@slow
def test_time_moves_weights_points_and_losses_together(page):
    patterns = data.read_patterns()
    patterns = patterns.chosen(patterns.train + patterns.val > 0)
    epochs, models = read_history("relu", 25)
    losses = pd.read_csv(ROOT / "plots/losses/relu.csv", index_col="epoch")
    slider, play, seen = find(page, "[name=epoch]"), find(page, "#time [data-do=play]"), []
    dead = set()
    for epoch, model in list(zip(epochs, models, strict=True))[::-1]:
        assert find(page, "#time output").text == f"{epoch} of 50"
        answers = probabilities(model, torch.from_numpy(patterns.x))
        wrong, open_ = ((answers > 0.5) != patterns.labels).sum(), (answers == 0.5).sum()
        told = "loss {:.6f}, validation loss {:.6f}"
        loss = told.format(*losses.loc[epoch]) if epoch else "before training"
        told = f"Epoch {epoch}: {loss}; {wrong} of 25 patterns called wrong, {open_} undecided."
        assert status(page, "time") == told
        pictures = js(page, "return all('#time :is(.plot, .links)').map(e => e.innerHTML)")
        weights = "return all('#time [data-layer=\"0\"] canvas').map(e => e.toDataURL())"
        seen.append(pictures + js(page, weights))
        dead.add(js(page, "return all('#time .dead canvas')[0].toDataURL()"))
        slider.send_keys(Keys.ARROW_LEFT)
    assert len(dead) == 1  # its weights stay, and so do their colours
    assert len(seen[0]) == 3 + 5  # plots, lines, and the first layer's units
    for moved in zip(*seen, strict=True):
        assert len(set(moved)) == len(epochs)
    at(page, "#epoch=46")  # of which no weights are kept: the nearest are shown
    assert find(page, "#time output").text == "45 of 50"
    assert slider.get_attribute("aria-valuetext") == "45"
    paced = "const start = setInterval; window.setInterval = (f, ms) => start(f, window.pace = ms)"
    js(page, paced)
    feature = {"name": "prefers-reduced-motion", "value": "reduce"}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    for word in ("Pause", "Play", "Pause"):
        click(play)
        assert play.text == word
    wait(page, lambda: find(page, "#time output").text == "50 of 50")
    assert js(page, "return pace") == 1000  # slow for those who ask for less motion


@slow
@pytest.mark.parametrize("where", data.EVAL_SETS)
@pytest.mark.parametrize("name", MODELS)
def test_the_threshold_moves_the_matrix_the_curve_and_the_rings(page, name, where):
    patterns = data.read_patterns()
    counts = dict(zip(data.EVAL_SETS, (patterns.val, patterns.population), strict=True))[where]
    answers = probabilities(read_model(name, 25), torch.from_numpy(patterns.x))
    for threshold in (0, 0.25, 0.5, 0.75, 1):
        at(page, f"model={name}&where={where}&threshold={threshold}")
        called = answers > threshold
        expected = confusion_matrix(patterns.labels, called, sample_weight=counts)
        assert [int(each) for each in texts(page, ".matrix td b")] == expected.ravel().tolist()
        wrong = ((called != patterns.labels) & (counts > 0)).sum()
        assert len(find_all(page, "#threshold-patterns .wrong:not([hidden])")) == wrong
        (tn, fp), (fn, tp) = expected
        dot = find(page, "#threshold-roc circle").get_attribute("transform")
        x, y = map(float, re.findall(r"[\d.]+", dot))
        expected = [44 + 382 * fp / (fp + tn), 186 - 170 * tp / (tp + fn)]
        assert [x, y] == pytest.approx(expected, abs=0.06)
    if where == "validation":
        table = pd.read_csv(ROOT / "plots/evaluate/roc.csv").query("model == @name")
        ours = np.array(js(page, "return playground.roc(playground.answers[$0], $1)", name, where))
        for point in table[["fpr", "tpr"]].to_numpy():  # scikit-learn leaves out those on a line
            assert abs(ours - point).max(axis=1).min() < 1e-6


def trained(settings, initial=None):
    """Train with PyTorch by autograd on the pipeline's own draws: losses and validation losses."""
    images, labels = (torch.from_numpy(each.copy()) for each in data.read_images())
    train, val = (torch.from_numpy(data.read_split(name).copy()) for name in ("train", "val"))
    equal = weighted_sampler(torch.ones(240).double())
    sampler = make_balanced_sampler(labels[train]) if settings.get("balance", True) else equal
    n, activation = settings.get("batch", 16), settings.get("activation", "relu")
    options = {"batch_size": n, "transform": NORMALIZE, "dtype": torch.float64}
    sizes = [25, *settings.get("hidden", [5, 3]), 1]
    model = network(sizes, activation, seed=17, dtype=torch.float64)
    if initial:
        linear = [layer for layer in model if isinstance(layer, nn.Linear)]
        for layer, weights in zip(linear, initial, strict=True):
            layer.weight.data = torch.tensor(weights, dtype=torch.float64)
    descent = optim.SGD(model.parameters(), lr=settings.get("lr", 0.1))
    architecture = Architecture(model, nn.BCELoss(), descent)
    hflip = 0.5 if settings.get("flip", True) else 0.0
    architecture.set_loaders(
        Batches(images, labels, train, sampler=sampler, hflip=hflip, **options),
        Batches(images, labels, val, **options),
    )
    architecture.train(50, seed=42)
    return architecture


SETTINGS = [  # other than the lecture's
    *({"activation": name} for name in ("none", "sigmoid", "tanh", "leaky_relu", "prelu")),
    {"flip": False, "batch": 7, "lr": 0.3},
    {"balance": False, "batch": 240},
    {"hidden": []},
    {"hidden": [6, 5, 4, 3], "activation": "prelu"},
]


@pytest.mark.parametrize(
    "settings", [{}, *(pytest.param(s, marks=slow) for s in SETTINGS)], ids=str
)
def test_training_in_the_browser_has_pytorchs_losses(page, settings):
    weights = "return playground.train($0, 0).net.layers.map(l => l.map(w => [...w]))"
    initial = js(page, weights, settings)
    run = js(page, "return playground.train($0, 50)", settings)
    expected = trained(settings, initial if "hidden" in settings else None)
    assert run["losses"] == pytest.approx(expected.losses, abs=1e-6)
    assert run["valLosses"] == pytest.approx(expected.val_losses, abs=1e-6)
    learned = [layer.weight.item() for layer in expected.model if isinstance(layer, nn.PReLU)]
    assert not learned or run["net"]["slopes"] == pytest.approx(learned, abs=1e-6)


def test_the_lectures_settings_play_to_the_pipelines_losses(page):
    assert status(page, "train").startswith("Epoch 0 of 50: before training; ")
    for _ in range(2):
        click(find(page, "[data-do=step]"))
    assert status(page, "train").startswith("Epoch 2 of 50: ")
    click(find(page, "[data-do=reset]"))
    assert status(page, "train").startswith("Epoch 0 of 50: ")
    button = find(page, "#train [data-do=play]")
    click(button)
    wait(page, lambda: button.text == "Play")
    losses = pd.read_csv(ROOT / "plots/losses/relu.csv").iloc[-1]
    metrics = json.loads((ROOT / "metrics/evaluate/population/relu.json").read_text())
    shares = [f"{100 * metrics[key]:.1f} %" for key in ("accuracy", "undecided")]
    judged = "{} right, {} undecided".format(*shares)
    end = f"loss {losses.loss:.6f}, validation loss {losses.val_loss:.6f}; {judged}."
    assert status(page, "train") == f"Epoch 50 of 50: {end}"
    assert texts(page, "[data-judged]") == 2 * ["66.7 % right, 0.0 % undecided"] + [judged]


def test_an_address_brings_back_what_was_set_if_it_can(show, inside):
    others = "done=25&net=deepish&epoch=5&threshold=0.3&model=relu&curve=tanh&z=0.5&minibatch=4"
    elsewhere = f"image={'00ff' * 12}00&turn=-70&{others}&{OWN}"
    page = show(f"#at=train&{elsewhere}&trained=20")
    assert js(page, "return scrollY") > 1000
    wait(page, lambda: status(page, "train").startswith("Epoch 20 of 30: "))
    seen = [status(page, part) for part in PARTS]
    assert seen[-1].startswith("Epoch 20 of 30: loss 0.")
    click(find(page, "#train [data-do=reset]"))
    assert status(page, "train").startswith("Epoch 0 of 30: before training")
    for _ in range(20):
        click(find(page, "[data-do=step]"))
    wait(page, lambda: "trained=20" in address(page))
    told = address(page)
    assert sorted(told[1:].split("&")) == sorted(f"at=train&{elsewhere}&trained=20".split("&"))
    page = show(told)
    assert [status(page, part) for part in PARTS] == seen
    # What makes no sense changes nothing.
    everything, usual = "return all('#playground')[0].innerText", None
    for fragment in (
        "#metrics",
        "#image=0f&epoch=51&threshold=2&model=none&where=x&turn=NaN&done=16&z=9&guess=4",
        "#image=zz&epoch=x&lr=0&batch=1.5&activation=x&hidden=0&seed=-1&flip=2&trained=1e9",
        "#hidden=5,,3&epochs=&at=x&lr=1e999&other=1&&=&%&only=x&net=x",
    ):
        usual = usual or js(show(), everything)
        assert js(show(fragment), everything) == usual


@slow
def test_exercises_begin_untrained_and_ask_for_a_guess(show, inside):
    page, outcomes = show("#done=1&threshold=0.3"), []
    play = find(page, "#train [data-do=play]")
    for link in find_all(page, ".exercises a"):
        click(link)
        assert status(page, "train").startswith("Epoch 0 of 50: before training")
        assert not play.is_enabled()
        click(find(page, "[data-guess='1']"))
        assert play.is_enabled()
        assert texts(page, ".answer:not([hidden])") == []
        wait(page, lambda: "guess=1" in address(page))
        at(page, f"{address(page)}&trained=50")
        wait(page, lambda: status(page, "train").startswith("Epoch 50 of 50: "))
        loss = re.search(r" loss ([\d.]+),", status(page, "train"))[1]
        outcomes.append(float(loss) > 0.65)
        end = "you were right." if outcomes[-1] else "not so."
        assert find(page, "#guessed").text.endswith(f"It ended at {float(loss):.3f}: {end}")
        assert len(texts(page, ".answer:not([hidden])")) == 1
    assert outcomes == [True, False, True, False, False, False]
    assert "done=1&threshold=0.3" in address(page)


def test_first_steps_are_solved_by_keys_alone_and_stay_so(page, show):
    patterns = data.read_patterns()
    thumbs, checks = find_all(page, "#draw-patterns button"), "#tasks .check"
    x = torch.from_numpy(patterns.x)
    logistic, relu = (probabilities(read_model(name, 25), x) for name in ("logistic", "relu"))
    wrong = ((logistic > 0.5) != patterns.labels) & (relu != 0.5)
    assert set(texts(page, checks)) == {"\u2610 to do"}
    press(page, Keys.ENTER, on=thumbs[wrong.argmax()])
    assert find(page, "#solved").text == "Solved: task 1; 1 of 5 done."
    press(page, Keys.ENTER, on=thumbs[(relu == 0.5).argmax()])
    press(page, Keys.ENTER, on=find(page, "#net-relu .unit:not(.dead)"))
    assert texts(page, checks)[1:3] == ["\u2713 done", "\u2610 to do"]
    press(page, Keys.ENTER, on=find(page, "#net-relu .unit.dead"))
    wait(page, lambda: "done=123" in address(page))
    play, start = find(page, "#train [data-do=play]"), "done=123&activation="
    for settings, task in (("prelu&trained=15", "4"), ("sigmoid&lr=1&trained=18&done=1234", "5")):
        at(page, f"{start}{settings}")
        wait(page, lambda: "loss 0" in status(page, "train"))
        press(page, Keys.ENTER, on=play)
        wait(page, lambda task=task: f"Solved: task {task};" in find(page, "#solved").text)
        press(page, Keys.ENTER, on=play)
    wait(page, lambda: "done=12345" in address(page))
    page = show(address(page))
    assert set(texts(page, checks)) == {"\u2713 done"}
    press(page, Keys.ENTER, on=find(page, "[data-do=forget]"))
    assert set(texts(page, checks)) == {"\u2610 to do"}


def test_links_keep_the_state_and_parts_stand_alone(show, inside):
    page = show()
    click(find(page, "#batch .show-alone"))
    page.back()
    wait(page, lambda: len(js(page, ALONE)) > 10)
    at(page, "threshold=0.3")
    press(page, Keys.ENTER, on=find(page, "nav a[href='#space']"))
    assert address(page) == "#at=space&threshold=0.3"
    assert 0 <= js(page, "return all('#space')[0].getBoundingClientRect().top") < 100
    press(page, Keys.ENTER, on=find(page, "#batch .show-alone"))
    assert js(page, ALONE) == ["batch"]
    page.back()
    wait(page, lambda: address(page) == "#at=space&threshold=0.3")
    assert len(js(page, ALONE)) > 10
    for part in ("draw", "threshold", "train", "net-relu"):
        at(page, f"only={part}")
        wait(page, lambda part=part: js(page, ALONE) == [part])
        assert not any(each.is_displayed() for each in find_all(page, "h1, nav"))
    for link in ("#net-relu .show-all", "#tasks li a"):
        click(find(page, link))
        assert find(page, "h1").is_displayed()
        at(page, "only=tasks")


def test_it_works_in_a_sandboxed_frame_without_an_address(browser, inside, tmp_path):
    text = html.escape(Path("index.html").read_text())
    frame = '<iframe sandbox="allow-scripts" name="#only=train" width=900 height=800 srcdoc='
    (tmp_path / "course.html").write_text(
        f'<!doctype html><title>A</title>{frame}"{text}"></iframe>'
    )
    page = opened(browser, tmp_path / "course.html", 1280, "light")
    page.switch_to.frame(0)
    assert js(page, ALONE) == ["train"]
    click(find(page, "#train [data-do=step]"))
    click(find(page, "#train .show-all"))
    click(find(page, "nav a[href='#space']"))
    assert js(page, "return scrollY") > 5000
    assert status(page, "train").startswith("Epoch 1 of 50: loss ")
    page.switch_to.default_content()
    assert page.get_log("browser") == []


@slow
@pytest.mark.parametrize("policy", ["", "script-src 'none'"])
def test_without_scripts_it_says_what_is_missing(browser, inside, tmp_path, policy):
    head = f'<head><meta http-equiv="Content-Security-Policy" content="{policy}">'
    (tmp_path / "page.html").write_text(Path("index.html").read_text().replace("<head>", head))
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not policy})
    try:
        page = opened(browser, tmp_path / "page.html", 1280, "light")
        assert find(page, ".needs-script").text.startswith("The parts to play with are missing.")
        assert not any(part.is_displayed() for part in find_all(page, ".part"))
        assert "Logistic regression is a single unit." in find(page, "#shallow").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@slow
def test_mini_batches_mirror_images_and_activations_are_pytorchs(page):
    image = data.read_patterns().images[-1]
    assert status(page, "batch").startswith("Mini-batch 1 of 15 in epoch 1: ")
    assert status(page, "batch").endswith(f"epoch {100 * 123 / 240:.1f} %.")  # as on the slides
    shown = sum(each.startswith("diagonal") for each in js(page, LABELS, "#batch-images canvas"))
    assert f": {shown} of 16 are diagonal;" in status(page, "batch")
    click(find(page, "[data-do=minibatch]"))
    assert status(page, "batch").startswith("Mini-batch 2 of 15 in epoch 1: ")
    at(page, image)
    found = [number(each) for each in texts(page, "#mirror td")]
    both = np.array([list(by_pytorch(each).values()) for each in (image, image[..., ::-1])])
    assert found == pytest.approx(np.vstack([both, both.mean(0)]).T.ravel(), abs=0.00051)
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "prelu"):
        at(page, f"curve={name}&z=-0.7")
        z, layer = torch.tensor([-0.7], requires_grad=True), network([1, 1, 1], name, seed=0)[2]
        layer(z).backward()
        found = re.search(r"becomes (\S+)\. The slope is (\S+):", status(page, "curve")).groups()
        assert [*map(number, found)] == pytest.approx([layer(z).item(), z.grad.item()], abs=0.00051)


@slow
def test_nothing_is_trained_while_a_setting_cannot_be_used(show, inside):
    def enter(name, text):
        press(page, Keys.CONTROL + "a", text, Keys.TAB, on=find(page, f"[name={name}]"))

    page = show()
    faults, play = find(page, "#train-faults"), find(page, "#train [data-do=play]")
    step = find(page, "#train [data-do=step]")
    for name, text in {"lr": "-1", "batch": "2.5", "hidden": "5,x", "epochs": "0"}.items():
        field = find(page, f"[name={name}]")
        before = field.get_attribute("value")
        enter(name, text)
        seen = [field.get_attribute(key) for key in ("value", "aria-invalid")]
        assert seen == [text, "true"]
        reason = f": \u201c{text}\u201d cannot be used. {field.get_attribute('title')}."
        assert faults.text.endswith(reason)
        assert not (play.is_enabled() or step.is_enabled())
        enter(name, before)
        assert (field.get_attribute("aria-invalid"), faults.text) == ("false", "")
        assert [play.is_enabled(), step.is_enabled()] == [True, True]
    assert status(page, "train").startswith("Epoch 0 of 50: before training")
    click(play)
    enter("lr", "-1")
    assert (play.text, play.is_enabled()) == ("Play", False)
    click(find(page, "#train [data-do=lecture]"))
    assert play.is_enabled()
    assert find(page, "[name=lr]").get_attribute("value") == "0.1"
    at(page, "activation=prelu&hidden=9,9,9&lr=100&trained=50")  # numbers stay finite
    end = r"Epoch 50 of 50: loss [\d.]+, validation loss [\d.]+; "
    wait(page, lambda: re.match(end, status(page, "train")))


NAMED = {"button", "slider", "combobox", "textbox", "checkbox", "image", "link", "heading"}


@slow
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (400, "dark")])
def test_it_can_be_read_and_heard_and_fits(show, inside, width, theme):
    page = show("#threshold=0.8&trained=10&hidden=2&exercise=1&guess=1&done=1", width, theme)
    contrasts = page.execute_script(CONTRAST)
    assert len(contrasts) > 200
    assert [each for each in contrasts if each[1] < 4.5] == []
    tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    nodes = [node for node in tree if not node["ignored"] and node["role"]["value"] in NAMED]
    assert len(nodes) > 100
    assert [node for node in nodes if not node["name"]["value"]] == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


@slow
def test_gray_images_of_ones_own_are_judged_as_by_the_pipeline(show, changed):
    """Images at random, called left if brighter there; every slider and some buttons are used."""
    images = np.random.default_rng(0).integers(0, 256, (60, 1, 6, 6), dtype=np.uint8)
    left, right = np.split(images.mean((1, 2)), 2, axis=-1)
    np.save(data.IMAGES, images)
    Path(data.CLASSES).write_text('["right", "left"]')
    np.save(data.LABELS, (left.mean(-1) > right.mean(-1)).astype(np.int64))
    write_params(Path("params.yaml"), {
        "transforms.mean": 0.3, "transforms.std": 0.7, "train.precision": "float32",
        "evaluate.tta": "hflip", "evaluate.threshold": 0.55,
        "train_deepish.hidden": [2], "train_relu.hidden": [20, 6, 5, 4],
        **{f"train_{name}.n_epochs": 2 for name in MODELS},
    })  # fmt: skip
    run_stages(Path.cwd(), *STAGES)
    write_page()
    page = show()
    for slider in find_all(page, "[type=range]"):
        if slider.is_displayed():
            press(page, Keys.ARROW_LEFT, on=slider)
    for button in find_all(page, "[data-do=step], [data-do=mirror], [data-do=next], .unit"):
        press(page, Keys.ENTER, on=button)
    assert texts(page, "#playground h3 + .quiet") == []  # sentences in the place of parts
    assert texts(page, "[name=where] option") == ["validation images"]  # no population is known
    assert texts(page, ".matrix thead th") == ["called right", "called left"]
    for name in MODELS:
        ours = js(page, "return playground.answers[$0]", name)
        x = torch.from_numpy(data.read_patterns().x)
        assert ours == pytest.approx(probabilities(read_model(name, 36), x, "hflip"), abs=1e-6)
    ours = js(page, "return playground.train({}, 2).losses")
    assert ours == pytest.approx(pd.read_csv("plots/losses/relu.csv").loss, abs=1e-5)


def test_images_that_were_changed_after_the_split_are_refused(changed):
    np.save(data.IMAGES, 255 - np.load(data.IMAGES))
    with pytest.raises(InputError, match=r"^data/raw/images.npy: expected images that .* counts"):
        playground.gather()
