"""Networks of Avizo and PerGeos (.am): VERTEX are pores, EDGE are throats, x first.

Lengths are in the unit that the header names, else in micrometres.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.amira import Amira, Field, parse, section
from porelab_gui.core.image.formats.avizo import length_unit
from porelab_gui.core.nouns import Column, Network

# their name -> ours, power of the length unit, factor
KNOWN = {
    "eqradius": ("equivalent_diameter", 1, 2.0), "radius": ("inscribed_diameter", 1, 2.0),
    "thickness": ("inscribed_diameter", 1, 2.0), "volume": ("volume", 3, 1.0), "area": ("cross_sectional_area", 2, 1.0),
    "channellength": ("total_length", 1, 1.0), "length": ("total_length", 1, 1.0), "label": ("region", 0, 1.0),
    "labelid": ("region", 0, 1.0), "inscribeddiameter": ("inscribed_diameter", 1, 1.0),
}  # fmt: skip
UNITS = {0: "", 1: "m", 2: "m2", 3: "m3"}
SKIP = {"vertexcoordinates", "edgeconnectivity", "numedgepoints", "edgepointcoordinates"}


def is_network(path: Path) -> bool:
    """Whether a .am holds a graph rather than a lattice."""
    with path.open("rb") as handle:
        head = handle.read(1 << 16)
    return b"define VERTEX" in head and b"define EDGE" in head


def _columns(am: Amira, owner: str, unit: float) -> dict[str, Column]:
    made = {}
    for field in am.fields:
        key = field.name.lower()
        if field.owner != owner or key in SKIP:
            continue
        name, power, factor = KNOWN.get(key, (field.name, 0, 1.0))
        values = section(am, field)
        if power or factor != 1.0:
            values = values.astype(float) * factor * unit**power
        made[name] = Column(values, UNITS[power])
    return made


def _needed(am: Amira, owner: str, name: str) -> Field:
    field = am.of(owner, name)
    if field is None:
        raise FormatError(f"it has no {name}", where=am.path, remedy="Export the pore network model again.")
    return field


def read(path: Path) -> Network:
    """Read a pore network model or a spatial graph."""
    am = parse(path)
    stated = length_unit(am)
    unit = stated or 1e-6
    coords = np.asarray(section(am, _needed(am, "VERTEX", "VertexCoordinates")), float)[:, ::-1] * unit
    conns = np.asarray(section(am, _needed(am, "EDGE", "EdgeConnectivity")), np.int64)
    pores, throats = _columns(am, "VERTEX", unit), _columns(am, "EDGE", unit)
    told = {"method": "Avizo file", "length_unit_m": unit, "length_unit_stated": stated is not None}
    z, y, x = (float(n) for n in np.ptp(coords, axis=0)) if len(coords) else (0.0, 0.0, 0.0)
    return Network(
        coords,
        conns,
        pores,
        throats,
        size=(z, y, x),
        extraction=told,
        name=path.stem,
        source=str(path),
    )
