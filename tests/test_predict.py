"""A trained model is asked about images from elsewhere."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import Compose, Normalize, Resize, ToDtype, ToImage

from diagonal import command
from diagonal.errors import InputError
from diagonal.lines.channels import grayscale
from diagonal.lines.images import every_line
from diagonal.pipeline import files
from diagonal.pipeline.models import MODELS
from diagonal.predict import main, predict
from diagonal.training.models import Input, network, rounded_weights

STREAM = np.random.default_rng(0)


def write(folder, name, shape=(1, 5, 5), **about):
    """Write a model with weights that answer every pixel, as its stage does."""
    pixels, activation = int(np.prod(shape)), MODELS[name].activation
    hidden = [5, 3] if MODELS[name].hidden else []
    model = network([pixels, *hidden, 1], activation, seed=3, dtype=torch.float64)
    takes = Input(**{"shape": shape, "mean": 0.5, "std": 0.5, **about})
    metadata = {"input": takes.model_dump_json()}
    files.write_tensors(folder / f"{name}.safetensors", rounded_weights(model), metadata)
    return model


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder elsewhere with models/ in it; write models there by their names."""
    monkeypatch.chdir(tmp_path)
    return {name: write(tmp_path / "models", name) for name in MODELS}


def answers(model, x):
    """PyTorch's own answers to what was prepared."""
    return model(x.double())[:, 0].detach().numpy()


def noise(*shape):
    """Make an image whose background is dark."""
    return STREAM.integers(0, 128, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("mode", "size"), [("RGB", (5, 5)), ("L", (40, 40)), ("P", (31, 17)), ("1", (1, 1))]
)
def test_a_picture_is_turned_gray_and_resized_as_in_the_lecture(models, mode, size):
    picture = Image.fromarray(noise(*size, 3)).convert(mode)
    picture.save("picture.png")
    gray = grayscale(np.asarray(picture.convert("RGB")))[..., None]
    steps = [ToImage(), Resize((5, 5)), ToDtype(torch.float32, scale=True)]
    x = Compose([*steps, Normalize(mean=(0.5,), std=(0.5,))])(gray)[None]
    table = predict("picture.png")
    assert list(table.columns) == list(MODELS)
    for name, model in models.items():
        assert table.loc["picture.png", name] == pytest.approx(answers(model, x)[0], abs=1e-5)


def test_what_is_drawn_is_what_the_generator_draws(models, monkeypatch):
    lines = every_line(5)
    np.save("lines.npy", lines)
    table = predict(["lines.npy", lines[4, 0], lines[5]])
    assert list(table.index[-3:]) == ["lines.npy[26]", "array", "array"]
    np.testing.assert_array_equal(table.iloc[-2:], table.iloc[4:6])
    x = torch.from_numpy(lines).double() / 255 * 2 - 1
    for name, model in models.items():
        np.testing.assert_allclose(table[name][:27], answers(model, x), atol=1e-5)
    for line, row in zip(lines[:, 0], table.to_numpy(), strict=False):
        rows = ("".join(".#"[int(pixel > 0)] for pixel in each) for each in line)
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(rows) + "\n"))
        np.testing.assert_array_equal(predict("-").to_numpy()[0], row)


def test_the_mirror_image_has_its_say(models):
    image = noise(5, 5)
    alone, both = predict([image, image[:, ::-1]]), predict(image, tta="hflip")
    np.testing.assert_allclose(both.iloc[0], alone.mean(), atol=1e-9)
    assert (alone.iloc[0] != alone.iloc[1]).all()


@pytest.mark.parametrize("kind", ["transparent", "16 bits", "rotated", "animated", "bright"])
def test_pictures_of_all_kinds_look_as_they_are_shown(models, kind, capsys):
    gray, note = noise(5, 5), ""
    if kind == "transparent":
        hidden = noise(5, 5) > 63
        layers = [gray, gray, gray, np.where(hidden, 0, 255).astype(np.uint8)]
        Image.fromarray(np.stack(layers, axis=-1)).save("picture.png")
        gray = np.where(hidden, 0, gray)
    elif kind == "16 bits":
        Image.fromarray(gray.astype(np.uint16) * 257).save("picture.png")
    elif kind == "rotated":
        turn = Image.Exif()
        turn[0x0112] = 6  # shown with its left column at the top
        Image.fromarray(np.rot90(gray)).save("picture.png", exif=turn)
    elif kind == "bright":
        Image.fromarray(255 - gray).save("picture.png")
        note = "picture.png: inverted, as its background is bright\n"
    else:
        frames = [Image.fromarray(each) for each in (gray, 255 - gray)]
        frames[0].save("picture.png", save_all=True, append_images=frames[1:])
        note = "picture.png: only the first of 2 pages is read\n"
    np.testing.assert_array_equal(predict("picture.png").to_numpy(), predict(gray).to_numpy())
    assert capsys.readouterr().err == note


