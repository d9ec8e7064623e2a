"""Draw the images of lines and label them."""

from diagonal import command, files
from diagonal.images import generate_dataset, patterns
from diagonal.params import load_params


def main() -> None:
    params = load_params().generate
    images, labels = generate_dataset(
        img_size=params.img_size, n_images=params.n_images, seed=params.seed
    )
    files.write_array("data/raw/images.npy", images)
    files.write_array("data/raw/labels.npy", labels)
    files.write_metrics(
        "metrics/generate.json",
        {
            "images": len(images),
            "distinct": int(patterns(images).max()) + 1,
            "diagonals": labels.mean(),
        },
    )


if __name__ == "__main__":
    command.run(main)
