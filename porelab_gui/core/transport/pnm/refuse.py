"""Refusals that know which pores are to blame, so that the window can mark them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError


class RefusedNetwork(InputError):
    """A network that has no meaningful flow; ``pores`` are the pores to look at."""

    def __init__(
        self, what: str, *, where: str | None = None, remedy: str | None = None, pores: Iterable[int] = ()
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.pores = tuple(int(p) for p in pores)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.what, self.where, self.remedy, self.pores))


def _rebuild(what: str, where: str | None, remedy: str | None, pores: tuple[int, ...]) -> RefusedNetwork:
    return RefusedNetwork(what, where=where, remedy=remedy, pores=pores)


def named(indices: NDArray[np.integer], most: int = 5) -> str:
    """The first few indices as text."""
    return ", ".join(str(int(i)) for i in indices[:most]) + (", ..." if len(indices) > most else "")


def check_conductances(g: NDArray[np.float64], ends: NDArray[np.int64], where: str | None) -> None:
    """Refuse conductances that are NaN, infinite or negative, naming throats and pores. Zero is a closed throat."""
    if not g.size or (g.min() >= 0 and np.isfinite(g.max())):  # false for NaN too
        return
    for bad, fault in (
        (np.isnan(g), "no conductance (NaN)"),
        (np.isinf(g), "an infinite conductance"),
        (g < 0, "a negative conductance"),
    ):
        if bad.any():
            which = np.flatnonzero(bad)
            pores = np.unique(ends[which])
            raise RefusedNetwork(
                f"{which.size} throats have {fault}: throats {named(which)} between pores {named(pores, 8)}",
                where=where,
                remedy="Compute these throats by another law, or remove them.",
                pores=pores,
            )
