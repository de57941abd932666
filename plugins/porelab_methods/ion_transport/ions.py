"""Ions: what the transport models need to know of each, and the library of the common ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from porelab_gui.core.errors import InputError


@dataclass(frozen=True)
class Ion:
    """One dissolved species. ``charge`` [1], ``diffusivity`` in water at 25 C [m2/s], ``radius`` (Stokes) [m],
    ``molar_mass`` [kg/mol]. A charge of 0 is an uncharged solute."""

    name: str
    charge: int
    diffusivity: float
    radius: float
    molar_mass: float


# diffusivity and Stokes radius: the values of the DSPM-DE literature at 25 C; lithium's radius by Stokes-Einstein
_LIBRARY = (
    Ion("Na", 1, 1.33e-9, 0.184e-9, 22.990e-3),
    Ion("Cl", -1, 2.03e-9, 0.121e-9, 35.453e-3),
    Ion("K", 1, 1.957e-9, 0.125e-9, 39.098e-3),
    Ion("Li", 1, 1.03e-9, 0.238e-9, 6.941e-3),
    Ion("Mg", 2, 0.706e-9, 0.347e-9, 24.305e-3),
    Ion("Ca", 2, 0.92e-9, 0.309e-9, 40.078e-3),
    Ion("SO4", -2, 1.06e-9, 0.230e-9, 96.06e-3),
    Ion("HCO3", -1, 1.19e-9, 0.206e-9, 61.017e-3),
)
IONS = MappingProxyType({ion.name: ion for ion in _LIBRARY})


def _key(name: str) -> str:
    """Na+, na, Mg2+, SO4(2-), SO4^2- and SO4 2- all mean the ion of the library."""
    return re.sub(r"[\^\s(]*\d*[+-]+\)?$", "", name.strip()).casefold()


_BY_KEY = {_key(name): ion for name, ion in IONS.items()}


def ion(
    name: str,
    charge: float | None = None,
    diffusivity: float | None = None,
    radius: float | None = None,
    molar_mass: float | None = None,
) -> Ion:
    """The ion of that name; values given replace those of the library.

    Diffusivity in m2/s, radius in m, molar mass in kg/mol. InputError that asks for what is missing where the
    library does not know the name, and for a fractional charge or a length that is not positive.
    """
    known = _BY_KEY.get(_key(name))
    values = {"charge": charge, "diffusivity": diffusivity, "radius": radius, "molar mass": molar_mass}
    if known is not None:
        base = (known.charge, known.diffusivity, known.radius, known.molar_mass)
        values = {k: b if v is None else v for (k, v), b in zip(values.items(), base, strict=True)}
    missing = [k for k, v in values.items() if v is None and k != "molar mass"]
    if missing:
        raise InputError(
            f"the ion {name!r} is not in the library, and its {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not given",
            where="ions",
            remedy=f"Give charge, diffusivity [m2/s] and Stokes radius [m] of it, or use one of {', '.join(IONS)}.",
        )
    return _checked(known.name if known else name.strip(), values)


def _checked(name: str, values: dict[str, float | None]) -> Ion:
    charge, diffusivity, radius = (float(values[k] or 0.0) for k in ("charge", "diffusivity", "radius"))
    if charge != round(charge):
        raise InputError(f"the charge {charge:g} of {name} is not a whole number", where="ions")
    for what, value, unit in (("diffusivity", diffusivity, "m2/s"), ("radius", radius, "m")):
        if not 0.0 < value < 1e-6:
            raise InputError(
                f"the {what} {value:g} {unit} of {name} is not a positive value of that unit",
                where="ions",
                remedy="Sodium has 1.33e-9 m2/s and 0.184e-9 m.",
            )
    return Ion(name, round(charge), diffusivity, radius, float(values["molar mass"] or 0.0))


def ions(names: Iterable[str]) -> tuple[Ion, ...]:
    """The ions of the library by name."""
    return tuple(ion(name) for name in names)
