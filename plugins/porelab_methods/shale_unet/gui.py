"""The pages of the U-Net in the window: training with its loop of correction, and application."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from porelab_gui.gui import settings
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.session.jobs import Job
from porelab_methods.shale_unet.gui_loop import LoopPanel


class TrainPage(QWidget):
    """The form of the training, and below it the loop: segment, look where it is unsure, correct, learn again."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.form = MethodForm(context, "train_unet")
        self.loop = LoopPanel(context, self.form)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        column.addWidget(self.loop)


class SegmentPage(MethodForm):
    """The form of the application; the address of the scheduler is remembered from one session to the next."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "segment_unet")
        self.set_values({"scheduler": settings.load().scheduler})
        self.started.connect(self._remember)

    def _remember(self, job: Job) -> None:
        kept = settings.load()
        address = str(job.params.model_dump()["scheduler"])
        if kept.scheduler != address:
            kept.scheduler = address
            settings.save(kept)
