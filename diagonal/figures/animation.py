"""Frames of an animation, drawn with the same few colours."""

from collections.abc import Callable, Iterable

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from diagonal.figures.style import GRAY

COLOURS = 64
BAR = 5  # pixels


def record(figure: Figure, show: Callable, steps: Iterable[tuple]) -> list[Image.Image]:
    """Show one step after the other and take a picture of each.

    The layout is settled once, and what does not move is drawn once, but the lines of axes, which
    lie on what moves. `show`, called with a step's arguments, changes the figure and returns the
    artists that it changes, in the order of drawing. A bar at the bottom tells how far it is.
    """
    canvas, steps = FigureCanvasAgg(figure), list(steps)
    for artist in show(*steps[-1]):
        artist.set_animated(True)  # left out below
    canvas.draw()
    figure.set_layout_engine("none")
    background = canvas.copy_from_bbox(figure.bbox)
    size, frames = canvas.get_width_height(), []
    lines = [spine for axes in figure.axes if axes.axison for spine in axes.spines.values()]
    for place, step in enumerate(steps, start=1):
        canvas.restore_region(background)
        for artist in show(*step):
            if hasattr(artist, "do_3d_projection"):
                artist.do_3d_projection()
            figure.draw_artist(artist)
        for line in lines:
            figure.draw_artist(line)
        frame = Image.frombuffer("RGBA", size, bytes(canvas.buffer_rgba())).convert("RGB")
        frame.paste(GRAY, (0, size[1] - BAR, 1 + size[0] * place // len(steps), size[1]))
        frames.append(frame)
    palette = frames[-1].quantize(COLOURS, Image.Quantize.FASTOCTREE)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
