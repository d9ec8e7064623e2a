"""Frames of an animation, drawn with the same few colours."""

from collections.abc import Callable, Iterable, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

COLOURS = 64


def record(
    figure: Figure, show: Callable[..., None], steps: Iterable[tuple], moving: Sequence = ()
) -> list[Image.Image]:
    """Show one step after the other and take a picture of each.

    The layout is settled once, so that nothing but what moves moves.

    Args:
        figure: what is drawn.
        show: called with each step's arguments, changes the figure.
        steps: in the order of the frames, at least one.
        moving: the only artists that `show` changes, in the order in which they are drawn, which
            saves drawing the others anew; none: anything may change.
    """
    canvas, steps = FigureCanvasAgg(figure), list(steps)
    for artist in moving:
        artist.set_animated(True)
    show(*steps[-1])
    canvas.draw()
    figure.set_layout_engine("none")
    background = canvas.copy_from_bbox(figure.bbox)
    frames = []
    for step in steps:
        show(*step)
        if moving:
            canvas.restore_region(background)
            for artist in moving:
                figure.draw_artist(artist)
        else:
            canvas.draw()
        size = canvas.get_width_height()
        frames.append(Image.frombuffer("RGBA", size, bytes(canvas.buffer_rgba())).convert("RGB"))
    palette = frames[-1].quantize(COLOURS, Image.Quantize.FASTOCTREE)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
