"""Feeds and membranes to start from. Concentrations in mol/m3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from porelab_methods.ion_transport.feed import Feed, feed_of
from porelab_methods.ion_transport.system import Membrane


@dataclass(frozen=True)
class FeedPreset:
    """A composition in mol/m3; ``balance`` is the ion that closes the charge balance."""

    title: str
    composition: Mapping[str, float]
    balance: str = ""
    source: str = ""

    def feed(self) -> Feed:
        """The neutral feed."""
        return feed_of(self.composition, self.balance)


def _from_mass(mg_per_kg: Mapping[str, float], balance: str) -> dict[str, float]:
    """mol per m3 from mg per kg of solution, at 1000 kg/m3."""
    from porelab_methods.ion_transport.ions import ion

    made = {name: value * 1e-3 / ion(name).molar_mass for name, value in mg_per_kg.items()}
    return {**made, balance: 0.0}


def li_mg_brine(total_salt: float = 2.0, mass_ratio: float = 20.0) -> dict[str, float]:
    """Composition of LiCl + MgCl2 with ``total_salt`` [g/L] and a mass ratio Mg:Li of the ions."""
    lithium, magnesium, chloride = 6.941, 24.305, 35.453
    moles = mass_ratio * lithium / magnesium  # of Mg per Li
    salt = lithium + chloride + moles * (magnesium + 2 * chloride)
    li = total_salt / salt * 1e3
    return {"Li": li, "Mg": moles * li, "Cl": li * (1 + 2 * moles)}


_SEAWATER = _from_mass({"Ca": 382.0, "SO4": 2136.0, "Mg": 1394.0, "Na": 11122.0}, "Cl")
FEEDS: Mapping[str, FeedPreset] = MappingProxyType(
    {
        "seawater": FeedPreset("Seawater, five ions", _SEAWATER, "Cl", "382/2136/1394/11122 mg/kg Ca/SO4/Mg/Na"),
        "li_mg_brine": FeedPreset("Li/Mg brine, 2 g/L, Mg:Li 20", li_mg_brine(), "Cl", "LiCl + MgCl2"),
        "li_mg_equal": FeedPreset("LiCl 20 + MgCl2 20", {"Li": 20.0, "Mg": 20.0, "Cl": 60.0}),
        "nacl": FeedPreset("NaCl 10", {"Na": 10.0, "Cl": 10.0}),
        "kcl": FeedPreset("KCl 10", {"K": 10.0, "Cl": 10.0}),
        "licl": FeedPreset("LiCl 10", {"Li": 10.0, "Cl": 10.0}),
        "mgcl2": FeedPreset("MgCl2 10", {"Mg": 10.0, "Cl": 20.0}),
        "cacl2": FeedPreset("CaCl2 10", {"Ca": 10.0, "Cl": 20.0}),
        "na2so4": FeedPreset("Na2SO4 10", {"Na": 20.0, "SO4": 10.0}),
        "mgso4": FeedPreset("MgSO4 10", {"Mg": 10.0, "SO4": 10.0}),
    }
)
MEMBRANES: Mapping[str, tuple[str, Membrane]] = MappingProxyType(
    {
        "nanofiltration": ("Polyamide nanofiltration", Membrane()),
        "loose": ("Loose nanofiltration", Membrane(0.6e-9, 1.33e-6, -27.0, 50.0)),
        "thin_negative": ("Thin, strongly negative", Membrane(0.5e-9, 0.86e-6, -60.0, 41.3)),
        "positive": ("Positively charged", Membrane(0.45e-9, 1.33e-6, 40.0, 45.0)),
    }
)
