"""Numbers as people read them: SI values in the unit that a field is shown in, bytes and times in words."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from porelab_gui.gui.numbers import pretty_unit

# one shown unit in the stored unit
SCALES: dict[tuple[str, str], str] = {
    ("m", "mm"): "1e-3",
    ("m", "um"): "1e-6",
    ("m", "nm"): "1e-9",
    ("Pa", "kPa"): "1e3",
    ("Pa", "MPa"): "1e6",
    ("Pa", "bar"): "1e5",
    ("Pa s", "mPa s"): "1e-3",
    ("m/s", "um/s"): "1e-6",
    ("m2", "mD"): "9.869233e-16",
    ("m2", "D"): "9.869233e-13",
    ("N/m", "mN/m"): "1e-3",
    ("s", "ms"): "1e-3",
    ("1", "%"): "1e-2",
}


def scale(unit: str, display: str | None) -> Decimal:
    """Factor from the shown to the stored unit; 1 when they are the same or unknown."""
    return Decimal(SCALES.get((unit, display or unit), "1"))


def shown_unit(unit: str, display: str | None) -> str:
    """The unit to write behind a field; nothing for a pure number."""
    name = display if display and (unit, display) in SCALES else unit
    return pretty_unit(name.replace("um", "µm") if name.startswith("um") else name)


def to_text(value: float | int, factor: Decimal = Decimal(1)) -> str:
    """A stored number in the shown unit, without binary dust: 5.345e-06 m reads 5.345 um."""
    number = Decimal(repr(float(value)) if isinstance(value, float) else str(value)) / factor
    if number == 0:
        return "0"
    if Decimal("1e-4") <= abs(number) < Decimal("1e7"):
        text = format(+number.quantize(Decimal(1).scaleb(number.adjusted() - 14)).normalize(), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{float(number):.12g}"


def from_text(text: str, factor: Decimal = Decimal(1)) -> float:
    """A shown number in the stored unit; ValueError when it is not a finite number."""
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"{text.strip()!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{text.strip()!r} is not a finite number")
    return float(number * factor)


def bytes_text(count: float) -> str:
    """Bytes in words."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
        count /= 1000
    return ""


def time_text(seconds: float) -> str:
    """A duration in words."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 90:
        return f"{minutes} min {rest:02d} s" if minutes < 10 else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
