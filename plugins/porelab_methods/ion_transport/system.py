"""A batch of membranes, feeds and fluxes, and its DSPM-DE solution."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from os import cpu_count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, NotConverged
from porelab_methods.ion_transport import closures
from porelab_methods.ion_transport.ions import Ion

Array = NDArray[np.float64]
DAVIES = 0.509 * np.log(10.0)  # A of ln gamma at 25 C
# Peclet numbers are first held to the first of these (an ion that all but fills the pore makes a stiff problem), then
# let go step by step, from the solution before, until the rejections stand still
PECLET_LADDER = (200.0, 400.0, 800.0, 1600.0)
SETTLED = 1e-7  # change of a rejection from step to step of the ladder
DENSITY = 1000.0  # kg/m3, of solutions where a concentration is counted by mass


@dataclass(frozen=True)
class Membrane:
    """``pore_radius`` [m], ``thickness`` over porosity [m], ``charge`` X of the pore liquid [mol/m3], relative
    ``permittivity`` in the pore. Each a number, or one value per sample."""

    pore_radius: Any = 0.5e-9
    thickness: Any = 1.33e-6
    charge: Any = -27.0
    permittivity: Any = 41.3


@dataclass(frozen=True)
class Conditions:
    """``temperature`` [K], relative ``permittivity`` of the solution, ``activity`` A in ln gamma (Davies; 0: ideal),
    ``transfer`` mass-transfer coefficient of the feed film for D = 1e-9 m2/s [m/s] (inf: no polarisation)."""

    temperature: float = closures.REFERENCE_TEMPERATURE
    permittivity: float = 78.4
    activity: float = 0.0
    transfer: float = np.inf

    @property
    def viscosity(self) -> float:
        """Of water at the temperature [Pa s]."""
        return float(closures.water_viscosity(self.temperature))


@dataclass(frozen=True)
class Problem:
    """What the compiled core takes, one row per sample (B, n); ``pe`` and ``film`` at the flux of the sample.

    ``kc`` and ``kf`` (B, K, n) in K equal segments of the pore: see ``kernel``.
    """

    z: Array
    w: Array
    gone: NDArray[np.bool_]
    feed: Array
    pe: Array
    kc: Array
    kf: Array
    soft: int
    lnphi: Array
    x: Array
    film: Array
    activity: float

    def rows(self, part: Any) -> Problem:
        """The samples of a slice or an index."""
        names = [f.name for f in fields(self) if f.name not in ("activity", "soft")]
        cut: dict[str, Any] = {k: np.array(getattr(self, k)[part], order="C") for k in names}
        return replace(self, **cut)

    def inside(self, row: int) -> tuple[Any, ...]:
        """Of one sample, in the order of the profile kernel."""
        parts = (self.z, self.w, self.gone, self.pe, self.kc, self.kf)
        return (*(v[row] for v in parts), self.soft, self.lnphi[row], self.x[row], self.activity)

    def arguments(self) -> tuple[Any, ...]:
        """In the order of the kernels."""
        return tuple(getattr(self, f.name) for f in fields(self))


@dataclass(frozen=True)
class Solution:
    """Concentrations [mol/m3] (B, n) of feed, membrane side and permeate. ``ok`` marks what converged; the rest is NaN.

    An ion without feed concentration is carried as a trace: its permeate is 0, its rejection the limit.
    ``dy`` and ``dcm`` hold the sensitivities of ln c_p and ln c_m where they were asked for (see ``kernel``).
    ``settled`` is False where a Peclet number is held at its cap although the rejections still moved with the cap:
    an ion that all but fills the pore.
    """

    ions: tuple[Ion, ...]
    flux: Array
    feed: Array
    membrane_side: Array
    permeate: Array
    rejection: Array
    intrinsic: Array
    ok: NDArray[np.bool_]
    settled: NDArray[np.bool_]
    unknowns: Array
    problem: Problem
    dy: Array | None = field(default=None, repr=False)
    dcm: Array | None = field(default=None, repr=False)

    def neutrality(self) -> Array:
        """|sum z c_p| / sum |z| c_p per sample; 0 for a permeate without ions."""
        z = np.array([ion.charge for ion in self.ions], float)
        total = np.abs(z * self.permeate).sum(1)
        return np.asarray(np.abs((z * self.permeate).sum(1)) / np.where(total > 0, total, 1.0))


def pose(
    ions: Sequence[Ion],
    feed: Any,
    flux: Any,
    membrane: Membrane,
    conditions: Conditions = Conditions(),
) -> tuple[Problem, Array]:
    """The problem and the fluxes (B,) of ``feed`` (n,) or (B, n) [mol/m3] at ``flux`` [m/s]; parameters broadcast."""
    values = [np.asarray(getattr(membrane, f.name), float) for f in fields(membrane)]
    conc, flux = np.atleast_2d(np.asarray(feed, float)), np.asarray(flux, float)
    size = np.broadcast_shapes(flux.shape or (1,), (len(conc),), *(v.shape or (1,) for v in values))
    _check(flux, conc, values)
    radius, thickness, charge, eps = (np.broadcast_to(v, size)[:, None] for v in values)
    conc, flux = np.broadcast_to(conc, (*size, len(ions))), np.broadcast_to(flux, size)
    z, d, r = (np.array([getattr(i, k) for i in ions]) for k in ("charge", "diffusivity", "radius"))
    d = closures.diffusivity_at(d, conditions.temperature)
    ratio = r / radius
    gone = ratio >= 1.0
    kd = closures.diffusion_hindrance(np.minimum(ratio, 1.0 - 1e-12))
    z = np.broadcast_to(z.astype(float), conc.shape)
    present = conc > 0
    w = np.where(present, z, 0.0)
    stranded, x = _stranded(w, gone, charge)
    lnphi = closures.log_steric(ratio) + closures.log_born(z, r, eps, conditions.permittivity, conditions.temperature)
    kc = closures.convection_hindrance(np.minimum(ratio, 1.0)) * np.ones_like(conc)
    kc = np.array(kc[:, None, :], order="C")  # one segment: the same along the whole pore
    problem = Problem(
        z=np.array(z, order="C"),
        w=w,
        gone=gone | stranded,
        feed=np.where(present, conc, 1.0),
        pe=flux[:, None] * thickness / (kd * d),
        kc=kc,
        kf=kc,
        soft=0,
        lnphi=np.where(gone, 0.0, lnphi),
        x=x,
        film=flux[:, None] / (conditions.transfer * (d / 1e-9)) * np.ones_like(conc),
        activity=float(conditions.activity),
    )
    return problem, np.array(flux)


def _check(flux: Array, feed: Array, values: list[Array]) -> None:
    """InputError for a flux that runs backwards and for a membrane without pores or thickness."""
    if not (np.isfinite(flux).all() and (flux >= 0).all()):
        raise InputError(
            f"the flux {np.min(flux):g} m/s is not zero or positive",
            where="flux",
            remedy="Count the flux from feed to permeate; at zero the permeate is in equilibrium with the feed.",
        )
    for name, value in zip(
        ("pore_radius", "thickness", "permittivity"), (values[0], values[1], values[3]), strict=True
    ):
        if not (np.isfinite(value).all() and (value > 0).all()):
            raise InputError(f"the {name} {np.min(value):g} is not positive", where="membrane")
    if not (np.isfinite(feed).all() and (feed >= 0).all()):
        raise InputError("a concentration of the feed is missing or negative", where="feed")


def _stranded(w: Array, gone: NDArray[np.bool_], charge: Array) -> tuple[NDArray[np.bool_], Array]:
    """Ions that cannot pass for want of a partner of the other sign, and the pore charge that is left to balance."""
    passing = np.where(gone, 0.0, w)
    paired = (passing.max(1) > 0) & (passing.min(1) < 0)
    return (passing != 0) & ~paired[:, None], np.where(paired, np.broadcast_to(charge[:, 0], paired.shape), 0.0)


def solve(
    ions: Sequence[Ion],
    feed: Any,
    flux: Any,
    membrane: Membrane,
    conditions: Conditions = Conditions(),
    *,
    sensitivities: bool = False,
    rtol: float = 1e-10,
    steps: int = 0,
    start: Array | None = None,
    strict: bool = False,
    threads: int | None = None,
) -> Solution:
    """DSPM-DE for every sample. ``steps`` > 0 marches in that many equal steps instead of to ``rtol``.

    ``strict`` raises NotConverged where a sample did not converge (the batch marks it in ``ok`` instead).
    """
    problem, flux = pose(ions, feed, flux, membrane, conditions)
    return solve_problem(
        tuple(ions), problem, flux, sensitivities=sensitivities, rtol=rtol, steps=steps, start=start, strict=strict,
        threads=threads,
    )  # fmt: skip


def solve_problem(
    ions: tuple[Ion, ...],
    problem: Problem,
    flux: Array,
    *,
    sensitivities: bool = False,
    rtol: float = 1e-10,
    steps: int = 0,
    start: Array | None = None,
    strict: bool = False,
    threads: int | None = None,
) -> Solution:
    """The solution of a posed problem; see ``solve``."""
    given = replace(problem, pe=np.minimum(problem.pe, PECLET_LADDER[0]))
    found = _run(given, sensitivities, rtol, steps, start, False, threads)
    steep = np.flatnonzero((problem.pe * ~problem.gone).max(1) > PECLET_LADDER[0])
    if steep.size:
        given = _climb(problem, given, found, steep, sensitivities, rtol, steps, threads)
    if strict and not found.ok.all():
        raise failure(ions, given, int(np.argmin(found.ok)))
    return _solution(ions, given, flux, found)


@dataclass
class _Found:
    """What the compiled batch fills."""

    y: Array
    cp: Array
    cm: Array
    ok: NDArray[np.bool_]
    settled: NDArray[np.bool_]
    dy: Array | None = None
    dcm: Array | None = None


def _width(p: Problem) -> int:
    """Columns of the sensitivities."""
    segments, n = (int(v) for v in p.kc.shape[1:])
    return 5 * n + 1 + (segments * n if segments > 1 else 0)


def _run(p: Problem, sens: bool, rtol: float, steps: int, start: Array | None, direct: bool, threads: Any) -> _Found:
    from porelab_methods.ion_transport.kernel import CONVERGED
    from porelab_methods.ion_transport.newton import batch

    count, n = p.feed.shape
    y = np.full((count, n), np.nan) if start is None else np.array(start, float)
    cp, cm, status = np.zeros((count, n)), np.zeros((count, n)), np.zeros(count, np.int64)
    dy, dcm = (np.zeros((count if sens else 0, n, _width(p))) for _ in range(2))

    def run(part: slice) -> None:
        cut = (*p.rows(part).arguments(), rtol, steps, int(sens), int(direct))
        batch(*cut, y[part], cp[part], cm[part], status[part], dy[part], dcm[part])

    _spread(run, count, threads)
    return _Found(y, cp, cm, status == CONVERGED, np.ones(count, bool), *((dy, dcm) if sens else (None, None)))


def _climb(
    problem: Problem, given: Problem, found: _Found, rows: NDArray[np.int64], sens: bool, rtol: float, steps: int,
    threads: Any,
) -> Problem:  # fmt: skip
    """Raise the cap on the Peclet numbers of ``rows`` step by step, into ``found``; the problem as solved."""
    pe = given.pe.copy()
    rows = rows[found.ok[rows]]
    found.settled[rows] = False
    for cap in PECLET_LADDER[1:]:
        if not rows.size:
            break
        part = replace(problem, pe=np.minimum(problem.pe, cap)).rows(rows)
        new = _run(part, sens, rtol, steps, found.y[rows], True, threads)
        better = rows[new.ok]
        change = np.abs(new.cp - found.cp[rows])[new.ok] / part.feed[new.ok]
        for key in ("y", "cp", "cm", "dy", "dcm"):
            if getattr(found, key) is not None:
                getattr(found, key)[better] = getattr(new, key)[new.ok]
        pe[better] = part.pe[new.ok]
        held = (problem.pe[better] * ~problem.gone[better] > cap).any(1)
        moving = (change.max(1) > SETTLED) & held
        found.settled[better[~moving]] = True
        rows = better[moving]
    return replace(given, pe=pe)


def _spread(run: Any, count: int, threads: int | None) -> None:
    """``run`` on slices of the batch, in threads (the kernels release the interpreter lock)."""
    workers = min(threads or cpu_count() or 1, max(1, count // 200))
    if workers == 1:
        run(slice(0, count))
        return
    edges = np.linspace(0, count, 8 * workers + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, [slice(a, b) for a, b in itertools.pairwise(edges)]))


def _solution(ions: tuple[Ion, ...], p: Problem, flux: Array, found: _Found) -> Solution:
    present = (p.w != 0) | ((p.z == 0) & (p.feed > 0))
    bad = ~found.ok[:, None]
    cp, cm = np.where(bad, np.nan, found.cp), np.where(bad, np.nan, found.cm)
    real = np.where(present, 1.0, 0.0)
    return Solution(
        ions=ions,
        flux=flux,
        feed=p.feed * real,
        membrane_side=cm * real,
        permeate=cp * real,
        rejection=1.0 - cp / p.feed,
        intrinsic=1.0 - cp / cm,
        ok=found.ok,
        settled=found.settled & found.ok,
        unknowns=found.y,
        problem=p,
        dy=found.dy,
        dcm=found.dcm,
    )


def steepest(p: Problem, row: int) -> tuple[int, float]:
    """Which of the ions in the pore has the largest Peclet number, and that number."""
    inside = np.where(p.gone[row], 0.0, p.pe[row])
    return int(np.argmax(inside)), float(inside.max())


def failure(ions: tuple[Ion, ...], p: Problem, row: int) -> NotConverged:
    worst, peclet = steepest(p, row)
    return NotConverged(
        f"DSPM-DE found no solution (largest Peclet number {peclet:.3g}, of {ions[worst].name})",
        where=f"sample {row}",
        remedy="Check radius and flux: an ion that all but fills the pore has no diffusion left.",
    )


def water_flux(
    ions: Sequence[Ion],
    feed: Any,
    pressure: Any,
    membrane: Membrane,
    conditions: Conditions = Conditions(),
) -> Array:
    """Flux [m/s] (B,) under a pressure difference [Pa], less the osmotic pressure of the ions held back; NaN where
    it was not found. 0 where osmosis holds the water back."""
    from porelab_methods.ion_transport.kernel import CONVERGED
    from porelab_methods.ion_transport.newton import flux_batch

    drive = np.asarray(pressure, float)
    unit, _ = pose(ions, feed, np.ones_like(drive), membrane, conditions)
    count, n = unit.feed.shape
    lp = closures.permeability(
        np.asarray(membrane.pore_radius, float), np.asarray(membrane.thickness, float), conditions.viscosity
    )
    lp, drive = (np.array(np.broadcast_to(v, (count,))) for v in (lp, drive))
    flux, status, y = np.zeros(count), np.zeros(count, np.int64), np.full((count, n), np.nan)
    osmotic = float(closures.osmotic_pressure(1.0, conditions.temperature))

    def run(part: slice) -> None:
        cut = unit.rows(part).arguments()
        flux_batch(*cut, 1e-10, 0, lp[part], osmotic, drive[part], y[part], flux[part], status[part])

    _spread(run, count, None)
    return np.where(status == CONVERGED, flux, np.nan)


def by_mass(ions: Sequence[Ion], concentration: Array) -> Array:
    """Concentration (B, n) per volume of water, J_i over the flux of water, as one per volume of a solution whose mass
    is water and ions together at 1000 kg/m3."""
    load = np.atleast_2d(concentration) @ np.array([i.molar_mass for i in ions]) / DENSITY
    return np.asarray(concentration / (1.0 + load[:, None]))
