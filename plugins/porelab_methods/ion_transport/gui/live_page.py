"""Membrane, feed and flux with live results: DSPM-DE at every change, the neural equation beside it as it comes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Table
from porelab_gui.core.registry import get
from porelab_gui.gui.context import Context
from porelab_gui.gui.theme import role
from porelab_gui.gui.what import WhatIsThis
from porelab_gui.session.jobs import Job, JobQueue, State
from porelab_methods.ion_transport.curves import compiled
from porelab_methods.ion_transport.feed import composition_of
from porelab_methods.ion_transport.gui.feed_table import FeedEditor
from porelab_methods.ion_transport.gui.image_tie import ImageTie
from porelab_methods.ion_transport.gui.live import Live
from porelab_methods.ion_transport.gui.membrane_box import MembraneBox
from porelab_methods.ion_transport.gui.results import Results
from porelab_methods.ion_transport.gui.strengths_row import StrengthsRow
from porelab_methods.ion_transport.system import Membrane


class LivePage(QWidget):
    """``results`` is what the dock shows. ``updated()`` after every live solution, ``seconds`` it took."""

    updated = Signal()

    def __init__(self, context: Context, results: Results) -> None:
        super().__init__()
        self.context, self.results = context, results
        self.seconds, self.generation = 0.0, 0
        self._predicting = False
        self.loaded: set[str] = set()  # "flux", "pressure": for what the solver is there
        # a queue of its own: what is computed while a slider moves is no job of the user's
        self.queue = JobQueue(deliver=context.session.queue.deliver)
        self.destroyed.connect(lambda _=None, q=self.queue: q.close(0.0))
        self.feed = FeedEditor()
        self.box = MembraneBox(context, lambda: composition_of(self.feed.feed()))
        self.strengths = StrengthsRow()
        self.tie = ImageTie(context, self.state)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(role(QLabel("Ions through a membrane"), "title"))
        column.addWidget(WhatIsThis(get("solve_dspm_de").citation))
        for widget in (self.feed, self.box, self.strengths, self.tie):
            column.addWidget(widget)
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.solve)
        self._later = QTimer(self, singleShot=True, interval=250)
        self._later.timeout.connect(self._predict)
        self.feed.changed.connect(self._timer.start)
        for field in self.box.fields.values():
            field.editor.changed.connect(self._timer.start)
        self.strengths.changed.connect(self._timer.start)
        self.box.preset.activated.connect(lambda _: self.strengths.show_values({}))
        self.tie.filled.connect(lambda membrane: self.take(membrane, {}))
        self.tie.solved.connect(results.show_throats)
        results.picked.connect(lambda name, value: self.box.set_values({name: value}))
        self._warm()

    @property
    def ready(self) -> bool:
        """Whether the solver is loaded."""
        return "flux" in self.loaded

    def take(self, membrane: Membrane, strengths: Mapping[str, float]) -> None:
        """Show a membrane, with the strengths that were fitted with it."""
        self.box.set_membrane(membrane)
        self.strengths.show_values(strengths)

    def state(self) -> tuple[Membrane, Mapping[str, Any]]:
        """Membrane, and parameters of the Methods; ValueError or PorelabError where a field is wrong."""
        values = {**self.box.values(), "composition": composition_of(self.feed.feed())}
        return self.box.membrane(), values

    def solve(self) -> None:
        """Solve for what the fields say now; what was shown goes when they say nothing that can be solved."""
        if not self.ready:
            return
        if self.box.fields["drive"].editor.value() not in self.loaded:
            self.results.show_live(None)
            return
        begin = time.perf_counter()
        self.generation += 1
        try:
            live = Live.of(self.feed.feed(), self.box.values(), self.strengths.values)
        except (PorelabError, ValueError) as error:
            self.results.show_live(None, str(error))
        else:
            self.results.show_live(live)
            self._later.start()
        self.seconds = time.perf_counter() - begin
        self.updated.emit()

    def _predict(self) -> None:
        """Ask for the neural result; one that comes late is dropped."""
        live, asked = self.results.live, self.generation
        params = live.for_prediction() if live is not None else None
        if params is None or self._predicting:
            if params is not None:
                self._later.start()
            return

        def done(job: Job) -> None:
            self._predicting = False
            if self.generation == asked and job.state is State.DONE:
                self.results.show_neural(cast(Mapping[str, Table], job.outputs))
            elif self.generation == asked and job.state is State.FAILED:
                self.results.show_neural(None)
                self.results.note(f"No neural result: {getattr(job.error, 'what', job.error)}"[:160])

        self._predicting = True
        self.queue.submit(replace(get("predict_rejection"), lane="gpu"), {}, params, done)

    def _warm(self) -> None:
        """Load the compiled solver away from the window's thread, for a given flux first, then for a pressure.

        Where the machine has not compiled it yet, a child process does: a compiler at work outlives no window.
        """
        for drive in ("flux", "pressure"):
            self._load(drive)

    def _load(self, drive: str) -> None:
        warm = get("ion_curves")
        params = warm.validate({"feed": "nacl", "curve_points": 2, "drive": drive})

        def done(job: Job) -> None:
            self.loaded.add(drive)
            self.solve()

        def load(job: Job | None = None) -> None:
            self.queue.submit(replace(warm, lane="gpu"), {}, params, done)

        if compiled(drive):
            load()
        else:
            self.queue.submit(replace(warm, lane="process"), {}, params, load)
