"""The report's playground in a real browser, its numbers held against PyTorch and scikit-learn."""

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import opened, requests, run_stages, write_params
from sklearn.metrics import confusion_matrix
from torch import nn, optim

from diagonal.errors import InputError
from diagonal.figures.style import LOOKS
from diagonal.pipeline import data, files
from diagonal.pipeline.models import MODELS, Model
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.models import collapsed, network, probabilities, read_history, read_model
from diagonal.training.sampling import make_balanced_sampler, weighted_sampler
from reporting import playground
from reporting.__main__ import template
from stages.feature_space import titled

ROOT = Path(__file__).parents[1]
STAGES = ("split", "balance", "train_logistic", "train_deepish", "train_relu")
NOTHING = {"metrics": {}, "charts": {}, "figures": {}}
REST = {  # of the report, beside its playground
    "commit": "x", "changed": False, "previous": False, "versions": {}, "params": {}, "stale": [],
    "lecture": NOTHING, "study": NOTHING,
    "pipeline": {"width": 1, "height": 1, "lines": [], "boxes": []},
}  # fmt: skip
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
    own = {"data:,", "about:blank"}

    def show(fragment="", width=1280, theme="light"):
        path = Path("index.html").absolute()
        own.add(path.as_uri())
        return opened(browser, path, width, theme, fragment)

    yield show
    assert browser.get_log("browser") == []
    assert {re.split("[?#]", url)[0] for url in requests(browser)} <= own


def find(page, selector):
    return page.find_element("css selector", selector)


def find_all(page, selector):
    return page.find_elements("css selector", selector)


def texts(page, selector):
    return [each.text for each in find_all(page, selector)]


def status(page, part):
    return find(page, f"#{part} [role=status]").text


def address(page):
    return page.execute_script("return location.hash")


def wait(page, until):
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(page, 60).until(lambda _: until())


def at(page, fragment):
    """Follow a link to another state."""
    page.execute_script("location.hash = arguments[0]", fragment)
    return page


def number(text):
    return float(text.replace("\u2212", "-"))


def by_pytorch(image):
    """What PyTorch makes of an image, uint8 (1, S, S): model -> probability."""
    x = NORMALIZE(torch.from_numpy(image[None].copy()))
    return {name: probabilities(read_model(name, 25), x)[0] for name in MODELS}


def verdicts(image):
    word = {True: "diagonal", False: "straight"}
    return [
        f"{name} {word[p > 0.5] if p != 0.5 else 'undecided'} (P(diagonal) = {p:.3f})"
        for name, p in by_pytorch(image).items()
    ]


def drawn(page):
    """Which pixels are set, 0 or 1, row by row."""
    pressed = "return [...document.querySelectorAll('#draw-grid button')].map(b => b.ariaPressed)"
    return [int(each == "true") for each in page.execute_script(pressed)]


def test_every_pattern_and_random_pictures_get_pytorchs_probabilities(show, inside):
    page, stream = show(), np.random.default_rng(0)
    patterns = data.read_patterns().images
    two_levels = 255 * stream.integers(0, 2, (25, 1, 5, 5))
    gray = stream.integers(0, 256, (25, 1, 5, 5))
    for image in np.concatenate([patterns, two_levels, gray]).astype(np.uint8):
        at(page, f"image={image.tobytes().hex()}")
        pixels = image.ravel().tolist()
        ours = page.execute_script("return playground.probabilities(arguments[0])", pixels)
        assert ours == pytest.approx(by_pytorch(image), abs=1e-6)
        assert texts(page, "#draw-verdicts p") == verdicts(image)


def test_patterns_are_picked_by_a_click_and_mirrored_by_another(show, inside):
    page, images = show(), data.read_patterns().images
    buttons = find_all(page, "#draw-patterns button")
    assert len(buttons) == len(images)
    for button, image in list(zip(buttons, images, strict=True))[::4]:
        button.click()
        assert drawn(page) == (image > 0).ravel().tolist()
        assert button.get_attribute("aria-pressed") == "true"
        find(page, "[data-do=mirror]").click()
        assert drawn(page) == (image[..., ::-1] > 0).ravel().tolist()
        assert texts(page, "#draw-verdicts p") == verdicts(image[..., ::-1])


