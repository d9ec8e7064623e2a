"""Write trained models as ONNX: `python -m tools.export`, with requirements-export.txt."""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from diagonal import command
from diagonal.errors import InputError
from diagonal.pipeline import files
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.models import probabilities, read_with_input

OPSET = 20  # of ONNX's operators; onnxruntime reads it since 1.18, of May 2024
TOLERANCE = 1e-6  # of a probability: ONNX computes in float32 here


def main() -> None:
    parser = argparse.ArgumentParser("python -m tools.export", description=export.__doc__)
    parser.add_argument("--models", default="models", metavar="FOLDER", help="default: ./models")
    parser.add_argument("--out", default="onnx", metavar="FOLDER", help="default: ./onnx")
    arguments = parser.parse_args()
    for name in MODELS:
        print(export(name, arguments.models, arguments.out))


def export(name: str, folder="models", out="onnx") -> Path:
    """Write a model as ONNX, from images as drawn to probabilities, held against PyTorch's."""
    try:
        import onnxruntime
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    except ModuleNotFoundError as err:
        raise InputError(f"requirements-export.txt: expected its packages, no {err.name}") from err
    path, (model, takes) = Path(out, f"{name}.onnx"), read_with_input(name, folder=folder)
    preparation = scale_and_normalize(takes.mean, takes.std)
    images = torch.randint(256, (64, *takes.shape), generator=torch.Generator()).byte()
    expected = probabilities(model, preparation(images))
    whole = nn.Sequential(preparation, model.float()).eval()
    names = {"input_names": ["images"], "output_names": ["probability"]}
    options = {"dynamic_shapes": ({0: "n"},), "opset_version": OPSET, "verbose": False}
    program = torch.onnx.export(whole, (images,), dynamo=True, **names, **options)
    ClearMetadataAndDocStringPass()(program.model)  # it holds paths of this machine
    content = program.model_proto.SerializeToString()
    found = onnxruntime.InferenceSession(content).run(None, {"images": images.numpy()})[0][:, 0]
    if not (difference := np.abs(found - expected).max()) <= TOLERANCE:
        raise InputError(f"{path}: expected {name}'s answers, found some {difference:g} away")
    with files.replacing(path) as file:
        file.write(content)
    return path


if __name__ == "__main__":
    command.run(main)
