"""Feeds: composition from names, tables and presets, and the checks that a solution must pass."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Table
from porelab_methods.ion_transport.ions import IONS, Ion, ion

NEUTRAL = 1e-6  # charge imbalance over all charge that is taken for rounding of the input and removed


@dataclass(frozen=True)
class Feed:
    """A neutral solution: ``ions`` and their ``concentration`` [mol/m3]."""

    ions: tuple[Ion, ...]
    concentration: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the ions."""
        return tuple(i.name for i in self.ions)


def imbalance(ions: Sequence[Ion], concentration: NDArray[np.float64]) -> float:
    """Net charge sum z c [mol/m3] of a solution."""
    return float(np.dot([i.charge for i in ions], concentration))


def balance_sentence(ions: Sequence[Ion], concentration: NDArray[np.float64]) -> str:
    """ "" for a neutral solution, else what is missing, for example ``12.5 mol/m3 of negative charge is missing``."""
    net = imbalance(ions, concentration)
    total = float(np.dot(np.abs([i.charge for i in ions]), concentration))
    if abs(net) <= NEUTRAL * total:
        return ""
    return f"{abs(net):.4g} mol/m3 of {'negative' if net > 0 else 'positive'} charge is missing"


def make_feed(ions: Sequence[Ion], concentration: Sequence[float], balance: str = "") -> Feed:
    """A checked feed; the ion named ``balance`` is set so that the solution is neutral.

    A concentration of zero stays: the ion is then carried as a trace, and its rejection is the limit of dilution.
    InputError for a negative or missing concentration, an ion twice, a solution without ions, one that is not neutral.
    """
    values = np.array(concentration, float)
    _check_values(ions, values)
    if balance:
        values = _balanced(ions, values, balance)
    missing = balance_sentence(ions, values)
    if missing:
        raise InputError(
            f"the feed is not neutral: {missing}",
            where="feed",
            remedy="Change a concentration, or name an ion that closes the balance.",
        )
    charge = np.array([i.charge for i in ions], float)
    if not (values[charge > 0].sum() > 0) and not (values[charge == 0].sum() > 0):
        raise InputError(
            "the feed holds nothing dissolved", where="feed", remedy="Give an ion a concentration above 0."
        )
    negative = charge < 0
    if values[negative].sum() > 0:  # the last digits of neutrality
        values[negative] *= np.dot(charge[~negative], values[~negative]) / -np.dot(charge[negative], values[negative])
    return Feed(tuple(ions), values)


def _check_values(ions: Sequence[Ion], values: NDArray[np.float64]) -> None:
    if len(ions) != len(values):
        raise InputError(f"{len(ions)} ions but {len(values)} concentrations", where="feed")
    names = [i.name for i in ions]
    for name, value in zip(names, values, strict=True):
        if not np.isfinite(value):
            raise InputError(f"the concentration of {name} is missing", where="feed", remedy="Fill it in, or use 0.")
        if value < 0:
            raise InputError(f"the concentration of {name} is {value:g} mol/m3", where="feed", remedy="Use 0 or more.")
        if names.count(name) > 1:
            raise InputError(f"the ion {name} is listed twice", where="feed", remedy="Add the two concentrations.")


def _balanced(ions: Sequence[Ion], values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    found = [k for k, i in enumerate(ions) if i.name == ion(name).name and i.charge]
    if not found:
        raise InputError(f"{name} cannot close the charge balance", where="feed", remedy="Name a charged ion of it.")
    values[found[0]] = 0.0
    needed = -imbalance(ions, values) / ions[found[0]].charge
    if needed < 0:
        raise InputError(
            f"more {name} cannot make the feed neutral: {balance_sentence(ions, values)}",
            where="feed",
            remedy="Balance with an ion of the other sign.",
        )
    values[found[0]] = needed
    return values


def feed_of(composition: Mapping[str, float], balance: str = "") -> Feed:
    """A feed from names of the library and concentrations [mol/m3]."""
    return make_feed([ion(name) for name in composition], list(composition.values()), balance)


_OWN = re.compile(r"^([^()]+)\(\s*(\S+)\s+(\S+)\s+(\S+)\s*\)$")  # name(charge diffusivity radius)


def parse_feed(text: str, balance: str = "") -> Feed:
    """A feed from ``Li=20, Mg=20, Cl=60`` [mol/m3]; InputError saying which part cannot be read.

    An ion that the library does not know carries charge, diffusivity [m2/s] and radius [m]:
    ``Rb(1 2.07e-9 0.118e-9)=10``.
    """
    found: list[Ion] = []
    values: list[float] = []
    for part in filter(None, (p.strip() for p in text.replace(";", ",").split(","))):
        name, _, number = part.rpartition("=")
        try:
            own = _OWN.match(name.strip())
            found.append(ion(own[1], *(float(v) for v in own.groups()[1:])) if own else ion(name))
            values.append(float(number))
        except ValueError as error:
            raise InputError(
                f"cannot read {part!r}", where="feed", remedy="Write ions as Li=20, Mg=20, Cl=60, in mol/m3."
            ) from error
    if balance and all(i.name != ion(balance).name for i in found):
        found.append(ion(balance))
        values.append(0.0)
    return make_feed(found, values, balance)


def composition_of(feed: Feed) -> str:
    """The text that ``parse_feed`` reads back to the last digit."""
    parts = []
    for i, value in zip(feed.ions, feed.concentration, strict=True):
        own = "" if IONS.get(i.name) == i else f"({i.charge} {i.diffusivity!r} {i.radius!r})"
        parts.append(f"{i.name}{own}={float(value)!r}")
    return ", ".join(parts)


def table_to_feed(table: Table, balance: str = "") -> Feed:
    """A feed from a table with columns ``ion`` and ``concentration`` [mol/m3], and for ions that the library does not
    know ``charge``, ``diffusivity`` [m2/s], ``radius`` [m]. InputError naming the row and the cell that is missing."""
    for key in ("ion", "concentration"):
        if key not in table.columns:
            raise InputError(
                f"the table of ions has no column {key!r} (it has {', '.join(table.columns)})",
                where=table.name or "ions",
                remedy="Give a row per ion with columns ion and concentration [mol/m3].",
            )
    extras = [k for k in ("charge", "diffusivity", "radius", "molar_mass") if k in table.columns]
    found, values = [], []
    for row in range(len(table)):
        name = str(table["ion"][row]).strip()
        if name in ("", "nan", "None"):
            raise InputError("the ion's name is missing", where=f"{table.name or 'ions'}, row {row + 1}")
        given = {k: _cell(table, k, row) for k in extras}
        value = _cell(table, "concentration", row)
        if value is None:
            raise InputError(
                f"the concentration of {name} is missing",
                where=f"{table.name or 'ions'}, row {row + 1}",
                remedy="Fill the cell; 0 asks for the limit of a trace.",
            )
        found.append(ion(name, **given))
        values.append(value)
    return make_feed(found, values, balance)


def _cell(table: Table, key: str, row: int) -> float | None:
    """A number of the table; None for an empty cell."""
    value = table[key][row]
    if value is None or str(value).strip() in ("", "nan", "None"):
        return None
    try:
        return float(value)
    except ValueError as error:
        raise InputError(
            f"{key} {str(value)!r} is not a number", where=f"{table.name or 'ions'}, row {row + 1}"
        ) from error
