"""How an image is closed while it is driven along one axis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Faces:
    """Periodic everywhere with a body force, or pressures on the two end faces and sealed sides."""

    axis: int
    periodic: bool

    @property
    def sides(self) -> tuple[bool, bool, bool]:
        """Periodicity per axis."""
        return (self.periodic,) * 3
