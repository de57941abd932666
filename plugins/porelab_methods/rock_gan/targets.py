"""What is asked for: properties with values (or ranges of values) and tolerances, as text and as numbers."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from porelab_gui.core.errors import ParameterError
from porelab_methods.rock_gan.properties import UNITS, Property, find_property

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
PATTERN = re.compile(
    rf"\s*(?P<name>[^=]+?)\s*=\s*(?P<low>{NUMBER})(?:\s*\.\.\s*(?P<high>{NUMBER}))?"
    rf"\s*\+-\s*(?P<tolerance>{NUMBER})\s*(?P<unit>[^\s]*)\s*"
)


@dataclass(frozen=True)
class Wish:
    """Rocks whose ``property`` lies anywhere in ``low``..``high``, each at its own value within ``tolerance`` (SI)."""

    property: Property
    low: float
    high: float
    tolerance: float

    def target(self, share: float) -> Target:
        """One value of the range, at ``share`` 0..1 of it."""
        return Target(self.property, self.low + share * (self.high - self.low), self.tolerance)


@dataclass(frozen=True)
class Target:
    """One value (SI) and how far off is near enough."""

    property: Property
    value: float
    tolerance: float

    def miss(self, found: float) -> float:
        """Signed distance in tolerances; infinite where there is no value."""
        return (found - self.value) / self.tolerance if np.isfinite(found) else float("inf")

    @builtins.property
    def text(self) -> str:
        """For people."""
        p = self.property
        unit = "" if p.label in ("", "1") else f" {p.label}"
        return f"{p.title} {self.value / p.factor:.4g} ± {self.tolerance / p.factor:.2g}{unit}"


def parse_wish(text: str) -> Wish:
    """``NAME=VALUE+-TOLERANCE UNIT`` or ``NAME=LOW..HIGH+-TOLERANCE UNIT``; without a unit the numbers are in SI."""
    found = PATTERN.fullmatch(text)
    if found is None:
        raise ParameterError(
            f"{text!r} is not a target",
            where="targets",
            remedy="Write for example 'porosity=0.2+-0.002' or 'permeability_z=100..300+-5 mD'.",
        )
    known = find_property(found["name"])
    unit = found["unit"]
    if unit not in UNITS or (unit not in ("", known.unit, known.shown) and not _same_kind(unit, known)):
        raise ParameterError(
            f"{unit!r} is no unit of {known.title}", where="targets", remedy=f"Write {known.label or 'no unit'}."
        )
    factor = UNITS[unit]
    low = float(found["low"]) * factor
    high = float(found["high"]) * factor if found["high"] else low
    tolerance = float(found["tolerance"]) * factor
    if not tolerance > 0 or high < low:
        raise ParameterError(
            f"{text!r} needs a positive tolerance and an upper end above the lower one", where="targets"
        )
    return Wish(known, low, high, tolerance)


def _same_kind(unit: str, known: Property) -> bool:
    """Whether a unit measures what the property is measured in."""
    groups = (("m2", "mD", "D"), ("m", "um", "nm"), ("1", "%"), ("1/m", "1/mm"), ("1/m3", "1/mm3"))
    return any(unit in g and known.unit in g for g in groups)


def parse_wishes(texts: Sequence[str]) -> tuple[Wish, ...]:
    """All wishes; ParameterError when there is none or a property is named twice."""
    wishes = tuple(parse_wish(text) for text in texts)
    names = [w.property.name for w in wishes]
    if not wishes or len(set(names)) < len(names):
        raise ParameterError(
            "no property is asked for" if not wishes else "a property is asked for twice",
            where="targets",
            remedy="Name each property once, for example 'porosity=0.2+-0.002'.",
        )
    return wishes


def draw_targets(wishes: Sequence[Wish], seed: int, number: int) -> tuple[Target, ...]:
    """The targets of rock ``number``: uniform in each range, the same for the same seed."""
    shares = np.random.default_rng((seed, number)).random(len(wishes))
    return tuple(w.target(float(s)) for w, s in zip(wishes, shares, strict=True))


def misses(targets: Sequence[Target], values: Mapping[str, float]) -> list[float]:
    """Signed distances of all targets in their tolerances."""
    return [t.miss(values[t.property.name]) for t in targets]
