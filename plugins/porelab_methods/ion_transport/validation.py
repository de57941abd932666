"""Cases of DSPM-DE for the validation report: closed forms, published numbers, neutrality."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from porelab_gui.core.validation.case import Case

GROUP = "ions"
_FLUXES = (1e-6, 1e-5, 1e-4)


def cases() -> list[Case]:
    """All cases; nothing is computed before a case is run."""
    return [*_closed_forms(), *_vectors(), *_seawater(), _neutrality()]


def _closed_forms() -> list[Case]:
    return [
        Case(
            name=f"ions/uncharged solute at {flux:g} m/s",
            group=GROUP,
            value=partial(lambda j: _uncharged(j)[0], flux),
            reference=partial(lambda j: _uncharged(j)[1], flux),
            tolerance=1e-8,
            reason="the march adapts its steps to 1e-10",
            source="R = 1 - K_c Phi / (1 - (1 - K_c Phi) exp(-Pe)): hindered transport of a neutral solute",
            absolute=True,
        )
        for flux in _FLUXES
    ]


def _uncharged(flux: float) -> tuple[float, float]:
    """Rejection of glucose, solved and in closed form."""
    import numpy as np

    from porelab_methods.ion_transport import closures
    from porelab_methods.ion_transport.ions import Ion
    from porelab_methods.ion_transport.system import Membrane, solve

    solute, pore = Ion("glucose", 0, 0.67e-9, 0.365e-9, 0.18016), Membrane()
    ratio = solute.radius / pore.pore_radius
    kc, kd = closures.convection_hindrance(ratio), float(closures.diffusion_hindrance(ratio))
    passed = kc * (1 - ratio) ** 2
    exact = 1 - passed / (1 - (1 - passed) * np.exp(-kc * flux * pore.thickness / (kd * solute.diffusivity)))
    return float(solve([solute], [5.0], flux, pore, strict=True).rejection[0, 0]), float(exact)


def _vectors() -> list[Case]:
    from porelab_methods.ion_transport.vectors import VECTORS

    return [
        Case(
            name=f"ions/{name} at {flux:g} m/s, {ion}",
            group=GROUP,
            value=_rejection(name, flux, k),
            reference=expected,
            tolerance=1e-4,
            reason="the reference has five digits",
            source="an independent shooting solver of DSPM-DE (RK4, 200 and 400 steps agree to 1e-13)",
            absolute=True,
        )
        for name, flux, values in VECTORS
        for k, (ion, expected) in enumerate(values.items())
    ]


def _rejection(name: str, flux: float, k: int) -> Callable[[], float]:
    def value() -> float:
        from porelab_methods.ion_transport.presets import FEEDS
        from porelab_methods.ion_transport.system import Membrane, solve

        feed = FEEDS[name].feed()
        return float(solve(feed.ions, feed.concentration, flux, Membrane(), strict=True).rejection[0, k])

    return value


def _seawater() -> list[Case]:
    from porelab_methods.ion_transport.vectors import WATERTAP

    return [
        Case(
            name=f"ions/five-ion seawater, {ion}",
            group=GROUP,
            value=partial(lambda name: seawater()[name], ion),
            reference=target,
            tolerance=0.01,
            reason="WaterTAP integrates the pore with two nodes and counts concentrations by mass",
            source="WaterTAP, nanofiltration_DSPMDE_0D, its own test case",
            absolute=True,
        )
        for ion, target in WATERTAP.items()
    ]


def seawater() -> dict[str, float]:
    """Rejections of the nanofiltration case of WaterTAP, with its permittivity, activity constant and mass basis."""
    from porelab_methods.ion_transport.presets import FEEDS
    from porelab_methods.ion_transport.system import Conditions, Membrane, by_mass, solve

    feed = FEEDS["seawater"].feed()
    conditions = Conditions(permittivity=80.4, activity=0.0156)
    solution = solve(feed.ions, feed.concentration, 0.03915 * 18.015e-6, Membrane(), conditions, strict=True)
    found = 1.0 - by_mass(feed.ions, solution.permeate)[0] / feed.concentration
    return {name: float(r) for name, r in zip(feed.names, found, strict=True)}


def _neutrality() -> Case:
    def value() -> float:
        from porelab_methods.ion_transport.presets import FEEDS
        from porelab_methods.ion_transport.score import imbalance
        from porelab_methods.ion_transport.system import Membrane, solve

        feed = FEEDS["seawater"].feed()
        return imbalance(solve(feed.ions, feed.concentration, [1e-6, 1e-5, 1e-4], Membrane(), strict=True))

    return Case(
        name="ions/charge residual in pore and permeate of seawater",
        group=GROUP,
        value=value,
        reference=0.0,
        tolerance=1e-12,
        reason="neutrality is a linear invariant of the march",
        source="electroneutrality",
        absolute=True,
    )
