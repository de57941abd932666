"""The one table of K and F: every conductance that the network has, under both boundary treatments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.pnm.axis import AxisResult, solve_axis
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW, KINDS, Kind, conductance_column
from porelab_gui.core.units import MILLIDARCY

_TREATMENTS = ("reservoirs", "centres")


def compare(
    network: Network,
    *,
    axes: Iterable[str] = ("z", "y", "x"),
    backend: str = "auto",
    progress: Progress = silent,
) -> Table:
    """One row per law and axis: K [m2, mD] and F, each with explicit face reservoirs and with pore centres at the
    faces, and the relative difference of the two (centres / reservoirs - 1).

    Raises InputError when the network has no conductance column; a column that is refused leaves NaN and a note.
    """
    axes = tuple(axes)
    prefixes = tuple(f"{kind.prefix}." for kind in KINDS)
    laws = dict.fromkeys(key.split(".", 1)[1] for key in network.throats if key.startswith(prefixes))
    if not laws:
        raise InputError(
            "the network has no conductances to compare",
            where=network.name or None,
            remedy="Compute conductances from geometry first.",
        )
    rows = [(law, axis) for law in laws for axis in axes]
    notes: list[str] = []
    values = {(kind.prefix, way): np.full(len(rows), np.nan) for kind in KINDS for way in _TREATMENTS}
    for done, (law, axis) in enumerate(rows):
        progress(done, len(rows), f"{law} along {axis}")
        for kind in KINDS:
            for boundary in _TREATMENTS:
                found = _one(network, law, axis, boundary, kind, backend, notes)
                values[kind.prefix, boundary][done] = found
    progress(len(rows), len(rows), "done")
    return _table(network, rows, values, _gathered(notes))


def _one(network: Network, law: str, axis: str, boundary: str, kind: Kind, backend: str, notes: list[str]) -> float:
    """K [m2] or F of one case; NaN and a note where there is none."""
    if f"{kind.prefix}.{law}" not in network.throats:
        return np.nan
    try:
        _, _, fluid = conductance_column(network, law, kind)
        result: AxisResult = solve_axis(network, law, axis, boundary, kind, backend)
    except InputError as error:
        notes.append(f"{boundary}: {error.sentence}")
        return np.nan
    notes += [f"{boundary}: {note}" for note in result.notes]
    return result.value if kind is FLOW else fluid / result.value


def _gathered(notes: list[str]) -> tuple[str, ...]:
    """Each sentence once, with the number of cases (a law, an axis, a process) that it is true of."""
    counted = Counter(notes)
    return tuple(f"{note} ({n} {'cases' if n > 1 else 'case'})" for note, n in counted.items())


def _table(
    network: Network,
    rows: list[tuple[str, str]],
    values: dict[tuple[str, str], np.ndarray[tuple[int], np.dtype[np.float64]]],
    notes: tuple[str, ...],
) -> Table:
    columns = {
        "law": Column(np.array([law for law, _ in rows])),
        "axis": Column(np.array([axis for _, axis in rows])),
    }
    for kind, name, unit in ((FLOW, "K_m2", "m2"), (DIFFUSION, "F", "1")):
        held, centres = values[kind.prefix, "reservoirs"], values[kind.prefix, "centres"]
        columns[f"{name}.reservoirs"] = Column(held, unit, "explicit face reservoirs")
        columns[f"{name}.centres"] = Column(centres, unit, "pore centres at the faces")
        columns[f"{name}.difference"] = Column(centres / held - 1, "1", "centres over reservoirs, minus 1")
    for way in _TREATMENTS:
        columns[f"K_mD.{way}"] = Column(values[FLOW.prefix, way] / MILLIDARCY, "mD", columns[f"K_m2.{way}"].title)
    return Table(columns, notes, name="K and F by law and boundary treatment", source=network.name)
