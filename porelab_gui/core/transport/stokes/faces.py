"""How an image is closed while it is driven along one axis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Faces:
    """Periodic along the axis with a body force, or pressures on its two end faces; the sides sealed or periodic.

    ``around`` says whether the four sides are periodic; None makes them as the axis is.
    """

    axis: int
    periodic: bool
    around: bool | None = None

    @property
    def rings(self) -> tuple[bool, bool, bool]:
        """Periodicity per axis."""
        sides = self.periodic if self.around is None else self.around
        z, y, x = (self.periodic if a == self.axis else sides for a in range(3))
        return z, y, x
