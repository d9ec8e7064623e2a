"""Models in another runtime's format."""

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from test_predict import write

from diagonal.errors import InputError
from diagonal.pipeline.models import MODELS
from diagonal.predict import predict
from tools import export as module
from tools.export import export

ROOT = Path(__file__).parents[1]


def test_onnxruntime_gives_the_same_answers(tmp_path):
    name, shape = "relu", (3, 8, 8)
    write(tmp_path, name, shape=shape, mean=0.4, std=0.3)
    path = export(name, tmp_path, tmp_path / "out")
    assert path == tmp_path / f"out/{name}.onnx"
    onnx.checker.check_model(path, full_check=True)
    written = onnx.load(path)  # not newer than onnxruntime 1.18 reads
    assert (written.ir_version, [each.version for each in written.opset_import]) <= (10, [20])
    session = onnxruntime.InferenceSession(path)
    (images,), (probability,) = session.get_inputs(), session.get_outputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["n", *shape])
    assert (probability.name, probability.shape) == ("probability", ["n", 1])
    for n in (1, 300):
        drawn = np.random.default_rng(n).integers(0, 256, (n, *shape), dtype=np.uint8)
        (found,) = session.run(None, {"images": drawn})
        expected = predict(drawn, [name], folder=tmp_path)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_other_answers_are_refused_and_nothing_is_written(tmp_path, monkeypatch):
    write(tmp_path, "relu")
    monkeypatch.setattr(module, "probabilities", lambda model, x: np.full(len(x), 0.1))
    with pytest.raises(InputError, match=r"relu\.onnx: expected relu's answers, found some "):
        export("relu", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_command_writes_all_and_names_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["export"])
    for name in MODELS:
        write(tmp_path / "models", name)
    module.main()
    assert capsys.readouterr() == ("".join(f"onnx/{name}.onnx\n" for name in MODELS), "")
    assert {each.stem for each in (tmp_path / "onnx").iterdir()} == {*MODELS}
    first = Path("onnx/relu.onnx").read_bytes()  # nothing of the machine, and the same again
    assert os.fsencode(ROOT) not in first
    assert b"site-packages" not in first
    assert export("relu", Path("models"), tmp_path / "out").read_bytes() == first