def test_pixels_are_clicked_and_dragged_and_reached_by_keys(show, inside):
    from selenium.webdriver import ActionChains, Keys

    page = show("#image=" + "00" * 25)
    pixels = find_all(page, "#draw-grid button")
    pixels[7].click()
    assert drawn(page) == [i == 7 for i in range(25)]
    pixels[7].click()
    assert not any(drawn(page))
    drag = ActionChains(page).click_and_hold(pixels[10])
    for pixel in pixels[11:15]:
        drag.move_to_element(pixel)
    drag.release().move_to_element(pixels[20]).perform()
    assert drawn(page) == [10 <= i < 15 for i in range(25)]
    find(page, "[data-do=clear]").click()
    page.execute_script("arguments[0].focus()", pixels[0])
    for key in (
        Keys.ARROW_UP,
        Keys.ARROW_DOWN,
        Keys.ARROW_RIGHT,
        " ",
        Keys.ARROW_RIGHT,
        Keys.ENTER,
    ):
        page.switch_to.active_element.send_keys(key)
    assert drawn(page) == [i in (6, 7) for i in range(25)]
    assert [each.get_attribute("tabindex") for each in pixels].count("0") == 1


def test_sums_and_values_of_units_are_pytorchs(show, inside):
    page, patterns = show(), data.read_patterns()
    x = torch.from_numpy(patterns.x[patterns.labels == 1][:1]).double()
    for card, name in zip(find_all(page, "#draw article"), MODELS, strict=True):
        model, expected, value = read_model(name, 25), [], x
        if name == "deepish":
            whole = x.flatten() @ torch.from_numpy(collapsed(model)[0])
            expected.append([whole.item(), whole.sigmoid().item()])
        for layer in model:
            value = layer(value)
            if isinstance(layer, nn.Linear):
                expected += [[each, each] for each in value[0].tolist()]
            elif not isinstance(layer, nn.Flatten):
                for pair, each in zip(expected[-value.shape[1] :], value[0].tolist(), strict=True):
                    pair[1] = each
        found = [number(each.text) for each in card.find_elements("css selector", "td.number")]
        assert found == pytest.approx(np.ravel(expected), abs=0.0051)


def test_weights_and_products_are_painted_by_their_signs(show, inside):
    page, image = show(), data.read_patterns().images[-1]
    at(page, f"image={image.tobytes().hex()}")
    pixels = page.execute_script(
        "return [...document.querySelectorAll('#draw article:last-child canvas')].map(c =>"
        " [...c.getContext('2d').getImageData(0, 0, 5, 5).data])"
    )
    weights = read_model("relu", 25).hidden0.weight.detach().numpy()
    x = NORMALIZE(torch.from_numpy(image.copy())).flatten().numpy()
    maps = np.stack([weights, weights * x], axis=1).reshape(-1, 25)
    red, _, blue, _ = np.moveaxis(np.reshape(pixels, (10, 25, 4)).astype(int), -1, 0)
    clear = abs(maps) > 0.05 * abs(weights).max()  # orange for what is above 0, purple below
    assert ((red > blue) == (maps > 0))[clear].all()
    assert (np.where(clear, red - blue, 1) != 0).all()


def test_dead_units_are_those_that_the_pipeline_counts(show, inside):
    page = show()
    counted = json.loads((ROOT / "metrics/feature_space.json").read_text())["relu"]["dead"]
    notes = []
    for image in data.read_patterns().images:
        at(page, f"image={image.tobytes().hex()}")
        notes.append(texts(page, "#draw article:last-child td.note"))
    by_unit = list(zip(*notes, strict=True))
    assert sum("dead" in each for each in by_unit) == sum(counted.values()) == 1
    assert [set(each) for each in by_unit if "dead" in each] == [{"dead"}]
    assert any(set(each) == {"off", ""} for each in by_unit)


