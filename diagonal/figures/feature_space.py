"""What layers do to numbers: activation functions, and where images lie layer by layer."""

from collections.abc import Iterable, Mapping
from textwrap import wrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from diagonal.figures.style import CLASSES, GRAY, PALE, SKY, titled
from diagonal.pipeline.data import LINES

NAMED = 3  # dead units that are named at most
LINE = 28  # letters that fit above a panel
FLAT = 0.01  # a gradient below this teaches nothing


def activation_functions(z: np.ndarray, functions: Mapping[str, tuple]) -> Figure:
    """Draw activation functions with their gradients, shaded where these all but vanish.

    Pre-activations z are (n,); functions are title -> (value, gradient), each (n,).
    """
    figure = titled(5.8, "Activation functions, and where their gradients vanish")
    grid = figure.subplots(2, 3, sharex=True, sharey=True).ravel()
    for axes in grid[len(functions) :]:
        axes.set_axis_off()
    for axes, (title, (value, gradient)) in zip(grid, functions.items(), strict=False):
        _activation(axes, z, value, gradient)
        axes.set_title(title)
        axes.tick_params(labelbottom=True)
    grid[-1].legend(*grid[0].get_legend_handles_labels(), loc="center")
    return figure


def activation_function(z: np.ndarray, value, gradient, title: str) -> Figure:
    """Draw one activation function as `activation_functions` does, all (n,)."""
    figure = titled(3.6, title)
    axes = figure.subplots()
    _activation(axes, z, value, gradient)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
    return figure


def _activation(axes, z: np.ndarray, value: np.ndarray, gradient: np.ndarray) -> None:
    axes.axhline(0, color=GRAY, linewidth=0.6)
    axes.axvline(0, color=GRAY, linewidth=0.6)
    axes.plot(z, value, color="black", linewidth=2, label="activation")
    axes.plot(z, gradient, color=SKY, linewidth=2.4, linestyle="--", label="gradient")
    flat, look = gradient < FLAT, {"color": "#E8E8E8", "linewidth": 0}
    axes.fill_between(z, -1.5, 2.3, where=flat, label=f"gradient below {FLAT:g}", **look)
    most = f"gradient at most {gradient.max():g}"
    axes.text(0.5, 0.04, most, transform=axes.transAxes, fontsize=10, ha="center")
    axes.set(xlabel="z", xlim=(z[0], z[-1]), ylim=(-1.5, 2.3))


def layer_views(views: Mapping, labels, wrong, title: str, names=LINES) -> Figure:
    """Draw where layers put images of these labels (n,), and what they decide: layer -> View.

    The network is wrong about some of them, bool (n,), which are ringed.
    """
    columns = 2 if len(views) in (2, 4) or any(map(_projection, views.values())) else 3
    rows = -(-len(views) // columns)
    figure = titled(0.9 + 3.2 * rows, title)
    for place, (name, view) in enumerate(views.items(), start=1):
        axes = figure.add_subplot(rows, columns, place, projection=_projection(view))
        _fill(axes, view, labels, wrong)
        _frame(axes, view, names)
        _name(axes, name, view)
    _legend(figure, views.values(), names)
    return figure


class Journey:
    """A figure of one layer's output and of the network's, which is updated for each epoch.

    It is laid out for the layer's name and any of its views; labels are 0 or 1, (n,).
    """

    def __init__(self, layer: str, view, labels: np.ndarray, threshold: float, names=LINES):
        self.figure = titled(4.4, " ")
        self.title = self.figure._suptitle
        self.layer, self.labels, self.shown = layer, labels, []
        cells = self.figure.add_gridspec(1, 2, width_ratios=(1.25, 1))
        self.space = self.figure.add_subplot(cells[0], projection=_projection(view))
        _frame(self.space, view, names)
        self.output = self.figure.add_subplot(cells[1])
        self.output.axhline(threshold, color=GRAY, linewidth=1, linestyle="--")
        self.output.set(xlabel="pattern", ylabel=f"probability of being {names[1]}", xticks=[])
        self.output.set(xlim=(-1, len(labels)), ylim=(0, 1), title="What comes out")
        _legend(self.figure, [view], names)

    def show(self, view, probability: np.ndarray, wrong: np.ndarray, title: str) -> list:
        """Show an epoch's view, probabilities and which are wrong (n,); return what changed."""
        for artist in self.shown:
            artist.remove()
        self.shown = _fill(self.space, view, self.labels, wrong)
        places = np.arange(len(probability))
        for label, (color, marker) in enumerate(CLASSES):
            mine = self.labels == label
            look = {"color": color, "marker": marker, "s": 34, "clip_on": False}
            self.shown.append(self.output.scatter(places[mine], probability[mine], **look))
        self.shown.append(_ring(self.output, places, probability, of=wrong, clip_on=False))
        self.title.set_text(title)
        _name(self.space, self.layer, view)
        return [*self.shown, self.title, self.space.title]


def _projection(view) -> str | None:
    return "3d" if view.points.shape[1] == 3 else None


def _name(axes, name: str, view) -> None:
    axes.set_title(f"{name}: {_described(view)}", fontsize=10)


def _described(view) -> str:
    parts = [f"{view.units} unit{'s' * (view.units > 1)}"]
    if view.units > view.points.shape[1]:
        parts.append(f"{view.share:.0%} of variance shown")
    if 0 < len(view.dead) <= NAMED:
        parts.append(f"unit{'s' * (len(view.dead) > 1)} {', '.join(map(str, view.dead))} dead")
    elif view.dead:
        parts.append(f"{len(view.dead)} units dead")
    if not np.ptp(view.points, axis=0).any():
        parts.append("all on one point")
    elif view.silent:
        parts.append(f"{view.silent} pattern{'s' * (view.silent > 1)} at 0")
    whole = ", ".join(part.replace(" ", "\xa0") for part in parts[1:])  # lines break between parts
    return "\n".join([parts[0], *wrap(whole, LINE)]).replace("\xa0", " ")


def _legend(figure: Figure, views: Iterable, names) -> None:
    """Tell classes, rings and, where there are any, regions apart."""
    handles = [
        Line2D([], [], color=color, marker=marker, linestyle="", label=name)
        for name, (color, marker) in zip(names, CLASSES, strict=True)
    ]
    ring = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "linestyle": ""}
    handles.append(Line2D([], [], color="black", label="called wrong", **ring))
    if any(view.diagonal is not None for view in views):
        pale = zip(PALE.colors, names, strict=True)
        handles += [Patch(color=color, label=f"called {name}") for color, name in pale]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)


