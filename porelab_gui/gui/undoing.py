"""One Ctrl+Z for two histories: strokes on the labels that are being painted first, then the steps of the session."""

from __future__ import annotations

from typing import Any

from porelab_gui.gui.context import Context


def _painted(context: Context, history: str) -> Any:
    """The active layer when it has strokes of its own to take back or to do again."""
    layer = context.viewer.layers.selection.active
    return layer if layer is not None and getattr(layer, history, None) else None


def undo(context: Context) -> None:
    """Take back the last stroke, else the last step."""
    layer = _painted(context, "_undo_history")
    if layer is not None:
        layer.undo()
    elif context.session.undo_title is None:
        context.notify("There is nothing to undo.")
    else:
        context.session.undo()


def redo(context: Context) -> None:
    """Do the stroke or the step again."""
    layer = _painted(context, "_redo_history")
    if layer is not None:
        layer.redo()
    elif context.session.redo_title is None:
        context.notify("There is nothing to do again.")
    else:
        context.session.redo()


def undo_title(context: Context) -> str:
    """What undo would take back."""
    if _painted(context, "_undo_history") is not None:
        return "brush stroke"
    return context.session.undo_title or ""


def redo_title(context: Context) -> str:
    """What redo would do again."""
    if _painted(context, "_redo_history") is not None:
        return "brush stroke"
    return context.session.redo_title or ""
