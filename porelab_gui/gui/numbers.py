"""Numbers as people read them: micrometres instead of metres, a power of ten where a unit has no prefix of its own."""

from __future__ import annotations

import math

# shown unit and how many of it make one SI unit, by falling size
READABLE: dict[str, tuple[tuple[str, float], ...]] = {
    "m": (("m", 1.0), ("mm", 1e3), ("µm", 1e6), ("nm", 1e9)),
    "m2": (("m²", 1.0), ("mm²", 1e6), ("µm²", 1e12), ("nm²", 1e18)),
    "m3": (("m³", 1.0), ("mm³", 1e9), ("µm³", 1e18), ("nm³", 1e27)),
    "s": (("s", 1.0), ("ms", 1e3)),
    "Pa": (("MPa", 1e-6), ("kPa", 1e-3), ("Pa", 1.0)),
}
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def pretty_unit(unit: str) -> str:
    """A unit with raised exponents, nothing for a pure number: "m3/(Pa s)" becomes "m³/(Pa s)"."""
    made = "" if unit == "1" else unit
    for letter in ("m", "s"):
        for power in ("2", "3", "4"):
            made = made.replace(f"{letter}{power}", f"{letter}{power.translate(_RAISED)}")
    return made


def readable_scale(magnitude: float, unit: str) -> tuple[float, str]:
    """What to multiply SI values of this size by so that they read well, and the unit to write then."""
    size = abs(magnitude)
    if unit in READABLE:
        choices = READABLE[unit]
        fitting = [c for c in choices if size * c[1] >= 1] or [choices[-1] if size else choices[0]]
        return fitting[0][1], fitting[0][0]
    if size == 0 or not math.isfinite(size) or 1e-3 <= size < 1e5 or not unit or unit == "1":
        return 1.0, pretty_unit(unit)
    power = 3 * math.floor(math.log10(size) / 3)
    return 10.0**-power, f"10{str(power).translate(_RAISED)} {pretty_unit(unit)}"


def show(value: float, unit: str = "", digits: int = 4) -> str:
    """A number with its unit, for people."""
    if not math.isfinite(value):
        return "—"
    if unit in READABLE:
        factor, shown = readable_scale(value, unit)
        return f"{value * factor:.{digits}g} {shown}"
    return f"{value:.{digits}g} {pretty_unit(unit)}".rstrip()
