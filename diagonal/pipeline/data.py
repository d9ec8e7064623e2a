"""The data that stages hand on, by the names of their files: images, split, weights, patterns."""

from typing import NamedTuple

import numpy as np

from diagonal.errors import InputError
from diagonal.pipeline import files

IMAGES, LABELS = "data/raw/images.npy", "data/raw/labels.npy"
CLASSES = "data/raw/classes.json"  # a list: the names of label 0 and of label 1
LINES = ("straight", "diagonal")  # those of the generator
WEIGHTS = "data/balance/sample_weights.npy"
SPLIT, PATTERNS = "data/split/{}.npy", "data/split/patterns.safetensors"  # {}: train or val
MODEL = "models/{}.safetensors"  # {}: its name
EVAL_SETS = ("validation", "population")  # what models are judged on; see `Patterns.eval_sets`


class Patterns(NamedTuple):
    """The distinct images, and how often each occurs: straight lines first, then by frequency.

    images: uint8 (n, C, S, S), as drawn.
    x: float32 (n, C, S, S), as networks see them.
    labels: int64 (n,), 1 for a diagonal.
    train, val: int64 (n,), how many of the training and of the validation images look like this.
    population: int64 (n,), how many of the 3 (2S-1) equally likely lines do; 0 for all where the
        images are not the generator's.
    place: int64 (n,), the pattern's index among those of the generator, -1 for none.
    """

    images: np.ndarray
    x: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    val: np.ndarray
    population: np.ndarray
    place: np.ndarray

    def chosen(self, index: np.ndarray) -> "Patterns":
        """Choose some, by their indices in the order wanted or by a mask."""
        return Patterns(*(column[index] for column in self))

    def eval_sets(self) -> dict[str, np.ndarray]:
        """Map the sets on which models are judged to how often each image occurs in them, (n,).

        They are validation and, last and only if it is known, the population.
        """
        named = zip(EVAL_SETS, (self.val, self.population), strict=True)
        return {name: counts for name, counts in named if counts.any()}


def pictures(images: np.ndarray) -> np.ndarray:
    """Turn images (n, C, S, S) into pictures: (n, S, S, 3), or of the first channel (n, S, S)."""
    return np.moveaxis(images, 1, -1) if images.shape[1] == 3 else images[:, 0]


def read_images() -> tuple[np.ndarray, np.ndarray]:
    """Read all images, uint8 (N, C, S, S), and their labels, int64 (N,).

    Raises:
        InputError: a file is missing or not as expected, images are not square, or there are not
            as many of both.
    """
    images = files.read_array(IMAGES, np.uint8, ndim=4)
    labels = read_labels()
    n_channels, height, width = images.shape[1:]
    if not (n_channels and height == width > 1):
        found = f"{n_channels} channels of {height} x {width}"
        raise InputError(f"{IMAGES}: expected square images of 2 pixels or more, found {found}")
    if len(images) != len(labels):
        raise InputError(f"{LABELS}: expected {len(images)} labels, found {len(labels)}")
    return images, labels


def read_labels() -> np.ndarray:
    """Read the labels of all images, int64 (N,).

    Raises:
        InputError: the file is missing or not as expected, or there are other labels than 0 and 1.
    """
    labels = files.read_array(LABELS, np.int64, ndim=1)
    others = labels[(labels < 0) | (labels > 1)]
    if len(labels) == 0 or len(others):
        found = f"{others[0]}" if len(others) else "none"
        raise InputError(f"{LABELS}: expected labels of 0 and 1, found {found}")
    return labels


def plural(name: str) -> str:
    """Put a class's name into the plural: diagonals; cats stay cats."""
    return name if name.endswith("s") else f"{name}s"


def read_split(name: str) -> np.ndarray:
    """Read the indices of a side of the split, train or val: int64 (n,)."""
    return files.read_array(SPLIT.format(name), np.int64, ndim=1)


def read_weights(n_images: int) -> np.ndarray:
    """Read the weights of this many training images in the sampler's draw, float64 (n,).

    Raises:
        InputError: the file is missing or not as expected.
    """
    weights = files.read_array(WEIGHTS, np.float64, ndim=1)
    if len(weights) != n_images:
        raise InputError(f"{WEIGHTS}: expected {n_images} weights, found {len(weights)}")
    return weights


def read_patterns() -> Patterns:
    """Read the distinct images that the split has counted.

    Raises:
        InputError: the file is missing or not as expected.
    """
    tensors = files.read_tensors(PATTERNS)
    dtypes, shape = {"images": np.uint8, "x": np.float32}, np.shape(tensors.get("images"))
    expected = {
        name: (dtypes.get(name, np.int64), shape if name in dtypes else shape[:1])
        for name in Patterns._fields
    }
    found = {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}
    if len(shape) != 4 or found != expected or not np.isfinite(tensors["x"]).all():
        names = ", ".join(Patterns._fields)
        raise InputError(f"{PATTERNS}: expected finite tensors {names} that fit, found others")
    return Patterns(**tensors)