def _ring(axes, *coordinates: np.ndarray, of: np.ndarray, **look):
    """Put a ring around some of the points, bool (n,): coordinates (n,) each."""
    look |= {"facecolor": "none", "edgecolor": "black", "s": 110}
    return axes.scatter(*(values[of] for values in coordinates), **look)


def _fill(axes, view, labels: np.ndarray, wrong: np.ndarray) -> list:
    """Draw what is decided where, and where the points lie; return what was drawn."""
    drawn, look, coordinates = [], {"s": 34, "alpha": 0.75}, [*view.points.T]
    if view.diagonal is not None:
        regions = axes.imshow(
            view.diagonal, cmap=PALE, vmin=0, vmax=1, extent=_ends(view), origin="lower",
            aspect="auto", interpolation="nearest",
        )  # fmt: skip
        drawn.append(regions)
    if view.plane is not None:
        plane = Poly3DCollection([view.plane], color=GRAY, alpha=0.25)
        drawn.append(axes.add_collection3d(plane))
    if len(coordinates) == 1:
        coordinates.append(labels)
    flat = {"depthshade": False} if len(coordinates) == 3 else {}
    for label, (color, marker) in enumerate(CLASSES):
        points = (values[labels == label] for values in coordinates)
        drawn.append(axes.scatter(*points, color=color, marker=marker, **look, **flat))
    return [*drawn, _ring(axes, *coordinates, of=wrong, **flat)]


def _ends(view) -> tuple:
    """Find the ends of the axes in one or two coordinates: left, right, bottom, top."""
    (left, *bottom), (right, *top) = view.box
    return left, right, *(bottom or [-0.7]), *(top or [1.7])


def _frame(axes, view, names) -> None:
    """Set the axes' limits and names."""
    if _projection(view):
        low, high = view.box
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
        for place, (name, pad, angle) in enumerate((("x", 7, 0), ("y", 7, 0), ("z", 0, 90))):
            axis = getattr(axes, f"{name}axis")
            axis.set_rotate_label(False)
            axis.set_label_text(f"unit {place}", fontsize=9, rotation=angle)
            axis.labelpad = pad
        axes.tick_params(labelsize=8, pad=-1)
        axes.locator_params(nbins=3)
        axes.xaxis.set_tick_params(pad=1)  # away from the corner, where those of y begin
        axes.yaxis.set_tick_params(pad=1)
        axes.view_init(elev=22, azim=-38)
        axes.set_box_aspect(None, zoom=0.95)
        return
    left, right, *ends = _ends(view)
    axes.set(xlim=(left, right), ylim=ends)
    if view.units > view.points.shape[1]:
        axes.set(xlabel="1st component", ylabel="2nd component")
    elif view.units > 1:
        axes.set(xlabel="unit 0", ylabel="unit 1")
    else:
        axes.set(xlabel="z")
        axes.set_yticks([0, 1], names, rotation=90, va="center")