def test_layers_and_units_have_the_names_that_figures_give_them(show, inside):
    page, model = show(), read_model("relu", 25)
    card = find(page, "#draw article:last-child")
    linear = [name for name, layer in model.named_children() if isinstance(layer, nn.Linear)]
    named = [titled(model, name) for name in linear]
    assert [each.text for each in card.find_elements("css selector", "caption")] == named
    rows = [each.text for each in card.find_elements("css selector", "tbody th")]
    assert rows == [*map(str, range(5)), *map(str, range(3)), "output"]
    assert texts(page, "#time-weights figure") == [f"unit {unit}" for unit in range(5)]
    patterns = data.read_patterns()
    seen = torch.from_numpy(patterns.x[patterns.train + patterns.val > 0]).double()
    values = model[:-2](seen)  # of the last hidden layer
    [dead] = (values == 0).all(0).nonzero()
    words = find(page, "#draw .said").text
    assert f"The patterns in the last hidden layer, {named[-2]}, " in words
    assert words.endswith(f"Dead, 0 for every pattern: unit {dead.item()}.")
    axes = [each for each in texts(page, "#draw .cloud text") if each.startswith("unit")]
    assert sorted(axes) == ["unit 0", "unit 1", "unit 2"]


def test_time_moves_weights_points_and_losses_together(show, inside):
    from selenium.webdriver import Keys

    page, patterns = show(), data.read_patterns()
    patterns = patterns.chosen(patterns.train + patterns.val > 0)
    epochs, models = read_history("relu", 25)
    losses = pd.read_csv(ROOT / "plots/losses/relu.csv", index_col="epoch")
    slider, seen = find(page, "[name=epoch]"), []
    for epoch, model in list(zip(epochs, models, strict=True))[::-1]:
        assert find(page, "#time output").text == f"{epoch} of 50"
        answers = probabilities(model, torch.from_numpy(patterns.x))
        wrong = ((answers > 0.5) != patterns.labels).sum()
        loss = "before training"
        if epoch:
            row = losses.loc[epoch]
            loss = f"loss {row.loss:.6f}, validation loss {row.val_loss:.6f}"
        told = f"Epoch {epoch}: {loss}; {wrong} of 25 patterns called wrong."
        assert status(page, "time") == told
        shown = "return [...document.querySelectorAll('#time .plot')].map(p => p.innerHTML)"
        weights = (
            "return [...document.querySelectorAll('#time-weights canvas')].map(c => c.toDataURL())"
        )
        seen.append((*page.execute_script(shown), *page.execute_script(weights)))
        slider.send_keys(Keys.ARROW_LEFT)
    assert len(seen[0]) == 2 + 5  # plots, and the first layer's units
    for moved in zip(*seen, strict=True):
        assert len(set(moved)) == len(epochs)


def test_time_plays_and_pauses(show, inside):
    page = show("#epoch=42")
    button = find(page, "#time [data-do=play]")
    button.click()
    assert button.text == "Pause"
    button.click()
    assert button.text == "Play"
    stood = find(page, "#time output").text
    button.click()
    wait(page, lambda: button.text == "Play")
    assert find(page, "#time output").text == "50 of 50" != stood


def test_an_address_names_an_epoch(show, inside):
    from selenium.webdriver import Keys

    page = show("#epoch=12")
    slider, output = (find(page, f"#time {each}") for each in ("[name=epoch]", "output"))
    assert output.text == "12 of 50"
    assert status(page, "time").startswith("Epoch 12: ")
    assert slider.get_attribute("aria-valuetext") == "12"
    slider.send_keys(Keys.ARROW_RIGHT)
    wait(page, lambda: address(page) == "#at=time&epoch=15")
    at(page, "#epoch=33")  # of which no weights are kept
    assert output.text == "32 of 50"


