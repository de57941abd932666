"""Segment: thresholds with a live overlay, every other segmentation, and correction by hand."""

from __future__ import annotations

from porelab_gui.gui.context import Context
from porelab_gui.gui.steps.generic import GenericPanel


class SegmentPanel(GenericPanel):
    """The Methods of the step."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Segment")

    def title_of(self, name: str) -> str:
        """Correction is something one does, not a file that one applies."""
        return "Correct by hand" if name == "correct_labels" else super().title_of(name)
