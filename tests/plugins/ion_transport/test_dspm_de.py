"""DSPM-DE against published numbers, closed forms, limits and its own derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.ion_transport import closures
from porelab_methods.ion_transport.feed import feed_of
from porelab_methods.ion_transport.ions import Ion, ions
from porelab_methods.ion_transport.presets import FEEDS
from porelab_methods.ion_transport.profiles import profiles
from porelab_methods.ion_transport.system import DAVIES, Conditions, Membrane, solve, water_flux
from porelab_methods.ion_transport.validation import cases, seawater
from porelab_methods.ion_transport.vectors import VECTORS, WATERTAP

from porelab_gui.core.validation.run import run_case

REFERENCE = Membrane(0.5e-9, 1.33e-6, -27.0, 41.3)


@pytest.mark.parametrize(("name", "flux", "expected"), VECTORS)
def test_reference_rejections(name, flux, expected):
    feed = FEEDS[name].feed()
    found = solve(feed.ions, feed.concentration, flux, REFERENCE, strict=True).rejection[0]
    assert np.abs(found - list(expected.values())).max() < 1e-5


def test_seawater_case_of_watertap():
    found = seawater()
    assert max(abs(found[n] - r) for n, r in WATERTAP.items()) < 0.01


def test_validation_cases_pass():
    chosen = [c for c in cases() if "Na" not in c.name and "Cl" not in c.name]
    assert len(chosen) >= 8 and all(run_case(c)["status"] == "passed" for c in chosen)


@pytest.mark.parametrize("peclet_scale", [1e-3, 1.0, 30.0])
def test_uncharged_solute_has_its_closed_form(peclet_scale):
    solute = Ion("glucose", 0, 0.67e-9, 0.365e-9, 0.18)
    flux, pore = 1e-5 * peclet_scale, Membrane(0.5e-9, 1.33e-6, -27.0, 41.3)
    ratio = solute.radius / pore.pore_radius
    kc, kd = closures.convection_hindrance(ratio), closures.diffusion_hindrance(ratio)
    x = kc * flux * pore.thickness / (kd * solute.diffusivity)
    exact = 1 - kc * (1 - ratio) ** 2 / (1 - (1 - kc * (1 - ratio) ** 2) * np.exp(-x))
    found = solve([solute], [5.0], flux, pore, strict=True).rejection[0, 0]
    assert abs(found - exact) < 1e-9


def test_film_of_an_uncharged_solute_has_its_closed_form():
    solute = Ion("sugar", 0, 0.5e-9, 0.45e-9, 0.3)
    flux, k = 1e-5, 2e-5
    found = solve([solute], [5.0], flux, REFERENCE, Conditions(transfer=k), strict=True)
    wall, inside = found.membrane_side[0, 0], found.permeate[0, 0]
    assert (wall - inside) / (5.0 - inside) == pytest.approx(np.exp(flux / (k * 0.5)), rel=1e-9)


def test_integrator_is_of_fifth_order():
    feed = FEEDS["li_mg_equal"].feed()
    exact = solve(feed.ions, feed.concentration, 3e-5, Membrane(0.6e-9, 2e-6, -27.0, 60.0), rtol=1e-13).rejection
    errors = []
    for steps in (8, 16, 32):
        found = solve(
            feed.ions, feed.concentration, 3e-5, Membrane(0.6e-9, 2e-6, -27.0, 60.0), steps=steps, strict=True
        )
        errors.append(np.abs(found.rejection - exact).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 4.5).all() and (orders < 6.5).all()


@pytest.mark.parametrize("name", ["seawater", "li_mg_brine", "na2so4"])
def test_electroneutral_in_pore_and_permeate(name):
    feed = FEEDS[name].feed()
    z = np.array([i.charge for i in feed.ions], float)
    solution = solve(feed.ions, feed.concentration, 1e-5, REFERENCE, strict=True)
    assert solution.neutrality()[0] < 1e-14
    inside = profiles(solution, 0, 51)["concentration"]
    residual = np.abs(inside @ z + REFERENCE.charge) / (np.abs(inside * z).sum(1) + abs(REFERENCE.charge))
    assert residual.max() < 1e-13


def test_profiles_obey_donnan_equilibrium_at_the_feed_and_carry_one_flux():
    feed, flux = FEEDS["li_mg_equal"].feed(), 1e-5
    solution = solve(feed.ions, feed.concentration, flux, REFERENCE, strict=True)
    lines = profiles(solution, 0, 2001)
    psi = lines["potential"] * closures.FARADAY / (closures.GAS_CONSTANT * 298.15)
    z = np.array([i.charge for i in feed.ions], float)
    c, p = lines["concentration"], solution.problem
    assert np.allclose(c[0], feed.concentration * np.exp(p.lnphi[0] - z * psi[0]), rtol=1e-9)
    slope, field = np.gradient(c, lines["x"], axis=0)[5:-5], np.gradient(psi, lines["x"])[5:-5]
    carried = p.kc[0, 0] * c[5:-5] - (slope + z * c[5:-5] * field[:, None]) / p.pe[0]
    assert np.allclose(carried, solution.permeate[0], rtol=1e-3)


def test_common_ion_drives_lithium_through_against_its_gradient():
    feed = FEEDS["li_mg_brine"].feed()
    found = solve(feed.ions, feed.concentration, 3e-6, Membrane(0.5e-9, 1e-6, 20.0, 60.0), strict=True)
    assert found.rejection[0, 0] < 0 < found.rejection[0, 1]


def test_no_flux_is_no_rejection():
    feed = FEEDS["seawater"].feed()
    assert np.abs(solve(feed.ions, feed.concentration, 0.0, REFERENCE, strict=True).rejection).max() < 1e-9


def test_ion_wider_than_the_pore_is_held_back_with_its_partner():
    feed = FEEDS["mgcl2"].feed()
    tight = Membrane(0.34e-9, 1e-6, -27.0, 41.3)
    assert (solve(feed.ions, feed.concentration, 1e-5, tight, strict=True).rejection == 1.0).all()
    mixed = FEEDS["li_mg_equal"].feed()
    found = solve(mixed.ions, mixed.concentration, 1e-5, tight, strict=True)
    assert found.rejection[0, 1] == 1.0 and found.rejection[0, 0] < 1.0 and found.neutrality()[0] < 1e-14


def test_a_film_concentrates_the_ion_that_cannot_pass():
    feed = FEEDS["li_mg_equal"].feed()
    tight, film = Membrane(0.34e-9, 1e-6, -27.0, 41.3), Conditions(transfer=2e-5)
    found = solve(feed.ions, feed.concentration, 1e-5, tight, film, strict=True)
    assert found.membrane_side[0, 1] > 1.2 * feed.concentration[1]
    z = np.array([i.charge for i in feed.ions])
    assert abs(found.membrane_side[0] @ z) < 1e-10 * np.abs(found.membrane_side[0]).sum()


def test_zero_concentration_is_the_limit_of_dilution():
    names = ["Li", "Mg", "Cl"]
    small = solve(ions(names), [1e-7, 20.0, 40.0 + 1e-7], 1e-5, REFERENCE, strict=True)
    none = solve(ions(names), [0.0, 20.0, 40.0], 1e-5, REFERENCE, strict=True)
    assert none.rejection[0] == pytest.approx(small.rejection[0], abs=1e-6)
    assert none.permeate[0, 0] == 0.0


def test_activity_changes_a_divalent_salt_more():
    change = []
    for name in ("nacl", "mgcl2"):
        feed = FEEDS[name].feed()
        ideal, real = (
            solve(feed.ions, feed.concentration, 1e-5, REFERENCE, Conditions(activity=a), strict=True).rejection[0, 0]
            for a in (0.0, DAVIES)
        )
        change.append(abs(ideal - real))
    assert 0 < change[0] < change[1]


def test_pressure_and_osmotic_pressure_give_the_flux():
    feed = feed_of({"Na": 200.0, "Cl": 200.0})
    flux = water_flux(feed.ions, feed.concentration, 2e6, REFERENCE)
    found = solve(feed.ions, feed.concentration, flux, REFERENCE, strict=True)
    excess = (found.membrane_side - found.permeate).sum()
    lp = closures.permeability(0.5e-9, 1.33e-6, closures.water_viscosity(298.15))
    assert flux[0] == pytest.approx(lp * (2e6 - closures.osmotic_pressure(excess, 298.15)), rel=1e-9)
    assert flux[0] < lp * 2e6


def _sobol(count):
    from scipy.stats import qmc

    u = qmc.Sobol(9, seed=3).random(count)
    membrane = Membrane(
        (0.30 + 0.40 * u[:, 0]) * 1e-9, 0.3e-6 * (5 / 0.3) ** u[:, 1], -150 + 210 * u[:, 2], 30 + 40 * u[:, 3]
    )
    flux, c = 1e-6 * 50 ** u[:, 4], 500 ** u[:, 5:9]
    feed = np.stack([c[:, 0], c[:, 1], c[:, 2], c[:, 3] * (u[:, 3] > 0.3), 0 * flux], 1)
    feed[:, 4] = feed @ [1, 2, 1, -2, 0]
    feed[:, 0] += np.maximum(-feed[:, 4], 0)
    feed[:, 4] = np.maximum(feed[:, 4], 0)
    return ions(["Na", "Mg", "Li", "SO4", "Cl"]), feed, flux, membrane


def test_every_sample_of_the_training_box_is_solved():
    kinds, feed, flux, membrane = _sobol(1024)
    solution = solve(kinds, feed, flux, membrane)
    assert solution.ok.all()
    assert np.isfinite(solution.rejection).all() and solution.rejection.max() <= 1.0
    assert solution.neutrality().max() < 1e-12


def test_batch_is_the_single_solution_row_by_row():
    kinds, feed, flux, membrane = _sobol(8)
    together = solve(kinds, feed, flux, membrane).rejection
    for k in range(8):
        one = Membrane(*(np.asarray(v)[k] for v in vars(membrane).values()))
        assert np.allclose(solve(kinds, feed[k], flux[k], one).rejection[0], together[k], atol=1e-8)


def test_an_ion_that_all_but_fills_the_pore_is_told_from_a_settled_one():
    kinds = ions(["Na", "Mg", "Cl"])
    radius = np.array([0.3475e-9, 0.5e-9])  # magnesium's is 0.347 nm
    found = solve(kinds, [10.0, 10.0, 30.0], 3e-5, Membrane(radius, 4e-6, -100.0, 60.0))
    assert found.ok.all() and found.settled.tolist() == [False, True]