@pytest.mark.parametrize("where", data.EVAL_SETS)
@pytest.mark.parametrize("name", MODELS)
def test_the_threshold_moves_the_matrix_the_curve_and_the_rings(show, inside, name, where):
    page, patterns = show(), data.read_patterns()
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
        assert [x, y] == pytest.approx(
            [44 + 382 * fp / (fp + tn), 186 - 170 * tp / (tp + fn)], abs=0.06
        )


def test_the_roc_curve_is_the_pipelines(show, inside):
    page = show()
    table = pd.read_csv(ROOT / "plots/evaluate/roc.csv")
    for name, rows in table.groupby("model"):
        ours = page.execute_script(
            "return playground.roc(playground.answers[arguments[0]], 'validation')", name
        )
        assert len(ours) >= len(rows)
        for point in rows[["fpr", "tpr"]].to_numpy():  # scikit-learn leaves out those on a line
            assert np.abs(np.array(ours) - point).max(axis=1).min() < 1e-6


def test_the_threshold_follows_the_keys_and_moves_its_own_part_alone(show, inside):
    from selenium.webdriver import Keys

    page = show("#trained=3")
    others = "return ['draw', 'time', 'train'].map(id => document.getElementById(id).innerHTML)"
    before = page.execute_script(others)
    find(page, "[name=threshold]").send_keys(Keys.ARROW_LEFT)
    assert find(page, "#threshold output").text == "0.490"
    assert texts(page, ".matrix td b") == ["7", "17", "0", "36"]
    wait(page, lambda: address(page) == "#at=threshold&threshold=0.49&trained=3")
    assert page.execute_script(others) == before
    assert show("#trained=3&threshold=0.1").execute_script(others) == before


def trained(settings, initial=None, n_epochs=50):
    """Train with PyTorch by autograd on the pipeline's own draws: losses and validation losses."""
    images, labels = (torch.from_numpy(each.copy()) for each in data.read_images())
    train, val = (torch.from_numpy(data.read_split(name).copy()) for name in ("train", "val"))
    sampler = (
        make_balanced_sampler(labels[train])
        if settings.get("balance", True)
        else weighted_sampler(torch.ones(240).double())
    )
    options = {
        "batch_size": settings.get("batch", 16),
        "transform": NORMALIZE,
        "dtype": torch.float64,
    }
    hidden = settings.get("hidden", [5, 3])
    model = network(
        [25, *hidden, 1], settings.get("activation", "relu"), seed=17, dtype=torch.float64
    )
    if initial:
        linear = [layer for layer in model if isinstance(layer, nn.Linear)]
        for layer, weights in zip(linear, initial, strict=True):
            layer.weight.data = torch.tensor(weights, dtype=torch.float64)
    architecture = Architecture(
        model, nn.BCELoss(), optim.SGD(model.parameters(), lr=settings.get("lr", 0.1))
    )
    hflip = 0.5 if settings.get("flip", True) else 0.0
    architecture.set_loaders(
        Batches(images, labels, train, sampler=sampler, hflip=hflip, **options),
        Batches(images, labels, val, **options),
    )
    architecture.train(n_epochs, seed=42)
    return architecture


@pytest.mark.parametrize(
    "settings",
    [
        {},
        *({"activation": name} for name in ("none", "sigmoid", "tanh", "leaky_relu", "prelu")),
        {"flip": False, "batch": 7, "lr": 0.3},
        {"balance": False, "batch": 240},
        {"hidden": []},
        {"hidden": [6, 5, 4, 3], "activation": "prelu"},
    ],
    ids=str,
)
def test_training_in_the_browser_has_pytorchs_losses(show, inside, settings):
    page = show()
    weights = "return playground.train(arguments[0], 0).net.layers.map(l => l.map(w => [...w]))"
    initial = page.execute_script(weights, settings)
    run = page.execute_script(
        "const { losses, valLosses, net } = playground.train(arguments[0], 50);"
        "return { losses, valLosses, slopes: net.slopes }",
        settings,
    )
    expected = trained(settings, initial if "hidden" in settings else None)
    assert run["losses"] == pytest.approx(expected.losses, abs=1e-6)
    assert run["valLosses"] == pytest.approx(expected.val_losses, abs=1e-6)
    learned = [layer.weight.item() for layer in expected.model if isinstance(layer, nn.PReLU)]
    assert not learned or run["slopes"] == pytest.approx(learned, abs=1e-6)


