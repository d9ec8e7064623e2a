import ast
import contextlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from diagonal.pipeline import files

ROOT = Path(__file__).parents[1]
SLIDES = Path(__file__).with_name("slides.md")
BLOCK = re.compile(r"```(?!prints)(\w+)\n(.*?)\n```(?:\n\n```prints\n(.*?)\n```)?", re.S)


def show(code, names):
    """Run code as a notebook's cell: what it prints, then the value of a last expression."""
    *body, last = ast.parse(code).body
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        if isinstance(last, ast.Expr) and not ast.unparse(last).startswith("print("):
            exec(compile(ast.Module(body, []), "slide", "exec"), names)
            print(repr(eval(compile(ast.Expression(last.value), "slide", "eval"), names)))
        else:
            exec(compile(code, "slide", "exec"), names)
    return output.getvalue()


def stripped(text):
    return re.sub(r"[\s\[\]]", "", text)


@pytest.fixture(scope="module")
def slides():
    """Run all code blocks in order; return the namespace that they leave, and the blocks."""
    torch.set_num_threads(1)  # batches this small: threads would wait longer than they compute
    names = {}
    exec("from diagonal.lecture import *", names)
    blocks = BLOCK.findall(SLIDES.read_text())
    printed = []
    with np.printoptions(legacy="1.25"):
        for kind, code, _ in blocks:
            printed.append(show(code, dict(names) if kind == "definition" else names))
    return names, blocks, printed


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_each_slide_runs_in_order_and_prints_what_it_shows(slides):
    _, blocks, printed = slides
    assert len(blocks) > 35
    compared = 0
    for (_, code, expected), found in zip(blocks, printed, strict=True):
        if expected:
            assert stripped(found) == stripped(expected), code
            compared += 1
    assert compared == 14


LECTURE = {  # by the slides' name: the model, epochs, losses of the first and of the last epoch
    "reg_logistic": ("logistic", 100, "0.698373 0.652573 0.515938 0.543607"),
    "arch_nn": ("deepish", 100, "0.698251 0.661803 0.517853 0.550928"),
    "arch_relu": ("relu", 50, "0.697113 0.693407 0.262673 0.194797"),
}


@pytest.mark.parametrize("name", LECTURE)
def test_the_slides_code_and_the_pipeline_give_the_lectures_losses(slides, name):
    model, n_epochs, expected = LECTURE[name]
    table = files.read_table(ROOT / f"plots/losses/{model}.csv", "loss", "val_loss")
    trained = slides[0][name]
    committed = table["loss"].tolist(), table["val_loss"].tolist()
    for losses, val_losses in ((trained.losses, trained.val_losses), committed):
        found = (losses[0], val_losses[0], losses[-1], val_losses[-1])
        assert len(losses) == len(val_losses) == n_epochs
        assert " ".join(f"{loss:.6f}" for loss in found) == expected


def test_deepish_and_logistic_differ_by_at_most_what_the_lecture_says(slides):
    names = slides[0]
    deepish = names["model_nn"]
    collapsed = deepish.output.weight @ deepish.hidden1.weight @ deepish.hidden0.weight
    difference = abs(collapsed - names["model_logistic"].output.weight).max().item()
    committed = files.read_metrics(ROOT / "metrics/evaluate/models.json")["deepish"]
    for found in (difference, committed["largest_difference_to_logistic"]):
        assert f"{found:.4f}" == "0.1265"


def test_losses_are_plotted_be_it_on_a_logarithmic_scale(slides):
    plot = slides[0]["arch_relu"].plot_losses
    (axes,) = plot().axes
    assert [axes.get_yscale(), plot(log=True).axes[0].get_yscale()] == ["linear", "log"]
    training, validation = axes.lines
    assert training.get_ydata().tolist() == slides[0]["arch_relu"].losses
    assert validation.get_xdata().tolist() == list(range(1, 51))


def test_images_are_plotted_with_their_targets_as_arrays_or_tensors(slides):
    names = slides[0]
    images, labels = names["images"], names["labels"]
    for x, y in ((images, labels), (names["x_tensor"], names["y_tensor"])):
        (axes,) = names["plot_images"](x, y, n_plot=4).axes
        assert len(axes.images) == 4
        assert [text.get_text() for text in axes.texts][1] == "1: label 1"
        for shown, image in zip(axes.images, images, strict=False):
            assert np.array_equal(shown.get_array() > 0, image[0] > 0)


@pytest.mark.parametrize(("rows", "n_axes"), [({}, 8), ({"rows": (2,)}, 4)])
def test_channels_are_plotted_by_the_rows_that_the_course_names(slides, rows, n_axes):
    red, green, blue = slides[0]["color_bands"]()
    rgb = np.stack([red, green, blue], axis=2)
    gray = slides[0]["grayscale"](rgb)
    axes = slides[0]["image_channels"](red, green, blue, rgb, gray, **rows).axes
    assert len(axes) == n_axes
    assert np.array_equal(axes[-1].images[0].get_array(), rgb)


@pytest.mark.parametrize(
    ("function", "title"), [(torch.sigmoid, "sigmoid"), ("leaky_relu", "LeakyReLU")]
)
def test_an_activation_is_plotted_with_autograds_gradient(slides, function, title):
    figure = slides[0]["plot_activation"](function)
    assert figure.get_suptitle() == title
    assert slides[0]["plot_activation"](function, "mine").get_suptitle() == "mine"
    value, gradient = figure.axes[0].lines[2:]
    assert value.get_xdata()[[0, -1]].tolist() == [-5, 5]
    z = torch.tensor(value.get_xdata(), requires_grad=True)
    expected = (torch.nn.LeakyReLU() if isinstance(function, str) else function)(z)
    expected.sum().backward()
    assert np.array_equal(value.get_ydata(), expected.detach())
    assert np.array_equal(gradient.get_ydata(), z.grad)


def test_the_feature_space_is_plotted_layer_by_layer_and_the_model_stays(slides):
    names = slides[0]
    model, x = names["model_relu"], names["normalizer"](names["x_tensor"])
    figure = names["plot_feature_space"](model, x, names["y_tensor"])
    assert len(figure.axes) == len(model) - 1
    wrong = ((model(x) > 0.5) != names["y_tensor"]).sum()
    assert f"300 images, {wrong} of them called wrong" in figure.get_suptitle()
    assert model.output.weight.dtype == torch.float32
