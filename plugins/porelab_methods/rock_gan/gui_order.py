"""The page "Rocks to order": targets, search, and the job while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.layers import VIEW_ANGLES
from porelab_gui.gui.learning.run_panel import RunPanel
from porelab_gui.gui.numbers import pretty_unit
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours, role
from porelab_gui.session.jobs import FINISHED, Job, State
from porelab_methods.rock_gan.gui_targets import TargetsEditor
from porelab_methods.rock_gan.order import Row, Standing
from porelab_methods.rock_gan.targets import Wish

PERIOD_MS = 250
NAME = "condition_rock"


class OrderPage(MethodForm):
    """The form with an editor for the targets, and the view of the job under it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, NAME, hidden=("targets",), button="Search rocks")
        self.targets = TargetsEditor()
        self._column.insertWidget(self._column.indexOf(self.chooser) + 1, self.targets)
        self.run_panel = RunPanel(context, (NAME,))
        self.view = OrderView(context)
        self._column.addWidget(self.run_panel)
        self._column.addWidget(self.view)
        self.targets.changed.connect(self._on_targets)
        self._on_targets()

    def check(self) -> bool:
        """Mark what is wrong, in the fields and among the targets."""
        good = super().check()
        editor = getattr(self, "targets", None)
        if editor is not None and not editor.good():
            self._enable(False)
            return False
        return good

    def _on_targets(self) -> None:
        self.set_values({"targets": self.targets.value()})


