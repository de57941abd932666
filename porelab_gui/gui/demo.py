"""The main job driven through the window: every step a job, a picture, a line in the recipe."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.export.methods import export
from porelab_gui.core.export.throat_table import write_throat_table
from porelab_gui.core.nouns import Labels, Network, Stack, Table
from porelab_gui.core.progress import silent
from porelab_gui.core.units import MILLIDARCY
from porelab_gui.gui.app import open_window
from porelab_gui.session.jobs import Job, State

HYDRAULIC, DIFFUSIVE = "spheres_and_cylinders", "spheres_and_cylinders"
SETTLE = 0.6


class Demo:
    """One run: ``run()`` gives the summary; pictures and files lie in ``out``."""

    def __init__(self, path: Path, load: dict[str, Any], segment: dict[str, Any], out: Path) -> None:
        self.path, self.load, self.segment, self.out = path, load, segment, out
        self.seconds: dict[str, float] = {}
        self.window = open_window()
        self.session = self.window.context.session
        self.memory = _Memory()
        self._pictures = 0

    def run(self) -> dict[str, Any]:
        """All steps in order; PorelabError of the first one that fails."""
        self._picture("welcome")
        self._load()
        self._segment()
        self._network()
        self._conductance()
        self._transport()
        self._save()
        return self._summary()

    def stay_open(self) -> None:
        """Hand the window to the user."""
        QApplication.instance().exec_()

    def close(self) -> None:
        """Close the window and end its jobs."""
        self.window.close()

    def _load(self) -> None:
        params = {"path": str(self.path), "as_labels": "no", **self.load}
        self._step("load", "Load", params, {"image": "image"})

    def _segment(self) -> None:
        self._step("segment_threshold", "Segment", self.segment, {"labels": "labels"})

    def _network(self) -> None:
        self._step("extract_network", "Network", {}, {"regions": "regions", "network": "network"})
        self._step("trim_network", "Network", {}, {"network": "network"})

    def _conductance(self) -> None:
        self._step("conductance_analytic", "Conductance", {}, {"network": "network"})
        layers = self.window.context.layers
        layers.colour_throats(f"g_hydraulic.{HYDRAULIC}", log=True)
        self._picture("throats by conductance")
        self._step("conductance_dns", "Conductance", {}, {"network": "network"})
        layers.colour_throats(f"g_diffusive.{DIFFUSIVE}", minus="g_diffusive.dns")
        self._picture("error against direct simulation")

    def _transport(self) -> None:
        self._step("solve_flow", "Transport", {"law": HYDRAULIC}, {"network": "network", "table": "permeability"})
        self._step(
            "solve_diffusion", "Transport", {"law": DIFFUSIVE}, {"network": "network", "table": "formation factor"}
        )
        self._step("compare_transport", "Transport", {}, {"table": "all laws"})
        layers = self.window.context.layers
        layers.colour_pores("pressure.z")
        layers.colour_throats("flow.z", log=True)
        self._picture("pressure and flow")

    def _step(self, method: str, step: str, params: dict[str, Any], outputs: dict[str, str]) -> None:
        """Show the step, run its Method as a job, wait with a live window, take a picture."""
        self.window.show_step(step)
        start = time.perf_counter()
        job = self._wait(self.session.run(method, params, outputs=outputs))
        self.seconds[method] = time.perf_counter() - start
        if job.state is not State.DONE:
            raise job.error or PorelabError(f"{method} was cancelled")
        self._picture(method)

    @staticmethod
    def _wait(job: Job) -> Job:
        while job.ended is None:
            QApplication.processEvents(QEventLoop.AllEvents, 50)
            time.sleep(0.005)
        return job

    def _picture(self, name: str) -> None:
        """Let the window draw, then save what it shows."""
        stop = time.monotonic() + SETTLE
        while time.monotonic() < stop:
            QApplication.processEvents(QEventLoop.AllEvents, 20)
        self._pictures += 1
        self.window.screenshot(self.out / f"{self._pictures:02d}_{name.replace(' ', '_')}.png")

    def _save(self) -> None:
        network = self._item("network", Network)
        start = time.perf_counter()
        for ending in (".vtp", ".csv", ".npz"):
            export(network, self.out / f"network{ending}", silent)
        write_throat_table(network, self.out / "throat_table.csv")
        for name in ("permeability", "formation factor", "all laws"):
            export(self._item(name, Table), self.out / f"{name.replace(' ', '_')}.csv", silent)
        self.seconds["export"] = time.perf_counter() - start
        self.session.recipe.save(self.out / "recipe.yaml")

    def _item(self, name: str, kind: type[Any]) -> Any:
        found = self.session.item(name)
        if not isinstance(found, kind):
            raise PorelabError(f"{name} is a {type(found).__name__}, not a {kind.__name__}")
        return found

    def _summary(self) -> dict[str, Any]:
        labels, network = self._item("labels", Labels), self._item("network", Network)
        flow, diffusion = self._item("permeability", Table), self._item("formation factor", Table)
        image = self._item("image", Stack)
        return {
            "image": self.path.name,
            "shape": list(image.shape),
            "voxel_size_m": list(image.voxel_size),
            "porosity": labels.porosity(),
            "pores": network.n_pores,
            "throats": network.n_throats,
            "K_m2": _per_axis(flow, "K"),
            "K_mD": {axis: k / MILLIDARCY for axis, k in _per_axis(flow, "K").items()},
            "F": _per_axis(diffusion, "F"),
            "law": {"hydraulic": HYDRAULIC, "diffusive": DIFFUSIVE},
            "notes": [*flow.notes, *diffusion.notes],
            "seconds": {**self.seconds, "total": sum(self.seconds.values())},
            "peak_rss_bytes": self.memory.peak,
        }


class _Memory:
    """Highest resident memory of this process and its workers together, looked at five times a second."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._error = psutil.Error
        self.peak = 0
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(200)

    def _look(self) -> None:
        try:
            family = [self._process, *self._process.children(recursive=True)]
            total = sum(p.memory_info().rss for p in family)
        except self._error:
            return
        self.peak = max(self.peak, total)


def _per_axis(table: Table, key: str) -> dict[str, float]:
    """Values of the column that begins with ``key``, by axis."""
    column = next(k for k in table.columns if k == key or k.startswith(f"{key}_"))
    axes = [str(a) for a in table["axis"]]
    return {a: float(v) for a, v in zip(axes, np.asarray(table[column], dtype=float), strict=True)}