def test_models_of_other_images_are_asked_in_their_own_size_and_scale(tmp_path):
    names = ("cat", "dog")
    color = write(tmp_path, "relu", shape=(3, 8, 8), mean=0.1, std=2.0, classes=names)
    image = 255 - noise(3, 8, 8)
    x = (torch.from_numpy(image)[None].double() / 255 - 0.1) / 2
    Image.fromarray(np.moveaxis(image, 0, -1)).save(tmp_path / "a.png")  # its background is bright
    for source in (image, tmp_path / "a.png"):
        (answer,) = predict(source, folder=tmp_path)["relu"]
        assert answer == pytest.approx(answers(color, x)[0], abs=1e-5)
    with pytest.raises(InputError, match=r"^array: expected images of 3 channels, found 1$"):
        predict(image[:1], folder=tmp_path)


TIFF = "found: a picture of 32 bits per pixel; save it with 8 or 16"
REFUSED = {
    "text.txt": (lambda path: path.write_text("hello"), "found: cannot identify image file .*"),
    "float.tif": (lambda path: Image.fromarray(np.eye(5, dtype="f")).save(path), TIFF),
    "integer.tif": (lambda path: Image.fromarray(np.eye(5, dtype="i")).save(path), TIFF),
    "float.npy": (lambda path: np.save(path, np.ones((5, 5))), r"found float64 \(5, 5\)"),
    "signed.npy": (lambda path: np.save(path, np.ones((5, 5), "b")), r"found int8 \(5, 5\)"),
    "none.npy": (lambda path: np.save(path, noise(0, 5, 5)), r"found uint8 \(0, 5, 5\)"),
    "row.npy": (lambda path: np.save(path, noise(5)), r"found uint8 \(5,\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused_in_a_line(models, name):
    prepare, message = REFUSED[name]
    prepare(Path(name))
    with pytest.raises(InputError, match=rf"^{name}: expected [^\n]*{message}$"):
        predict([noise(5, 5), name])


@pytest.mark.parametrize("text", ["#.\n.x", "#..\n.#."])
def test_a_drawing_that_is_no_square_of_two_characters_is_refused(models, monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    with pytest.raises(InputError, match=r"^-: expected an image, found: no square of \. and #: "):
        predict("-")


def test_a_model_that_is_none_is_refused_in_a_line(models):
    image = noise(5, 5)
    with pytest.raises(InputError, match=r"^models/all.safetensors: expected a .+ found none"):
        predict(image, ["relu", "all"])
    weights = files.read_tensors("models/deepish.safetensors")
    for text, found in (("hello", "hello"), ('{"shape":[1,6,6],"mean":0,"std":1}', "one for 25")):
        files.write_tensors("models/deepish.safetensors", weights, {"input": text})
        with pytest.raises(InputError, match=rf"^models/deepish\.safetensors: expected .*{found}$"):
            predict(image, ["deepish"])


def called(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["predict", *words])
    with pytest.raises(SystemExit) as exit_:
        command.run(main)
    return exit_.value.code, *capsys.readouterr()


def test_the_command_shows_images_and_answers_in_words(models, monkeypatch, capsys):
    lines = every_line(5)
    np.save("a.npy", [lines[6], lines[6] // 2 + 60])
    write(Path("models"), "relu", std=1e9)  # which makes all images 0, and all answers 0.5
    p, q = predict("a.npy")["logistic"]
    code, out, err = called(monkeypatch, capsys, "a.npy", "--model", "logistic", "--model", "relu")
    assert (code, err) == (0, "")
    undecided = "relu: undecided, P(diagonal) = 0.500000"
    assert out.splitlines() == [
        "a.npy[0], as the models see it:", *["····██····"] * 5,
        f"logistic: {'diagonal' if p > 0.5 else 'straight'}, P(diagonal) = {p:.6f}", undecided,
        "a.npy[1], as the models see it:", *["░░░░▓▓░░░░"] * 5,
        f"logistic: {'diagonal' if q > 0.5 else 'straight'}, P(diagonal) = {q:.6f}", undecided,
        "Do not trust this: the nearest line of the lecture differs by 6.0 of 25 pixels",
    ]  # fmt: skip


def test_a_large_image_is_shown_in_at_most_80_columns(tmp_path, monkeypatch, capsys):
    write(tmp_path, "relu", shape=(1, 100, 100))
    np.save(tmp_path / "a.npy", np.tri(100, dtype=np.uint8) * 255)
    _, out, _ = called(monkeypatch, capsys, f"{tmp_path}/a.npy", "--models", str(tmp_path))
    rows = out.splitlines()[1:35]  # a row and a column of three
    assert [row.count("█") for row in rows] == [*range(2, 70, 2)]


def test_the_command_prints_json_and_tells_bad_input_by_its_status(models, monkeypatch, capsys):
    Image.fromarray(noise(9, 9)).save("a.png")
    table = predict(["a.png", "a.png"], ["relu", "logistic"], tta="hflip")
    words = ("a.png", "a.png", "--model", "relu", "--model", "logistic", "--tta", "--json")
    code, out, err = called(monkeypatch, capsys, *words)
    assert json.loads(out) == [{"image": "a.png", **row} for row in table.to_dict("records")]
    code, out, err = called(monkeypatch, capsys, "b.png")
    assert (code, out) == (1, "")
    assert err == "b.png: expected an image, found: No such file or directory\n"
    assert called(monkeypatch, capsys)[0] == 2
