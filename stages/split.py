"""Split the images into training and validation, scaled and normalised."""

import numpy as np

from diagonal import command, files
from diagonal.errors import located
from diagonal.images import patterns
from diagonal.params import load_params
from diagonal.splitting import train_val_split
from diagonal.transforms import scaled_and_normalised


def main() -> None:
    params = load_params()
    images = files.read_array("data/raw/images.npy", np.uint8, ndim=4)
    labels = files.read_array("data/raw/labels.npy", np.int64, ndim=1)
    pattern, split = patterns(images), params.split
    groups = pattern if split.unit == "pattern" else None
    with located("params.yaml: split"):
        train, val = train_val_split(labels, split.ratios, split.seed, groups)

    metrics = {}
    for name, index in (("train", train), ("val", val)):
        x = scaled_and_normalised(images[index], params.transforms.mean, params.transforms.std)
        y = labels[index, None].astype(np.float32)
        arrays = {"x": x.numpy(), "y": y, "index": index}
        files.write_tensors(f"data/split/{name}.safetensors", arrays)
        metrics[name] = {"images": len(index), "diagonals": labels[index].mean()}
    metrics["val"]["seen_in_train"] = np.isin(pattern[val], pattern[train]).mean()
    files.write_metrics("metrics/split.json", metrics)


if __name__ == "__main__":
    command.run(main)
