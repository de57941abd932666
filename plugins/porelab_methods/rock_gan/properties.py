"""Properties of a rock: from its voxels, from its pore network, or from any Method that gives a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.method import Method
from porelab_gui.core.nouns import AXES, Labels, Network, Table
from porelab_gui.core.registry import get
from porelab_gui.core.units import MILLIDARCY

EULER_NEIGHBOURS = 6  # void voxels join through faces only, as they do for the network; solid ones through corners too
UNITS = {"": 1.0, "1": 1.0, "m2": 1.0, "mD": MILLIDARCY, "D": 1e3 * MILLIDARCY, "m": 1.0, "um": 1e-6, "nm": 1e-9,
         "%": 0.01, "1/m": 1.0, "1/mm": 1e3, "1/m3": 1.0, "1/mm3": 1e9}  # fmt: skip


@dataclass(frozen=True)
class Property:
    """One number of a rock. ``shown`` is the unit that people use; ``log``: searched and compared as a logarithm."""

    name: str
    title: str
    unit: str
    of: Callable[[Rock], float]
    shown: str = ""
    log: bool = False

    @property
    def factor(self) -> float:
        """SI per shown unit."""
        return UNITS.get(self.shown or self.unit, 1.0)

    @property
    def label(self) -> str:
        """The unit that people use."""
        return self.shown or self.unit


class Rock:
    """Labels with what is computed from them once: network, conductances, transport."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._tables: dict[str, Mapping[str, Any]] = {}

    @cached_property
    def network(self) -> Network | None:
        """The network with conductances, as the window's Methods make it; None when there is no pore."""
        try:
            network = get("extract_network")({"labels": self.labels}, {})["network"]
        except InputError:
            return None
        return get("conductance_analytic")({"network": network}, {})["network"]  # type: ignore[return-value]

    def inner(self, kind: str) -> Any:
        """Inscribed diameters (m) of pores or throats, the virtual ones at the faces left out."""
        network = self.network
        if network is None:
            return np.zeros(0)
        virtual = network.pore("boundary").astype(bool)
        if kind == "pore":
            return network.pore("inscribed_diameter")[~virtual]
        return network.throat("inscribed_diameter")[~virtual[network.conns].any(axis=1)]

    def transport(self, method: str, axis: str, column: str) -> float:
        """One number of a solve along one axis; NaN when the network does not span it."""
        key = f"{method}.{axis}"
        if self.network is None:
            return float("nan")
        if key not in self._tables:
            self._tables[key] = get(method)({"network": self.network}, {"axes": (axis,)})
        return float(self._tables[key]["table"][column][0])

    def outputs(self, method: Method) -> Mapping[str, Any]:
        """What a Method with its default parameters makes of this rock."""
        if method.name not in self._tables:
            have = {"labels": self.labels, "network": self.network}
            needed = [k for k, port in method.inputs.items() if not port.optional]
            self._tables[method.name] = method({k: have[k] for k in needed}, {})
        return self._tables[method.name]


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _permeability(axis: str) -> Callable[[Rock], float]:
    def of(rock: Rock) -> float:
        value = rock.transport("solve_flow", axis, "K_m2")
        return value if np.isfinite(value) else 0.0  # no path, no flow

    return of


def _formation(axis: str) -> Callable[[Rock], float]:
    def of(rock: Rock) -> float:
        value = rock.transport("solve_diffusion", axis, "F")
        return value if np.isfinite(value) else float("inf")

    return of


def _surface(rock: Rock) -> float:
    from porelab_gui.core.image.morphology.minkowski import surface_density

    return surface_density(rock.labels.void_mask(), rock.labels.voxel_size)


def _euler(rock: Rock) -> float:
    from porelab_gui.core.image.morphology.minkowski import euler_density

    return euler_density(rock.labels.void_mask(), rock.labels.voxel_size, EULER_NEIGHBOURS)


def _mean_permeability(rock: Rock) -> float:
    return float(np.mean([_permeability(a)(rock) for a in AXES]))


_FIXED = (
    Property("porosity", "porosity", "1", lambda r: r.labels.porosity()),
    Property("specific_surface", "specific surface", "1/m", _surface, "1/mm"),
    Property("euler_density", "Euler characteristic per volume (6-connected void)", "1/m3", _euler, "1/mm3"),
    Property("permeability", "permeability, mean of the axes", "m2", _mean_permeability, "mD", log=True),
    Property("pore_size", "mean inscribed pore diameter", "m", lambda r: _mean(r.inner("pore")), "um"),
    Property("throat_size", "mean inscribed throat diameter", "m", lambda r: _mean(r.inner("throat")), "um"),
)
PROPERTIES: dict[str, Property] = {p.name: p for p in _FIXED}
for _axis in AXES:
    PROPERTIES[f"permeability_{_axis}"] = Property(
        f"permeability_{_axis}", f"permeability along {_axis}", "m2", _permeability(_axis), "mD", log=True
    )
    PROPERTIES[f"formation_factor_{_axis}"] = Property(
        f"formation_factor_{_axis}", f"formation factor along {_axis}", "1", _formation(_axis), log=True
    )


def find_property(name: str) -> Property:
    """A property by its name, or any number of any Method as ``METHOD/OUTPUT/COLUMN[/ROW]``.

    ROW is the text in the first column of the row that is meant (an axis, a quantity); without it the first row. In a
    table of quantities COLUMN is the quantity. ParameterError when there is no such thing.
    """
    if name in PROPERTIES:
        return PROPERTIES[name]
    method_name, *rest = name.split("/")
    if len(rest) not in (2, 3):
        raise ParameterError(
            f"there is no property {name!r}",
            where="targets",
            remedy=f"Take one of {', '.join(PROPERTIES)}, or METHOD/OUTPUT/COLUMN/ROW.",
        )
    method = get(method_name)
    needed = {k for k, port in method.inputs.items() if not port.optional}
    if not needed <= {"labels", "network"} or not issubclass(method.outputs.get(rest[0], Labels), Table):
        raise ParameterError(
            f"{method_name} does not make a table {rest[0]!r} of labels or a network",
            where="targets",
            remedy=f"Its tables: {', '.join(k for k, v in method.outputs.items() if v is Table) or 'none'}.",
        )
    return Property(name, name.replace("/", ", "), "", lambda rock: _cell(rock.outputs(method)[rest[0]], rest[1:]))


def _cell(table: Table, path: list[str]) -> float:
    """One number of a table."""
    first = next(iter(table.columns), "")
    if path[0] not in table.columns and first == "quantity":
        path = ["value", path[0]]
    if path[0] not in table.columns:
        known = ", ".join(table["quantity"]) if first == "quantity" else ", ".join(table.columns)
        raise ParameterError(f"the table has no {path[0]!r}", where="targets", remedy=f"It has {known}.")
    rows = [str(v) for v in table[first]]
    if len(path) > 1 and path[1] not in rows:
        raise ParameterError(f"the table has no row {path[1]!r}", where="targets", remedy=f"It has {', '.join(rows)}.")
    return float(table[path[0]][rows.index(path[1]) if len(path) > 1 else 0])


def measure(labels: Labels, names: Iterable[str]) -> dict[str, float]:
    """The named properties of a rock in SI; what several need is computed once."""
    rock = Rock(labels)
    return {name: find_property(name).of(rock) for name in names}