def test_the_lectures_settings_play_to_the_pipelines_losses(show, inside):
    page = show()
    assert status(page, "train").startswith("Epoch 0 of 50: before training; ")
    for _ in range(2):
        find(page, "[data-do=step]").click()
    assert status(page, "train").startswith("Epoch 2 of 50: ")
    find(page, "[data-do=reset]").click()
    assert status(page, "train").startswith("Epoch 0 of 50: ")
    button = find(page, "#train [data-do=play]")
    button.click()
    wait(page, lambda: button.text == "Play")
    losses = pd.read_csv(ROOT / "plots/losses/relu.csv").iloc[-1]
    accuracy = json.loads((ROOT / "metrics/evaluate/population/relu.json").read_text())["accuracy"]
    end = f"loss {losses.loss:.6f}, validation loss {losses.val_loss:.6f}"
    assert status(page, "train") == f"Epoch 50 of 50: {end}; {100 * accuracy:.1f} % right."


SETTINGS = "activation=tanh&batch=8&lr=0.2&hidden=4,2&seed=3&flip=0&balance=0&epochs=30"
PARTS = ("draw", "time", "threshold", "train")


def test_an_address_brings_back_what_was_set(show, inside):
    elsewhere = f"image={'00ff' * 12}00&turn=-70&epoch=5&threshold=0.3&model=logistic&{SETTINGS}"
    page = show(f"#at=train&{elsewhere}&trained=20")
    assert page.execute_script("return scrollY") > 1000
    wait(page, lambda: status(page, "train").startswith("Epoch 20 of 30: "))
    seen = [status(page, part) for part in PARTS]
    assert seen[3].startswith("Epoch 20 of 30: loss 0.")
    find(page, "#train [data-do=reset]").click()
    assert status(page, "train").startswith("Epoch 0 of 30: before training")
    for _ in range(20):
        find(page, "[data-do=step]").click()
    wait(page, lambda: "trained=20" in address(page))
    told = address(page)
    assert sorted(told[1:].split("&")) == sorted(f"at=train&{elsewhere}&trained=20".split("&"))
    page = show(told)
    assert [status(page, part) for part in PARTS] == seen


def test_an_address_that_makes_no_sense_changes_nothing(show, inside):
    everything = "return document.querySelector('#playground').innerText"
    usual = show().execute_script(everything)
    for fragment in (
        "#metrics",
        "#image=0f&epoch=51&threshold=2&model=none&where=x&turn=NaN",
        "#image=zz&epoch=x&lr=0&batch=1.5&activation=x&hidden=0&seed=-1&flip=2&trained=1e9",
        "#hidden=5,,3&epochs=&at=x&lr=1e999&other=1&&=&%",
    ):
        assert show(fragment).execute_script(everything) == usual


def test_exercises_are_links_that_train_at_once(show, inside):
    page, ends = show(), set()
    links = find_all(page, "#train a")
    for link in links:
        link.click()
        wait(page, lambda: status(page, "train").startswith("Epoch 50 of 50: "))
        ends.add(status(page, "train"))
    assert len(ends) == len(links) == 6


def enter(page, name, text):
    """Type text into a field instead of what is there, and leave the field."""
    from selenium.webdriver import Keys

    find(page, f"[name={name}]").send_keys(Keys.CONTROL, "a", Keys.NULL, text, Keys.TAB)


