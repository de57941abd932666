"""Classes of throats: chosen ones, a share of a column's ranking, a range of its values, a phase or two."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.method import Params, param
from porelab_gui.core.nouns import Network

Choice = Literal["throats", "quantile", "range", "phase", "all"]


class ClassParams(Params):
    """Which throats are meant."""

    choose: Choice = param(
        "quantile",
        "How throats are chosen: by number, by where they rank in a column (quantile), by the values of a column "
        "(range), by the phases of their pores, or all.",
    )
    throats: tuple[int, ...] = param((), "Numbers of the throats, counted from 0 (throats).")
    column: str = param(
        "inscribed_diameter", "Column that ranks or bounds the throats (quantile, range).", choices_from="throat"
    )
    low: float = param(
        0.0, "Lower end: per cent of the ranking (quantile), or a value in the column's SI unit (range).",
        unit="1", ge=-1e30, le=1e30,
    )  # fmt: skip
    high: float = param(
        10.0, "Upper end: per cent of the ranking (quantile), or a value in the column's SI unit (range).",
        unit="1", ge=-1e30, le=1e30,
    )  # fmt: skip
    phases: tuple[int, ...] = param(
        (), "One label: throats inside that phase. Two: throats between these phases (phase)."
    )


def throat_class(network: Network, chosen: ClassParams) -> NDArray[np.bool_]:
    """(Nt,) True for the throats of the class; ends of ranges are included.

    Raises ParameterError when the class is not one that the network has, InputError when it is empty.
    """
    mask = _MAKERS[chosen.choose](network, chosen)
    if not mask.any():
        raise InputError(
            f"no throat is in the class ({describe(chosen)})",
            where=network.name or None,
            remedy="Widen the range, or choose throats in another way.",
        )
    return mask


def describe(chosen: ClassParams) -> str:
    """The class in words."""
    named = ", ".join(map(str, chosen.throats[:5])) + (", ..." if len(chosen.throats) > 5 else "")
    between = " and ".join(map(str, chosen.phases))
    return {
        "throats": f"throats {named}",
        "quantile": f"{chosen.low:g} to {chosen.high:g} % of {chosen.column}",
        "range": f"{chosen.column} from {chosen.low:g} to {chosen.high:g}",
        "phase": f"between phases {between}" if len(chosen.phases) > 1 else f"inside phase {between}",
        "all": "all throats",
    }[chosen.choose]


def _every(network: Network, chosen: ClassParams) -> NDArray[np.bool_]:
    return np.ones(network.n_throats, bool)


def _by_number(network: Network, chosen: ClassParams) -> NDArray[np.bool_]:
    wrong = [t for t in chosen.throats if not 0 <= t < network.n_throats]
    if wrong:
        raise ParameterError(
            f"there is no throat {wrong[0]}",
            where="throats",
            remedy=f"Throats are numbered 0 to {network.n_throats - 1}.",
        )
    mask = np.zeros(network.n_throats, bool)
    mask[list(chosen.throats)] = True
    return mask


def _values(network: Network, chosen: ClassParams) -> NDArray[np.float64]:
    values = network.throat(chosen.column)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise ParameterError(
            f"the column {chosen.column!r} does not hold one number per throat",
            where="column",
            remedy="Choose another column.",
        )
    return values.astype(np.float64)


def _by_quantile(network: Network, chosen: ClassParams) -> NDArray[np.bool_]:
    if not 0 <= chosen.low <= chosen.high <= 100:
        raise ParameterError(
            f"{chosen.low:g} to {chosen.high:g} is no part of a ranking",
            where="low, high",
            remedy="Give two percentages between 0 and 100, the lower one first.",
        )
    values = _values(network, chosen)
    known = np.isfinite(values)
    if not known.any():
        return known
    # by rank, not by the value there: many throats share a diameter of whole voxels
    order = np.flatnonzero(known)[np.argsort(values[known], kind="stable")]
    first, last = np.rint(np.array([chosen.low, chosen.high]) / 100 * len(order)).astype(int)
    taken = np.zeros(len(values), bool)
    first = min(first, len(order) - 1)
    taken[order[first : max(last, first + 1)]] = True
    return taken


def _by_range(network: Network, chosen: ClassParams) -> NDArray[np.bool_]:
    values = _values(network, chosen)
    return (values >= chosen.low) & (values <= chosen.high)


def _by_phase(network: Network, chosen: ClassParams) -> NDArray[np.bool_]:
    if len(set(chosen.phases)) not in (1, 2):
        raise ParameterError(
            f"{len(set(chosen.phases))} phases were named", where="phases", remedy="Name one phase, or two."
        )
    phase = np.asarray(network.pore("phase"))[network.conns]
    first, last = min(chosen.phases), max(chosen.phases)
    return np.asarray((phase.min(axis=1) == first) & (phase.max(axis=1) == last))


_MAKERS = {
    "throats": _by_number,
    "quantile": _by_quantile,
    "range": _by_range,
    "phase": _by_phase,
    "all": _every,
}
