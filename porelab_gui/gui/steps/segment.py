"""Segment: thresholds with a live overlay, every other segmentation, and correction by hand."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from porelab_gui.gui.context import Context
from porelab_gui.gui.steps.correction import CorrectionPage
from porelab_gui.gui.steps.generic import GenericPanel
from porelab_gui.gui.steps.threshold import ThresholdPage


class SegmentPanel(GenericPanel):
    """The Methods of the step, two of them with pages of their own."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Segment")

    def make_page(self, name: str) -> QWidget:
        """The live threshold, the label tools, or the plain form."""
        if name == "segment_threshold":
            return ThresholdPage(self.context)
        if name == "correct_labels":
            return CorrectionPage(self.context)
        return super().make_page(name)

    def title_of(self, name: str) -> str:
        """Correction is something one does, not a file that one applies."""
        return "Correct by hand" if name == "correct_labels" else super().title_of(name)