def test_nothing_is_trained_while_a_setting_cannot_be_used(show, inside):
    page = show()
    faults, play, step = (
        find(page, f"#train {each}") for each in (".faults", "[data-do=play]", "[data-do=step]")
    )
    for name, text in (
        ("lr", "-1"), ("lr", "much"), ("batch", "2.5"), ("hidden", "5,x"), ("epochs", "0"),
    ):  # fmt: skip
        field = find(page, f"[name={name}]")
        before = field.get_attribute("value")
        enter(page, name, text)
        assert field.get_attribute("value") == text
        assert field.get_attribute("aria-invalid") == "true"
        reason = f": \u201c{text}\u201d cannot be used. {field.get_attribute('title')}."
        assert faults.text.endswith(reason)
        assert not play.is_enabled()
        assert not step.is_enabled()
        enter(page, name, before)
        assert field.get_attribute("aria-invalid") == "false"
        assert faults.text == ""
        assert play.is_enabled()
        assert step.is_enabled()
    assert status(page, "train").startswith("Epoch 0 of 50: before training")


def test_a_setting_that_cannot_be_used_stops_what_plays_until_another_is_chosen(show, inside):
    page = show()
    play, rate = find(page, "#train [data-do=play]"), find(page, "[name=lr]")
    for mend in (find(page, "[data-do=lecture]").click, lambda: find(page, "#train a").click()):
        play.click()
        assert play.text == "Pause"
        enter(page, "lr", "-1")
        assert (play.text, play.is_enabled()) == ("Play", False)
        mend()
        wait(page, play.is_enabled)
        assert rate.get_attribute("value") == "0.1"


def test_a_learning_rate_without_measure_keeps_numbers_finite(show, inside):
    page = show("#at=train&activation=prelu&hidden=9,9,9&lr=100&trained=50")
    wait(page, lambda: status(page, "train").startswith("Epoch 50 of 50: "))
    assert re.search(
        r"Epoch 50 of 50: loss [\d.]+, validation loss [\d.]+; ", status(page, "train")
    )
    find(page, "[data-do=lecture]").click()
    assert status(page, "train").startswith("Epoch 0 of 50: before training; ")


# Each text that is seen, and its contrast with what lies behind it (WCAG 2.2).
CONTRAST = r"""
const rgb = (color) => color.match(/[\d.]+/g).map(Number);
const luminance = (color) => rgb(color).slice(0, 3).map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (e) => {
  const color = getComputedStyle(e).backgroundColor;
  return rgb(color)[3] === 0 ? behind(e.parentElement) : color;
};
const result = [], walk = document.createTreeWalker(document.querySelector("#playground"), 4);
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement, words = walk.currentNode.data.trim();
  if (!words || !e.getClientRects().length) continue;
  const text = getComputedStyle(e)[e.closest("svg") ? "fill" : "color"];
  const [high, low] = [text, behind(e)].map(luminance).sort((a, b) => b - a);
  result.push([words, (high + 0.05) / (low + 0.05)]);
}
return result;
"""
NAMED = {"button", "slider", "combobox", "textbox", "checkbox", "image", "link", "heading"}


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (400, "dark")])
def test_it_can_be_read_and_heard_and_fits(show, inside, width, theme):
    page = show("#threshold=0.8&trained=10&hidden=2", width, theme)
    contrasts = page.execute_script(CONTRAST)
    assert len(contrasts) > 200
    assert [each for each in contrasts if each[1] < 4.5] == []
    tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    nodes = [node for node in tree if not node["ignored"] and node["role"]["value"] in NAMED]
    assert len(nodes) > 100
    assert [node for node in nodes if not node["name"]["value"]] == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_motion_is_slow_for_those_who_ask_for_less(show, inside):
    page = show()
    feature = {"name": "prefers-reduced-motion", "value": "reduce"}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    page.execute_script("window.paces = []; window.setInterval = (_, ms) => paces.push(ms)")
    for part in ("time", "train"):
        find(page, f"#{part} [data-do=play]").click()
    assert page.execute_script("return paces") == [1000, 1000]


