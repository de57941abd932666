"""The page "Train a rock generator": the form, and the generator of a training that was stopped."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton

from porelab_gui.core.errors import PorelabError
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.session.jobs import FINISHED, Job
from porelab_methods.rock_gan.methods import training_folder

NAME = "train_rock_gan"


class TrainPage(MethodForm):
    """A stopped or failed training still has the generator of its last epoch: one button opens it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, NAME)
        self.rescue = QPushButton("Use the generator of the last epoch")
        self.rescue.setToolTip("Opens the weights that were written after the last whole epoch.")
        self.rescue.hide()
        self._column.addWidget(self.rescue)
        self._place = ""
        self.rescue.clicked.connect(self._open)
        self.started.connect(self._on_started)
        context.session.queue.changed.connect(self._on_job)

    def _on_started(self, job: Job) -> None:
        self.rescue.hide()
        labels = job.inputs.get("labels")
        self._place = str(training_folder(labels, job.params)) if labels is not None else ""  # type: ignore[arg-type]

    def _on_job(self, job: Job) -> None:
        if job.method.name != NAME or job.state not in FINISHED:
            return
        from pathlib import Path

        there = bool(self._place) and (Path(self._place) / "config.json").is_file()
        self.rescue.setVisible(job.outputs is None and there)

    def _open(self) -> None:
        try:
            self.context.session.run("load_weights", {"path": self._place}, {})
            self.rescue.hide()
        except PorelabError as error:
            self.context.report(error)
