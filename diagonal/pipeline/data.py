"""The data that stages hand on, by the names of their files: images, split, weights, patterns."""

from typing import NamedTuple

import numpy as np

from diagonal.pipeline import files
from diagonal.pipeline.errors import InputError

IMAGES, LABELS = "data/raw/images.npy", "data/raw/labels.npy"
WEIGHTS = "data/balance/sample_weights.npy"
SPLIT, PATTERNS = "data/split/{}.npy", "data/split/patterns.safetensors"  # {}: train or val
MODEL = "models/{}.safetensors"  # {}: its name
SETS = ("validation", "population")  # what models are judged on; see `Patterns.judged_on`


class Patterns(NamedTuple):
    """The distinct images, and how often each occurs: all that evaluation needs of the data.

    Straight lines come first, within a class the most frequent, then the first in the split.

    images: uint8 (n, C, S, S), as drawn.
    x: float32 (n, C, S, S), as networks see them.
    labels: int64 (n,), 1 for a diagonal.
    train, val: int64 (n,), how many of the training and of the validation images look like this.
    population: int64 (n,), how many of the 3 (2S-1) equally likely lines do; 0 for all where the
        images are not the generator's.
    place: int64 (n,), the pattern's place among those of the generator, -1 for none.
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

    def judged_on(self) -> dict[str, np.ndarray]:
        """Name what models are judged on, and how often each image occurs there, int64 (n,).

        That is validation and, as the last, where it is known, all that can be drawn.
        """
        named = zip(SETS, (self.val, self.population), strict=True)
        return {name: counts for name, counts in named if counts.any()}


def pictures(images: np.ndarray) -> np.ndarray:
    """Turn images (n, C, S, S) to what is drawn: three channels in colour, else the first alone.

    Returns (n, S, S, 3) or (n, S, S).
    """
    return np.moveaxis(images, 1, -1) if images.shape[1] == 3 else images[:, 0]


def read_images(at_random: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Read all images, uint8 (N, C, S, S), and their labels, int64 (N,).

    Images that will be read in any order, `at_random`, are read without reading ahead.

    Raises:
        InputError: a file is missing or not as expected, images are not square, or there are not
            as many of both.
    """
    images = files.read_array(IMAGES, np.uint8, ndim=4, at_random=at_random)
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


def read_split(name: str, n_images: int) -> np.ndarray:
    """Read the indices of a split, train or val, among this many images: int64 (n,).

    Raises:
        InputError: the file is missing or not as expected, or there are no such images.
    """
    path = SPLIT.format(name)
    index = files.read_array(path, np.int64, ndim=1)
    if not (len(index) and index.min() >= 0 and index.max() < n_images):
        raise InputError(f"{path}: expected indices of {n_images} images, found others")
    return index


def read_weights(n_images: int) -> np.ndarray:
    """Read the weights of this many training images in the sampler's draw, float64 (n,).

    Raises:
        InputError: there are more or fewer, or they are no weights.
    """
    weights = files.read_array(WEIGHTS, np.float64, ndim=1)
    if len(weights) != n_images:
        raise InputError(f"{WEIGHTS}: expected {n_images} weights, found {len(weights)}")
    if not (weights.min() >= 0 and 0 < weights.sum() < np.inf):
        raise InputError(f"{WEIGHTS}: expected weights of 0 or more, found other numbers")
    return weights


def read_patterns() -> Patterns:
    """Read the distinct images that the split has counted.

    Raises:
        InputError: the file is missing or not as expected.
    """
    tensors = files.read_tensors(PATTERNS)
    if tensors.keys() != set(Patterns._fields):
        expected, found = (", ".join(sorted(names)) for names in (Patterns._fields, tensors))
        raise InputError(f"{PATTERNS}: expected {expected}, found {found or 'nothing'}")
    shape = tensors["images"].shape
    for name, column in tensors.items():
        dtype = {"images": np.uint8, "x": np.float32}.get(name, np.int64)
        expected = shape if name in ("images", "x") else shape[:1]
        if (column.dtype, column.shape) != (dtype, expected) or len(shape) != 4:
            raise InputError(f"{PATTERNS}: expected tensors that fit each other, found others")
        if not np.isfinite(column).all():
            raise InputError(f"{PATTERNS}: {name}: expected finite numbers, found others")
    return Patterns(**tensors)
