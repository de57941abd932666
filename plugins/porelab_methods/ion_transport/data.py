"""Experiments to learn from and to be judged on: a richer simulator with known truth, and measured tables."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.ions import Ion, ions
from porelab_methods.ion_transport.presets import li_mg_brine
from porelab_methods.ion_transport.system import DAVIES, Conditions, Membrane, solve

Array = NDArray[np.float64]
KINDS = ions(["Na", "Li", "Mg", "SO4", "Cl"])
SEEN = ("NaCl", "LiCl", "MgCl2", "Na2SO4", "Na-Mg-Cl", "Na-SO4-Cl")
DEVELOPMENT = ("Li-Mg-Cl", "Na-Mg-SO4-Cl", "Na-Li-Mg-SO4-Cl")  # the recipe was chosen on these
PRETRAINING = (*SEEN, "Na-Li-Cl", "MgSO4", "Li-Mg-SO4", "Na-Li-SO4-Cl", "Li-SO4-Cl")
# sets of ions that neither a training nor a choice has met
UNSEEN = ("Li-SO4", "Na-Li-SO4", "Na-Mg-SO4", "Na-Li-Mg-Cl", "Na-Li-Mg-SO4", "Mg-SO4-Cl", "Li-Mg-SO4-Cl")
# equivalents of charge per ion of KINDS, per mixture
_SHARES = {
    "NaCl": (1, 0, 0, 0, 1),
    "LiCl": (0, 1, 0, 0, 1),
    "MgCl2": (0, 0, 1, 0, 1),
    "Na2SO4": (1, 0, 0, 1, 0),
    "Na-Mg-Cl": (0.5, 0, 0.5, 0, 1),
    "Na-SO4-Cl": (1, 0, 0, 0.5, 0.5),
    "Na-Li-Cl": (0.5, 0.5, 0, 0, 1),
    "MgSO4": (0, 0, 1, 1, 0),
    "Li-Mg-SO4": (0, 0.5, 0.5, 1, 0),
    "Na-Li-SO4-Cl": (0.5, 0.5, 0, 0.5, 0.5),
    "Li-SO4-Cl": (0, 1, 0, 0.5, 0.5),
    "Li-Mg-Cl": (0, 0.3, 0.7, 0, 1),
    "Na-Mg-SO4-Cl": (0.6, 0, 0.4, 0.3, 0.7),
    "Na-Li-Mg-SO4-Cl": (0.4, 0.2, 0.4, 0.3, 0.7),
}
EFFECTS = 3  # activities, regulated charge, permittivity that falls
LMH = 1e-3 / 3600.0  # litre per m2 and hour, in m/s


@dataclass(frozen=True)
class Experiments:
    """Rows of measured rejections: ``feed`` (B, n) [mol/m3] of ``ions``, ``flux`` (B,) [m/s], ``rejection`` (B, n) with
    NaN where not measured, ``membrane`` (B,) index, ``mixture`` (B,) name."""

    ions: tuple[Ion, ...]
    feed: Array
    flux: Array
    rejection: Array
    membrane: NDArray[np.int64]
    mixture: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.flux)

    def where(self, mask: NDArray[np.bool_]) -> Experiments:
        """The rows marked."""
        cut = {k: getattr(self, k)[mask] for k in ("feed", "flux", "rejection", "membrane", "mixture")}
        return replace(self, **cut)


@dataclass(frozen=True)
class Truth:
    """A membrane of the richer simulator: DSPM-DE with Davies activities (times ``activity``), a charge regulated as
    X (I/I0)^``regulation`` and a pore permittivity that falls by ``dielectric`` per mol/L of ionic strength."""

    membrane: Membrane
    activity: float = 1.0
    regulation: float = 0.4
    dielectric: float = 15.0

    def effects(self) -> Array:
        """Strengths of what is richer (3,), one at the physics of the bench."""
        return np.array([self.activity, self.regulation / 0.4, self.dielectric / 15.0])

    def rejection(self, kinds: tuple[Ion, ...], feed: Array, flux: Array) -> Array:
        """What an experiment without noise would give (B, n)."""
        z = np.array([i.charge for i in kinds], float)
        strength = 0.5e-3 * feed @ z**2  # mol/L
        m = self.membrane
        rich = Membrane(
            m.pore_radius,
            m.thickness,
            m.charge * (strength / 0.05) ** self.regulation,
            np.maximum(m.permittivity - self.dielectric * strength, 20.0),
        )
        found = solve(kinds, feed, flux, rich, Conditions(activity=DAVIES * self.activity), rtol=1e-9)
        return np.where(feed > 0, found.rejection, np.nan)


def truths(count: int, seed: int, physics: tuple[float, float, float] | None = (1.0, 0.4, 15.0)) -> list[Truth]:
    """Membranes of the richer simulator by Sobol points; ``physics`` None draws what is richer in each at random."""
    from scipy.stats import qmc

    u = qmc.Sobol(7, seed=seed).random(1 << max(1, (count - 1).bit_length()))[:count]
    made = []
    for row in u:
        m = Membrane(
            (0.42 + 0.18 * row[0]) * 1e-9, 0.6e-6 * 4.0 ** row[1], -100.0 + 140.0 * row[2], 38.0 + 18.0 * row[3]
        )
        extra = physics or (1.5 * row[4], 0.7 * row[5], 30.0 * row[6])
        made.append(Truth(m, *(float(v) for v in extra)))
    return made


def scattered(count: int, seed: int, *, noise: float = 0.0) -> tuple[Experiments, list[Truth]]:
    """One experiment for each of ``count`` membranes with random physics, on a set of ions of the pre-training."""
    rng, made = np.random.default_rng(seed), truths(count, seed, None)
    names = np.array([PRETRAINING[k] for k in rng.integers(len(PRETRAINING), size=count)])
    feed = np.array([_feed_of(str(n), 10.0 * 20.0 ** rng.random(), rng) for n in names])
    flux = 3e-6 * (25.0 / 3.0) ** rng.random(count)
    rejection = np.concatenate([t.rejection(KINDS, feed[k : k + 1], flux[k : k + 1]) for k, t in enumerate(made)])
    rejection += noise * rng.normal(size=rejection.shape)
    return Experiments(KINDS, feed, flux, rejection, np.arange(count), names), made


def simulate(membranes: Sequence[Truth], mixtures: Sequence[str], *, noise: float = 0.0, seed: int = 0) -> Experiments:
    """Every membrane on every mixture at three ionic strengths (10, 50, 200 mM of charge) and three fluxes."""
    rng = np.random.default_rng(seed)
    z = np.abs([i.charge for i in KINDS])
    rows: list[tuple[Array, float, int, str]] = []
    for k in range(len(membranes)):
        for name in mixtures:
            for total in (10.0, 50.0, 200.0):
                for flux in (3e-6, 1e-5, 2.5e-5):
                    rows.append((total * np.array(_SHARES[name]) / z, flux, k, name))
    feed, fluxes = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    index, mixture = np.array([r[2] for r in rows]), np.array([r[3] for r in rows])
    rejection = np.full(feed.shape, np.nan)
    for k, truth in enumerate(membranes):
        rejection[index == k] = truth.rejection(KINDS, feed[index == k], fluxes[index == k])
    rejection += noise * rng.normal(size=rejection.shape)
    return Experiments(KINDS, feed, fluxes, rejection, index, mixture)


def drawn(
    membranes: Sequence[Truth], mixtures: Sequence[str], count: int, *, noise: float = 0.0, seed: int = 0
) -> Experiments:
    """``count`` experiments per membrane and mixture, drawn at random; a name such as ``Na-Mg-Cl`` lists the ions.

    Compositions by Dirichlet, charge of 10 to 200 mM and flux of 3e-6 to 2.5e-5 m/s on log scales.
    """
    rng = np.random.default_rng(seed)
    feeds, index, mixture = [], [], []
    for k in range(len(membranes)):
        for name in mixtures:
            for _ in range(count):
                feeds.append(_feed_of(name, 10.0 * 20.0 ** rng.random(), rng))
                index.append(k)
                mixture.append(name)
    feed, member = np.array(feeds), np.array(index)
    flux = 3e-6 * (25.0 / 3.0) ** rng.random(len(feed))
    rejection = np.full(feed.shape, np.nan)
    for k, truth in enumerate(membranes):
        rejection[member == k] = truth.rejection(KINDS, feed[member == k], flux[member == k])
    rejection += noise * rng.normal(size=rejection.shape)
    return Experiments(KINDS, feed, flux, rejection, member, np.array(mixture))


def _feed_of(name: str, total: float, rng: np.random.Generator) -> Array:
    """Concentrations [mol/m3] of KINDS with ``total`` of charge of either sign."""
    z = np.array([i.charge for i in KINDS])
    there = np.array([bool(re.search(rf"(^|[^A-Z]){i.name}", name)) for i in KINDS])
    feed = np.zeros(len(KINDS))
    for sign in (1, -1):
        chosen = there & (np.sign(z) == sign)
        feed[chosen] = total * rng.dirichlet(np.full(int(chosen.sum()), 1.5)) / np.abs(z[chosen])
    return feed


def li_mg_experiments(path: Path) -> tuple[Experiments, list[str]]:
    """Measured Li and Mg rejections of LiCl + MgCl2 feeds, and the names of the membranes.

    Columns membrane, feed_total_salt_g_per_L, Mg_to_Li_mass_ratio, rejection_Li_pct, rejection_Mg_pct, flux_LMH;
    the chloride was not measured.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(dict.fromkeys(r["membrane"] for r in rows))
    kinds = ions(["Li", "Mg", "Cl"])
    feeds = [li_mg_brine(float(r["feed_total_salt_g_per_L"]), float(r["Mg_to_Li_mass_ratio"])) for r in rows]
    found = [[float(r["rejection_Li_pct"]) / 100, float(r["rejection_Mg_pct"]) / 100, np.nan] for r in rows]
    experiments = Experiments(
        kinds,
        np.array([[f[i.name] for i in kinds] for f in feeds]),
        np.array([float(r["flux_LMH"]) * LMH for r in rows]),
        np.array(found),
        np.array([names.index(r["membrane"]) for r in rows]),
        np.array([f"{r['feed_total_salt_g_per_L']} g/L, Mg:Li {r['Mg_to_Li_mass_ratio']}" for r in rows]),
    )
    return experiments, names
