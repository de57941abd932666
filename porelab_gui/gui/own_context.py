"""GL commands of napari's canvas go to its own GL context, whichever canvas was painted last.

napari empties the command queue of its canvas when a layer is removed, without making the canvas current. Where
another canvas was painted last (the pair of a throat, a second window), buffers, textures and programs of that one
were deleted in place of those of the removed layer: names are numbers, and the same ones everywhere.
"""

from __future__ import annotations

from typing import Any

from porelab_gui.gui.canvas_title import canvas_of


def keep_own_context(viewer: Any) -> None:
    """Of this viewer, from now on; nothing where there is no window."""
    canvas = getattr(canvas_of(viewer), "_scene_canvas", None)
    if canvas is not None and "finish" not in vars(canvas.context):
        canvas.context.finish = lambda: _finish(canvas)


def _finish(canvas: Any) -> None:
    """Everything queued is done, as vispy's ``finish``, and what was current is current again.

    A canvas that was never painted has no context: its queue waits for the first paint.
    """
    from qtpy.QtGui import QOpenGLContext
    from vispy.gloo.context import get_current_canvas, set_current_canvas

    if not canvas.native.isValid():
        return
    last, context = get_current_canvas(), QOpenGLContext.currentContext()
    surface = context.surface() if context is not None else None
    canvas.set_current()
    try:
        type(canvas.context).finish(canvas.context)
    finally:
        if context is not None and surface is not None:
            context.makeCurrent(surface)
        if last is not None and last is not canvas:
            set_current_canvas(last)