def bring(n_channels, size):
    """Put random images here, called diagonal if brighter on the left; train on them."""
    stream = np.random.default_rng(0)
    images = stream.integers(0, 256, (60, n_channels, size, size), dtype=np.uint8)
    left, right = np.split(images.mean((1, 2)), [size // 2], axis=-1)
    np.save(data.IMAGES, images)
    np.save(data.LABELS, (left.mean(-1) > right.mean(-1)).astype(np.int64))
    write_params(Path("params.yaml"), {f"train_{name}.n_epochs": 2 for name in MODELS})
    run_stages(Path.cwd(), *STAGES)
    write_page()


def work(page):
    """Use each slider and some buttons; return the sentences that stand instead of parts."""
    for slider in find_all(page, "[type=range]"):
        if slider.is_displayed():
            slider.send_keys("\ue012")  # left
    for button in find_all(page, "[data-do=step], [data-do=mirror]"):
        button.click()
    return texts(page, "#playground h3 + .quiet")


def test_gray_images_of_ones_own_are_judged_as_by_the_pipeline(show, changed):
    write_params(Path("params.yaml"), {
        "transforms.mean": 0.3, "transforms.std": 0.7, "train.precision": "float32",
        "evaluate.tta": "hflip", "evaluate.threshold": 0.55,
        "train_deepish.hidden": [2], "train_relu.hidden": [20, 6, 5, 4],
    })  # fmt: skip
    bring(1, 6)
    page = show()
    assert work(page) == []
    assert texts(page, "[name=where] option") == ["validation images"]  # no population is known
    for name in MODELS:
        ours = page.execute_script("return playground.answers[arguments[0]]", name)
        x = torch.from_numpy(data.read_patterns().x)
        assert ours == pytest.approx(probabilities(read_model(name, 36), x, "hflip"), abs=1e-6)
    ours = page.execute_script("return playground.train({}, 2).losses")
    assert ours == pytest.approx(pd.read_csv("plots/losses/relu.csv").loss, abs=1e-5)


def test_what_makes_no_sense_for_large_images_in_colour_says_so(show, changed):
    bring(3, 30)
    limits = "Drawing is for images of one channel and at most 28 x 28 pixels"
    assert work(show()) == [f"{limits}; these have 3 and 30 x 30."]


def test_what_is_too_large_for_a_page_says_so(show, changed, monkeypatch):
    largest = {"patterns": 25, "pixels": 10**6, "weights": 1000, "draws": 100}
    monkeypatch.setattr(playground, "LARGEST", largest)
    write_page()
    assert work(show()) == [
        "This part is for up to 1,000 weights of all epochs; here are 3,003.",
        "This part is for up to 100 images in all epochs; here are 12,000.",
    ]
    largest["pixels"] = 100
    write_page()
    sentence = "This part is for up to 100 pixels of all distinct images; here are 625."
    assert texts(show(), "#playground .quiet") == [sentence]


def test_a_fourth_model_is_asked_too(show, changed, monkeypatch):
    monkeypatch.setitem(MODELS, "prelu", Model("prelu"))
    monkeypatch.setitem(LOOKS, "prelu", ("#56B4E9", "o"))
    weights = network([25, 4, 2, 1], "prelu", seed=1).state_dict()
    images = {"input": files.read_metadata("models/relu.safetensors", "input")}
    tensors = {name: weight.numpy() for name, weight in weights.items()}
    files.write_tensors("models/prelu.safetensors", tensors, images)
    write_page()
    page = show()
    assert work(page) == []
    image = data.read_patterns().images[3]
    at(page, f"image={image.tobytes().hex()}")
    assert texts(page, "#draw-verdicts p") == verdicts(image)


@pytest.mark.parametrize(
    "path",
    ["models/deepish.safetensors", "models/relu_history.safetensors", "plots/losses/relu.csv"],
)
def test_a_missing_file_is_named_in_a_line(changed, path):
    Path(path).unlink()
    with pytest.raises(InputError, match=rf"^{path}: expected a .* file, found none; run `dvc"):
        playground.gather()


def test_images_that_nobody_has_counted_are_refused(changed):
    np.save(data.IMAGES, 255 - np.load(data.IMAGES))
    with pytest.raises(InputError, match=r"^data/raw/images.npy: expected images that .* counts"):
        playground.gather()