class OrderView(QWidget):
    """Target, best so far, evaluations; reached against target; the accepted rocks, each of which can be opened."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.job: Job | None = None
        self.now, self.spread = QLabel(), QLabel()
        self.scatter, self.picture = PlotCanvas(context, self._draw_scatter), PlotCanvas(context, self._draw_slice)
        self.scatter.numbers = self._numbers
        self.rocks, self.open = QListWidget(), QPushButton("Show in 3D")
        self.rocks.setObjectName("accepted_rocks")
        self.rocks.setMaximumHeight(130)
        for label in (self.now, self.spread):
            label.setWordWrap(True)
        role(self.spread, "quiet")
        self.scatter.setMinimumHeight(200)
        self.picture.setMinimumHeight(150)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        self.heading = role(QLabel("Accepted rocks"), "section")
        for widget in (self.now, self.picture, self.scatter, self.heading, self.rocks, self.open, self.spread):
            column.addWidget(widget)
        self.open.clicked.connect(self.open_chosen)
        self.rocks.itemDoubleClicked.connect(lambda _: self.open_chosen())
        self.rocks.itemSelectionChanged.connect(self._enable)
        self._timer = QTimer(self, singleShot=True, interval=PERIOD_MS)
        self._timer.timeout.connect(self.refresh)
        context.session.queue.changed.connect(self._on_job)
        self.refresh()

    @property
    def standing(self) -> Standing | None:
        """Where the shown job is."""
        return None if self.job is None else self.job.pictures.get("order")

    def refresh(self) -> None:
        """Show what is known now."""
        now = self.standing
        self.setVisible(now is not None)
        if now is None:
            return
        self.now.setText(_words(now))
        self.picture.setVisible(now.slice is not None)
        self.scatter.setVisible(bool(now.rows))
        self._list(now)
        self.spread.setText(_spread(now))
        for plot in (self.picture, self.scatter):
            plot.refresh()

    def open_chosen(self) -> None:
        """Load the chosen rock and turn the viewer to 3D."""
        item = self.rocks.currentItem()
        if item is None:
            return
        row: Row = item.data(Qt.ItemDataRole.UserRole)
        name = f"rock {row.number}"
        params = {"path": row.file, "as_labels": "yes"}
        self.context.session.run("load", params, outputs={"image": name}, done=lambda job: self._turn(job, name))

    def _turn(self, job: Job, name: str) -> None:
        """Look at the rock alone, at a slant."""
        viewer = self.context.viewer
        if job.state is State.DONE:
            shown = self.context.layers.layer(name)
            for layer in viewer.layers:
                layer.visible = layer is shown
            viewer.dims.ndisplay = 3
            viewer.camera.angles = VIEW_ANGLES
            viewer.fit_to_view(layers=[shown])
        elif job.error is not None:
            self.context.report(job.error, job.trace)

    def _on_job(self, job: Job) -> None:
        if job.method.name != NAME or (self.job is not None and job.number < self.job.number):
            return
        self.job = job
        if job.state in FINISHED:
            self.refresh()
        elif not self._timer.isActive():
            self._timer.start()

    def _list(self, now: Standing) -> None:
        accepted = [row for row in now.rows if row.accepted]
        if self.rocks.count() > len(accepted):
            self.rocks.clear()
        for row in accepted[self.rocks.count() :]:
            item = QListWidgetItem(_row_words(row, now.wishes))
            item.setData(Qt.ItemDataRole.UserRole, row)
            item.setToolTip(row.file)
            self.rocks.addItem(item)
        for widget in (self.heading, self.rocks, self.open):
            widget.setVisible(bool(accepted))
        self._enable()

    def _enable(self) -> None:
        there = self.rocks.currentItem() is not None
        self.open.setEnabled(there)
        self.open.setToolTip("" if there else "Choose a rock in the list first.")

    def _draw_slice(self, axes: Any, chosen: Colours) -> None:
        axes.set_axis_off()
        now = self.standing
        if now is not None and now.slice is not None:
            axes.imshow(np.asarray(now.slice), cmap="gray_r" if not chosen.dark else "gray", interpolation="nearest")
            axes.set_title("best so far, middle slice", fontsize=8)

    def _draw_scatter(self, axes: Any, chosen: Colours) -> None:
        now = self.standing
        if now is None or not now.rows:
            axes.set_axis_off()
            return
        seen: list[float] = []
        for k, wish in enumerate(now.wishes):
            x, y, good = _points(now.rows, wish)
            low, scale = wish.low, (wish.high - wish.low) or wish.tolerance
            if len(now.wishes) == 1:
                low, scale = 0.0, wish.property.factor
            colour = LINES[k % len(LINES)]
            x, y = (x - low) / scale, (y - low) / scale
            axes.plot(x[good], y[good], "o", ms=4, color=colour, mec="none", label=wish.property.title.split(" (")[0])
            axes.plot(x[~good], y[~good], "x", ms=5, color=colour)
            _diagonal(axes, wish, low, scale, chosen)
            seen += [*x[np.isfinite(x)], *y[np.isfinite(y)]]
        _fit(axes, np.array(seen))
        _name_axes(axes, now.wishes, chosen)

    def _numbers(self) -> dict[str, NDArray[Any]]:
        now = self.standing
        if now is None:
            return {}
        columns: dict[str, NDArray[Any]] = {"rock": np.array([r.number for r in now.rows])}
        for wish in now.wishes:
            x, y, good = _points(now.rows, wish)
            columns |= {f"{wish.property.name} target": x, f"{wish.property.name} reached": y, "accepted": good}
        return columns


def _points(rows: list[Row], wish: Wish) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    name = wish.property.name
    return (
        np.array([r.targets[name] for r in rows]),
        np.array([r.reached[name] for r in rows]),
        np.array([r.accepted for r in rows], dtype=bool),
    )


def _fit(axes: Any, seen: NDArray[np.float64]) -> None:
    """The same limits on both axes, around all points."""
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(low - room, high + room)


def _diagonal(axes: Any, wish: Wish, low: float, scale: float, chosen: Colours) -> None:
    """Reached = target, with the tolerance as a band."""
    room = max(wish.high - wish.low, 4 * wish.tolerance) * 0.1
    ends = (np.array([wish.low - room, wish.high + room]) - low) / scale
    axes.plot(ends, ends, "-", lw=1, color=chosen.quiet, zorder=1)
    wide = wish.tolerance / scale
    axes.fill_between(ends, ends - wide, ends + wide, color=chosen.quiet, alpha=0.25, lw=0, zorder=0)


def _name_axes(axes: Any, wishes: tuple[Wish, ...], chosen: Colours) -> None:
    axes.xaxis.get_major_locator().set_params(nbins=4)
    if len(wishes) == 1:
        p = wishes[0].property
        unit = f" [{pretty_unit(p.label)}]" if p.label not in ("", "1") else ""
        axes.set_xlabel(f"target {p.title.split(',')[0].split(' (')[0]}{unit}")
        axes.set_ylabel("reached")
        return
    axes.set_xlabel("target, share of its range")
    axes.set_ylabel("reached")
    legend = axes.legend(fontsize=7, frameon=False)
    for text in legend.get_texts():
        text.set_color(chosen.text)


def _words(now: Standing) -> str:
    """The rock in work: what is asked, what is there, how many evaluations."""
    lines = []
    for target in now.targets:
        p = target.property
        best = now.best.get(p.name)
        found = "—" if best is None else f"{best / p.factor:.4g}"
        lines.append(f"Target: {target.text.replace('um', 'µm')}\nBest so far: {found}")
    close = f", {now.worst:.2g} tolerances off" if np.isfinite(now.worst) and now.worst > 1 else ""
    lines.append(f"Evaluations: {now.evaluations}{close}")
    return "\n".join(lines)


def _row_words(row: Row, wishes: tuple[Wish, ...]) -> str:
    parts = [f"{row.reached[w.property.name] / w.property.factor:.4g}" for w in wishes]
    units = [pretty_unit(w.property.label.replace("um", "µm")) for w in wishes]
    told = ", ".join(f"{v} {u}".strip() for v, u in zip(parts, units, strict=True))
    return f"{row.number}: {told} ({row.evaluations} evaluations)"


def _spread(now: Standing) -> str:
    accepted = sum(row.accepted for row in now.rows)
    head = f"{accepted} of {len(now.rows)} rocks within tolerance."
    place = next((str(Path(r.file).parent) for r in now.rows if r.file), "")
    words = (
        head
        if now.spread is None
        else (f"{head} Spread among them, 1 for random rocks: latents {now.spread[0]:.2f}, voxels {now.spread[1]:.2f}.")
    )
    return f"{words}\nFiles: {place.replace('/', '/' + chr(0x200B))}" if place else words
