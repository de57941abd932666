"""The guided first run: five steps from a sample to its permeability, each pointing at the button that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QPoint, QRect, Qt, QTimer
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from porelab_gui.gui.theme import follow_theme, role
from porelab_gui.session.jobs import Job, State

if TYPE_CHECKING:
    from porelab_gui.gui.main_window import PorelabWindow

SAMPLE = "sandstone"
WIDTH, GAP, RIM = 300, 14, 4
FOLLOW_MS = 250  # a page that scrolls or a dock that moves takes the marks along
SETTLED = 6  # of these, while the button is kept in view
END = "That was the main job. Every step has a 'What is this?', and Report at the bottom right puts it all on a page."


@dataclass(frozen=True)
class Stop:
    """One step: what it says, where its button is, and by which Method one knows that it has been done."""

    text: str
    step: str
    method: str


STOPS = (
    Stop("Open a sample: a made-up CT image of a sandstone. Your own files open the same way.", "Load", "load"),
    Stop("Tell void from solid. The threshold is found by Otsu's method; the overlay shows it live.", "Segment",
         "segment_threshold"),
    Stop("Extract the pore network: pores, and the throats between them.", "Network", "extract_network"),
    Stop("Give every throat a conductance. Afterwards the throats are coloured by it.", "Conductance",
         "conductance_analytic"),
    Stop("Solve for flow: permeability along each axis, and where it is decided.", "Transport", "solve_flow"),
)  # fmt: skip


class Tour(QObject):
    """Walks through ``STOPS``; goes on by itself when the Method of a step has run. ``at`` is None when it is over."""

    def __init__(self, window: PorelabWindow) -> None:
        super().__init__(window.main)
        self.window = window
        self.at: int | None = None
        self._fresh = 0
        self.bubble, self.rim = Bubble(window.main, window), Rim(window.main)
        self.bubble.next_button.clicked.connect(self._skip)
        self.bubble.close_button.clicked.connect(self.stop)
        self._clock = QTimer(self)
        self._clock.setInterval(FOLLOW_MS)
        self._clock.timeout.connect(self.place)
        window.context.session.queue.finished.connect(self._on_finished)

    def start(self) -> None:
        """From the first step, on whatever is open."""
        self._go(0)
        self._clock.start()

    def stop(self) -> None:
        """Put the marks away."""
        self.at = None
        self._clock.stop()
        self.bubble.hide()
        self.rim.hide()

    def target(self) -> QWidget | None:
        """The button of the step."""
        if self.at is None or self.at >= len(STOPS):
            return None
        stop = STOPS[self.at]
        welcome = self.window.welcome
        if stop.method == "load" and welcome is not None and welcome.isVisible():
            return welcome.buttons.get(f"Samples:{SAMPLE}")
        panel = self.window.stepper.pages[stop.step].widget()
        if stop.method == "load":
            return panel.findChild(QPushButton, "open_files")
        page = getattr(panel, "pages", {}).get(stop.method, panel)
        return page.findChild(QPushButton, "run") or page

    def place(self) -> None:
        """Put bubble and rim where the button is now."""
        main, target = self.window.main, self.target()
        if target is not None:
            self._into_view(target)
        if target is None or not target.isVisible() or target.visibleRegion().isEmpty():
            self.rim.hide()
            self.bubble.beside(QRect(main.rect().center(), main.rect().center()))
            return
        spot = QRect(target.mapTo(main, QPoint(0, 0)), target.size())
        self.rim.around(spot)
        self.bubble.beside(spot)

    def _go(self, number: int) -> None:
        self.at = number
        last = number >= len(STOPS)
        if not last:
            self._show_page(STOPS[number])
        self.bubble.say(END if last else STOPS[number].text, number, last)
        self.place()

    def _show_page(self, stop: Stop) -> None:
        panel = self.window.show_step(stop.step)
        if stop.method in getattr(panel, "names", ()):
            panel.show_method(stop.method)  # type: ignore[attr-defined]
        self._fresh = SETTLED

    def _into_view(self, target: QWidget) -> None:
        """A page takes its size some time after it is shown; then it is the user who scrolls."""
        area = self.window.stepper.stack.currentWidget()
        if self._fresh and isinstance(area, QScrollArea) and area.isAncestorOf(target):
            area.ensureWidgetVisible(target, 0, 2 * GAP)
            self._fresh -= 1

    def _skip(self) -> None:
        if self.at is None or self.at >= len(STOPS):
            self.stop()
        else:
            self._go(self.at + 1)

    def _on_finished(self, job: Job) -> None:
        if self.at is None or self.at >= len(STOPS) or job.state is not State.DONE:
            return
        if job.method.name == STOPS[self.at].method:
            self._go(self.at + 1)


class Bubble(QFrame):
    """A few words beside the button, with the number of the step."""

    def __init__(self, parent: QWidget, window: PorelabWindow) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setProperty("kind", "info")
        self.setFixedWidth(WIDTH)
        self.number, self.words = role(QLabel(), "section"), QLabel()
        self.words.setWordWrap(True)
        self.words.setFixedWidth(WIDTH - 36)
        self.words.setObjectName("tour_words")
        self.next_button, self.close_button = QPushButton("Skip"), QPushButton("End the tour")
        self.next_button.setObjectName("tour_next")
        self.close_button.setObjectName("tour_close")
        column = QVBoxLayout(self)
        column.addWidget(self.number)
        column.addWidget(self.words)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.next_button)
        row.addWidget(self.close_button)
        column.addLayout(row)
        follow_theme(self, window.viewer)
        self.hide()

    def say(self, text: str, number: int, last: bool) -> None:
        """Show the words of a step."""
        self.number.setText("Done" if last else f"Step {number + 1} of {len(STOPS)}")
        self.words.setText(text)
        self.next_button.setVisible(not last)
        self.close_button.setText("Close" if last else "End the tour")
        self.show()
        self.raise_()

    def beside(self, spot: QRect) -> None:
        """Left of a rectangle of the parent where there is room, else right of it, else below."""
        self.adjustSize()
        room = self.parentWidget().rect()
        x = spot.left() - WIDTH - GAP
        if x < room.left():
            x = spot.right() + GAP
        y = spot.center().y() - self.height() // 2
        if x + WIDTH > room.right():
            x, y = spot.left(), spot.bottom() + GAP
        self.move(min(x, room.right() - WIDTH), max(0, min(y, room.bottom() - self.height())))
        self.raise_()


class Rim(QWidget):
    """A frame around the button that lets clicks through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("tour_rim")
        self.setStyleSheet(
            "QWidget#tour_rim { border: 3px solid #f2a33c; border-radius: 7px; background: transparent; }"
        )
        self.hide()

    def around(self, spot: QRect) -> None:
        """Lie around a rectangle of the parent."""
        self.setGeometry(spot.adjusted(-RIM, -RIM, RIM, RIM))
        self.show()
        self.raise_()
