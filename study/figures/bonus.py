"""The bonus chapter's views of a network: input, after the affine map, after the activation."""

from collections.abc import Mapping

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.transforms import IdentityTransform

from diagonal.figures.style import CLASSES, PALE, titled

# Slanted lines are placed in steps of a pixel that matplotlib's renderer, which rounds to 1/256,
# need not round: else its ties would fall as the last bits of a CPU's arithmetic have it.
STEPS = 64
CURVES = (("upper parabola", *CLASSES[0]), ("lower parabola", *CLASSES[1]))
TITLES = {
    "input": ("Input", "x1", "x2"),
    "affine": ("After the affine map", "z0", "z1"),
    "activation": ("After the activation", "a0", "a1"),
}


class Scene:
    """A figure of one network's spaces, which can be shown anew for every epoch.

    Boxes are space -> lower and upper ends of its axes, (2, 2).
    """

    def __init__(self, boxes: Mapping[str, np.ndarray]):
        self.figure = titled(3.9, " ")
        self.title = self.figure._suptitle
        self.artists = {}
        grid = self.figure.subplots(1, len(boxes))
        for axes, (name, box) in zip(grid, boxes.items(), strict=True):
            (left, bottom), (right, top) = box
            region = axes.imshow(
                np.zeros((2, 2)), cmap=PALE, vmin=0, vmax=1, origin="lower", aspect="auto",
                extent=(left, right, bottom, top), interpolation="nearest",
            )  # fmt: skip
            look = {"color": "#999999", "linewidth": 0.7, "transform": IdentityTransform()}
            lattice = LineCollection([], **look)
            axes.add_collection(lattice, autolim=False)
            curves = [
                axes.plot([], [], color=color, marker=marker, markersize=3.5, linestyle="")[0]
                for _, color, marker in CURVES
            ]
            self.artists[name] = (axes, axes.title, region, lattice, *curves)
            title, across, up = TITLES[name]
            axes.set(xlabel=across, ylabel=up, xlim=(left, right), ylim=(bottom, top))
            axes.set_title(f"{title}\n")
            axes.locator_params(axis="x", nbins=2)  # of -0.80, -0.75 and so on only some fit
        names = [name for name, *_ in CURVES]
        self.figure.legend(curves, names, loc="outside lower center", ncols=2, markerscale=2)
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")  # axes stay where they are now

    def show(self, spaces: Mapping, title: str) -> list:
        """Show `spaces.Space`s by name; return what has changed, in the order of drawing."""
        self.title.set_text(title)
        for name, (axes, above, region, lattice, *curves) in self.artists.items():
            if name != "input":
                above.set_text(f"{TITLES[name][0]}\nlargest value {spaces[name].largest:.1f}")
            region.set_data(spaces[name].lower)
            corners = axes.transData.transform(np.reshape(spaces[name].lattice, (-1, 2)))
            corners = np.round(corners * STEPS) / STEPS
            lattice.set_segments(list(corners.reshape(np.shape(spaces[name].lattice))))
            for line, points in zip(curves, spaces[name].curves, strict=True):
                line.set_data(*points.T)
        return [self.title, *(artist for _, *group in self.artists.values() for artist in group)]
