"""What all figures share: fonts, sizes, and one colour for each class and each model.

Draw and save inside `style`, which is the same for every figure and everyone: what a user's own
matplotlibrc says does not reach the pipeline's pictures.
"""

from itertools import cycle

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure

from diagonal.pipeline.models import MODELS

# Okabe and Ito's palette, told apart by colour-blind readers; markers differ as well.
CLASSES = (("#0072B2", "s"), ("#D55E00", "o"))  # (colour, marker) of label 0 and of label 1
PALETTE = (("#009E73", "D"), ("#CC79A7", "^"), ("#E69F00", "v"), ("#332288", "P"), ("#882255", "X"))
LOOKS = dict(zip(MODELS, cycle(PALETTE), strict=False))  # model -> (colour, marker)
PALE = ListedColormap(["#D6E8F3", "#FAE0CF"])  # regions: the classes' colours, made pale
GRAY = "#666666"
SKY = "#56B4E9"  # what is neither a class nor a model
# Of signed numbers: purple below 0, white, black above. No class and no model has these colours.
SIGNED = LinearSegmentedColormap.from_list("signed", ["#6A3D9A", "#FFFFFF", "#1A1A1A"])
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
}
WIDTH = 8.0  # inches: 960 pixels


def style():
    """Make a context that draws in the project's style, starting from matplotlib's own defaults."""
    return matplotlib.style.context(STYLE, after_reset=True)


def titled(height: float, title: str) -> Figure:
    """Make an empty figure of this height, in inches, with its title at the left."""
    figure = Figure(figsize=(WIDTH, height))
    figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    return figure


def spaced(n: int, most: int) -> np.ndarray:
    """Choose the indices of at most `most` of n items, evenly spaced, first and last included."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


def whole_ticks(axes: Axes, axis: str) -> None:
    """Put ticks of the axis x, y or both at whole numbers alone."""
    axes.locator_params(axis, integer=True, min_n_ticks=1)
