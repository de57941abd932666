"""What every voxel solver gives back: one number, the field behind it, and how far it may be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import NotConverged
from porelab_gui.core.nouns import Column, Table


@dataclasses.dataclass(frozen=True)
class SolveResult:
    """One solve on voxels.

    ``value`` [``unit``] is what was asked for; it is NaN whenever ``converged`` is False, whatever was passed.
    ``field`` is (z, y, x) for a scalar or (3, z, y, x) for a vector in SI, or None; ``residual`` the relative
    residual at the stop; ``resolution`` and ``boundary`` are sentences for the report; ``advice`` says what to
    try when the solve failed or the number means something special; ``more`` holds further numbers as
    (value, unit), for example ``{"tortuosity": (1.9, "1")}``.
    """

    quantity: str
    value: float
    unit: str
    converged: bool
    residual: float
    iterations: int
    resolution: str
    boundary: str
    axis: str = ""
    advice: str = ""
    field: NDArray[Any] | None = None
    seconds: float = 0.0
    more: Mapping[str, tuple[float, str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        more = {k: (float(v), u) for k, (v, u) in self.more.items()}
        if not self.converged:
            # a number of a solve that did not finish must not be taken for a result
            put(self, "value", float("nan"))
            more = {k: (float("nan"), u) for k, (_, u) in more.items()}
        put(self, "more", MappingProxyType(more))

    def required(self) -> float:
        """The value; NotConverged with the advice when there is none."""
        if not self.converged:
            raise NotConverged(
                f"{self.quantity} did not converge: relative residual {self.residual:.1e} "
                f"after {self.iterations} iterations",
                where=f"axis {self.axis}" if self.axis else None,
                remedy=self.advice or "Allow more iterations or a looser tolerance.",
            )
        return self.value

    def table(self, name: str = "") -> Table:
        """This result as a one-row Table."""
        return results_table([self], name=name)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "more": dict(self.more)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "more": MappingProxyType(state["more"])})


def results_table(results: Sequence[SolveResult], name: str = "") -> Table:
    """Results of one kind (say, the three axes) as a Table: one row each, the value's column named by quantity."""
    columns: dict[str, Column] = {}
    if any(r.axis for r in results):
        columns["axis"] = Column(np.array([r.axis for r in results]))
    for quantity in dict.fromkeys(r.quantity for r in results):
        rows = [r.value if r.quantity == quantity else float("nan") for r in results]
        unit = next(r.unit for r in results if r.quantity == quantity)
        columns[quantity] = Column(np.array(rows), unit)
    for key in dict.fromkeys(k for r in results for k in r.more):
        unit = next(r.more[key][1] for r in results if key in r.more)
        columns[key] = Column(np.array([r.more.get(key, (float("nan"), ""))[0] for r in results]), unit)
    columns |= {
        "converged": Column(np.array([r.converged for r in results], dtype=bool)),
        "residual": Column(np.array([r.residual for r in results], dtype=float), "1"),
        "iterations": Column(np.array([r.iterations for r in results], dtype=np.int64), "1"),
        "seconds": Column(np.array([r.seconds for r in results], dtype=float), "s"),
    }
    said = [r.boundary for r in results] + [r.resolution for r in results] + [r.advice for r in results]
    return Table(columns, notes=tuple(dict.fromkeys(s for s in said if s)), name=name)
