"""Make pictures of two classes the data of the pipeline, in place of its lines.

FOLDER holds a folder of pictures for each class, whose name becomes the name of the class.
"""

import argparse
import subprocess
import sys

import numpy as np
import torch
from torchvision.datasets import ImageFolder

from diagonal import command
from diagonal.errors import InputError
from diagonal.pipeline import data, files
from diagonal.predict import fitted, read


def main() -> None:
    parser = argparse.ArgumentParser("python -m tools.images", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--size", type=int, required=True, help="height and width, in pixels")
    parser.add_argument("--color", action="store_true", help="keep colours; default: turn gray")
    arguments = parser.parse_args()
    if arguments.size < 2:
        raise InputError(f"--size: expected at least 2 pixels, found {arguments.size}")
    shape = (3 if arguments.color else 1, arguments.size, arguments.size)
    try:
        pictures = ImageFolder(arguments.folder, loader=read)
    except OSError as err:
        raise InputError(f"expected a folder with two folders of pictures, found: {err}") from err
    names, labels = pictures.classes, np.array(pictures.targets)
    if len(names) != 2:
        raise InputError(f"{pictures.root}: expected two folders, found {', '.join(names)}")
    images = torch.cat([fitted(picture, shape) for picture, _ in pictures]).numpy()
    if subprocess.run([sys.executable, "-m", "dvc", "freeze", "generate"], check=False).returncode:
        raise InputError("dvc.yaml: expected a stage generate that DVC can freeze")
    files.write_array(data.IMAGES, images)
    files.write_array(data.LABELS, labels)
    files.write_metrics(data.CLASSES, names)
    for name, count in zip(names, np.bincount(labels), strict=True):
        print(f"{name}: {count} images of {' x '.join(map(str, shape))} in data/raw")
    print(
        "`dvc repro` runs the other stages; `git checkout . && dvc checkout` brings back the lines"
    )


if __name__ == "__main__":
    command.run(main)
