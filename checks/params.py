"""Check params.yaml as a whole, before DVC removes an output: `python -m checks.params`.

A stage that fails has already lost its outputs, so what can be known beforehand is found here:
the schema, the device, and whether the split leaves both classes on both sides.
"""

import torch

from diagonal.device import resolve
from diagonal.images import generate_dataset, patterns
from diagonal.shell import command
from diagonal.shell.errors import located
from diagonal.shell.params import load_params
from diagonal.splitting import train_val_split


def main() -> None:
    params = load_params()
    with located("params.yaml: device"):
        resolve(params.device, getattr(torch, params.train.precision))
    generate, split = params.generate, params.split
    images, labels = generate_dataset(generate.img_size, generate.n_images, seed=generate.seed)
    groups = patterns(images) if split.unit == "pattern" else None
    with located("params.yaml: split"):
        train_val_split(labels, split.ratios, split.seed, groups)


if __name__ == "__main__":
    command.run(main)
