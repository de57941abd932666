"""The dock of results: rejection, profiles, live curves, pairing and throats in tabs, for the state that is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Network, Table
from porelab_gui.core.registry import get
from porelab_gui.gui.access import make_accessible
from porelab_gui.gui.context import Context
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.theme import Colours, follow_theme, restyle, role
from porelab_gui.gui.what import ask_in_corner
from porelab_methods.ion_transport.gui import charts
from porelab_methods.ion_transport.gui.live import Live

WAIT = "Loading the solver …"
NO_NETWORK = "Choose a network under Geometry from an image and solve its throats."
NO_PAIRS = "The map of attention comes with the neural result."
OF_ALL = " of its charge"
MARGINS = (42.0, 8.0, 16.0, 32.0)
PAIRS = (24.0, 4.0, 16.0, 18.0)  # no name on the axes
UNIT = {"flux": 1e6, "pore_radius": 1e9}


class Results(QWidget):
    """``show_live``, ``show_neural`` and ``show_throats`` fill it; ``picked(name, value)`` when a curve was clicked."""

    picked = Signal(str, float)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.live: Live | None = None
        self.neural: Mapping[str, Table] | None = None
        self._curves: Mapping[str, Table] | None = None
        self._throats: tuple[Network, Table] | None = None
        self.charts: dict[str, PlotCanvas] = {}
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.said = role(QLabel(WAIT), "quiet")
        self.said.setObjectName("residual")
        self.said.setWordWrap(True)
        # of one height whatever it says: a chart that changes its size is drawn twice
        self.said.setFixedHeight(5 * self.said.fontMetrics().lineSpacing() // 2 + 6)
        self.said.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._tab("Rejection", bars=self._draw_bars)
        self._tab("Profiles", concentration=self._draw_profiles, potential=self._draw_potential)
        self._tab("Curves", by_flux=self._draw_by_flux, by_radius=self._draw_by_radius)
        pairs = {"attention": self._draw_attention, "charges": self._draw_charges, "removal": self._draw_removal}
        self._tab("Pairing", PAIRS, **pairs)
        self._tab("Throats", throats=self._draw_throats)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 4)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.said)
        self.setMinimumHeight(150)
        for key, name in (("by_flux", "flux"), ("by_radius", "pore_radius")):
            self.charts[key].clicked.connect(lambda x, y, e, n=name: self.picked.emit(n, x / UNIT[n]))
        self.tabs.currentChanged.connect(lambda _: self._say())
        ask_in_corner(self.tabs, f"{get('solve_dspm_de').citation} {get('predict_rejection').citation}")
        make_accessible(self)
        follow_theme(self, context.viewer)

    def show_live(self, live: Live | None, problem: str = "") -> None:
        """Another state, or none with the reason; a neural result of the state before is taken away."""
        self.live, self._problem = live, problem
        self.neural, self._curves = None, None
        self._refresh()

    def show_neural(self, found: Mapping[str, Table] | None) -> None:
        """The neural result of the state that is shown."""
        self.neural = found
        self._refresh("bars", "attention", "charges", "removal")

    def note(self, text: str) -> None:
        """A sentence about what could not be shown beside the live result."""
        self.said.setText(f"{self.sentence()} {text}")

    def show_throats(self, network: Network, table: Table) -> None:
        """A network with its rejections."""
        self._throats = (network, table)
        self.tabs.setCurrentIndex(4)
        self._refresh("throats")

    # -- building

    _problem = ""

    def _tab(self, title: str, margins: tuple[float, float, float, float] = MARGINS, **draws: Any) -> None:
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 2, 0, 0)
        for name, draw in draws.items():
            self.charts[name] = chart = PlotCanvas(self.context, draw, margins)
            chart.numbers = partial(self.numbers, name)
            role(chart.message, "quiet")
            row.addWidget(chart, 1)
        self.tabs.addTab(page, title)

    def _refresh(self, *names: str) -> None:
        for name in names or self.charts:
            self.charts[name].refresh()
        self._say()

    def _say(self) -> None:
        restyle(self.said, "error" if self._problem else "quiet")
        self.said.setText(self._problem or self.sentence())

    def sentence(self) -> str:
        """Flux, remarks and the residuals of the charge balance."""
        if self.live is None:
            return WAIT
        parts = [*self.live.remarks[:3], self.live.residuals]
        if self.neural is not None:
            parts += [f"neural: {note}" for note in self.neural["rejections"].notes if "strengths" not in note]
        if self.tabs.currentIndex() == 3 and self.neural is not None:
            parts = [self._agreement()]
        text = ". ".join(p[:1].upper() + p[1:] for p in parts if p)
        return f"{text.replace(OF_ALL, '')}{' (of its charge)' if OF_ALL in text else ''}."

    def _agreement(self) -> str:
        from porelab_methods.ion_transport.attention import pair_correlation

        maps = {k: self.matrix(k) for k in ("attention", "charges", "removal")}
        said = []
        for other, words in (("charges", "charge products"), ("removal", "what hiding an ion changes")):
            value = pair_correlation(maps["attention"], maps[other])
            said.append(f"{value:.2f} with {words}" if np.isfinite(value) else f"too few pairs for {words}")
        return "Rank correlation of attention: " + ", ".join(said)

    # -- the numbers

    @property
    def names(self) -> Sequence[str]:
        """Of the ions, as they are written in a chart."""
        if self.live is None:
            return []
        return [charts.label(i.name, i.charge) for i in self.live.feed.ions]

    def curves(self) -> Mapping[str, Table] | None:
        """The curves of the state; computed when they are first looked at."""
        if self._curves is None and self.live is not None:
            self._curves = self.live.curves()
        return self._curves

    def matrix(self, name: str) -> Any:
        """An ion-by-ion picture as an array (n, n)."""
        assert self.neural is not None and self.live is not None
        table, count = self.neural["pairs"], len(self.live.feed.ions)
        key = {"attention": "attention", "charges": "charge_product", "removal": "removal"}[name]
        made = np.full((count, count), np.nan)
        i, j = np.triu_indices(count, 1)
        made[i, j] = made[j, i] = table[key]
        return made

    def numbers(self, name: str) -> dict[str, Any]:
        """Columns of a chart for its CSV file."""
        if name == "throats" or self.live is None:
            return {}
        if name in ("by_flux", "by_radius"):
            table = (self.curves() or {})[name]
        else:
            table = self.live.profiles if name in ("concentration", "potential") else self.live.rejections
        return {k: c.values for k, c in table.columns.items() if c.values.dtype.kind in "iuf"}

    # -- drawing

    def _empty(self, axes: Any, name: str, message: str) -> bool:
        """Whether there is nothing to draw; says why."""
        chart = self.charts[name]
        chart.message.setText(message)
        chart.message.setVisible(bool(message))
        if message:
            axes.set_axis_off()
        return bool(message)

    def _nothing(self) -> str:
        if self._problem:
            return " "
        return "" if self.live is not None else WAIT

    def _draw_bars(self, axes: Any, chosen: Colours) -> None:
        if not self._empty(axes, "bars", self._nothing()) and self.live is not None:
            neural = self.neural["rejections"] if self.neural is not None else None
            charts.draw_bars(axes, chosen, self.live.rejections, neural, bool(self.live.strengths))

    def _draw_profiles(self, axes: Any, chosen: Colours) -> None:
        if not self._empty(axes, "concentration", self._nothing()) and self.live is not None:
            ions = self.live.feed.ions
            charts.draw_profiles(axes, chosen, self.live.profiles, [i.name for i in ions], [i.charge for i in ions])

    def _draw_potential(self, axes: Any, chosen: Colours) -> None:
        if not self._empty(axes, "potential", self._nothing()) and self.live is not None:
            charts.draw_potential(axes, chosen, self.live.profiles)

    def _draw_by_flux(self, axes: Any, chosen: Colours) -> None:
        self._draw_curve(axes, chosen, "by_flux", "flux", "flux [µm/s]")

    def _draw_by_radius(self, axes: Any, chosen: Colours) -> None:
        self._draw_curve(axes, chosen, "by_radius", "pore_radius", "pore radius [nm]")

    def _draw_curve(self, axes: Any, chosen: Colours, name: str, key: str, title: str) -> None:
        if self._empty(axes, name, self._nothing()):
            return
        made = self.curves()
        assert made is not None and self.live is not None
        table = made[name]
        lines = [table[f"rejection.{n}"] for n in self.live.feed.names]
        at = self.live.params[key] * UNIT[key]
        charts.draw_curves(axes, chosen, table[key] * UNIT[key], at, title, lines, self.names)

    def _draw_pair(self, axes: Any, chosen: Colours, name: str, title: str) -> None:
        message = self._nothing() or ("" if self.neural is not None else NO_PAIRS)
        if not self._empty(axes, name, message):
            charts.draw_pairs(axes, chosen, self.matrix(name), self.names, title)

    def _draw_attention(self, axes: Any, chosen: Colours) -> None:
        self._draw_pair(axes, chosen, "attention", "attention")

    def _draw_charges(self, axes: Any, chosen: Colours) -> None:
        self._draw_pair(axes, chosen, "charges", "charge product")

    def _draw_removal(self, axes: Any, chosen: Colours) -> None:
        self._draw_pair(axes, chosen, "removal", "change when hidden")

    def _draw_throats(self, axes: Any, chosen: Colours) -> None:
        if self._empty(axes, "throats", "" if self._throats else NO_NETWORK) or self._throats is None:
            return
        network, table = self._throats
        values = {str(n): network.throat(f"rejection.{n}") for n in table["ion"]}
        share = network.throat("inscribed_diameter") ** 4
        mixed = dict(zip(values, table["mixed"], strict=True))
        names = [str(n) for n in values]
        charts.draw_spread(axes, chosen, values, share / share.sum(), mixed, names)
