"""Derivatives through the solver, the fit that uses them, curves and the tie to a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.ion_transport.curves import curves
from porelab_methods.ion_transport.fit import Measurement, fit_membrane
from porelab_methods.ion_transport.gradient import rejection_jacobian
from porelab_methods.ion_transport.layer import rejection
from porelab_methods.ion_transport.pores import geometry_of, membrane_from_network, through_throats
from porelab_methods.ion_transport.presets import FEEDS
from porelab_methods.ion_transport.system import DAVIES, Conditions, Membrane, solve

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Labels, Network

TRUTH = (0.47e-9, 1.1e-6, -45.0, 44.0)


@pytest.mark.parametrize(
    "conditions",
    [Conditions(), Conditions(activity=DAVIES, transfer=3e-5, permittivity=80.4)],
    ids=["plain", "activity and film"],
)
def test_torch_gradients_match_finite_differences(conditions):
    feed = FEEDS["li_mg_equal"].feed()
    neutral = np.array([1.0, 0.0, 1.0])  # a change of the feed that keeps it neutral
    base = np.array([1e-5, *TRUTH, 0.0])
    size = np.array([1e-5, 1e-9, 1e-6, 10.0, 10.0, 1.0])

    def value(p):
        membrane = Membrane(*p[1:5])
        conc = feed.concentration + p[5] * neutral
        return solve(feed.ions, conc, p[0], membrane, conditions, rtol=1e-12, strict=True).rejection[0]

    p = torch.tensor(base, requires_grad=True)
    conc = torch.tensor(feed.concentration) + p[5] * torch.tensor(neutral)
    out = rejection(feed.ions, conc[None], p[0], p[1], p[2], p[3], p[4], conditions)[0]
    for k in range(3):
        (grad,) = torch.autograd.grad(out[k], p, retain_graph=True)
        for j in range(6):
            step = np.zeros(6)
            step[j] = 1e-4 * size[j]
            slope = (value(base + step)[k] - value(base - step)[k]) / (2e-4)
            assert float(grad[j]) * size[j] == pytest.approx(slope, rel=2e-5, abs=2e-7)


def test_numpy_jacobian_agrees_with_torch():
    feed = FEEDS["seawater"].feed()
    membrane = Membrane(*TRUTH)
    solution = solve(feed.ions, feed.concentration, 1e-5, membrane, sensitivities=True, strict=True)
    jac = rejection_jacobian(solution, membrane, Conditions())[0]
    p = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in TRUTH]
    out = rejection(feed.ions, torch.tensor(feed.concentration)[None], torch.tensor(1e-5), *p)[0]
    for k in range(len(feed.ions)):
        grads = torch.autograd.grad(out[k], p, retain_graph=True)
        assert np.allclose(jac[k], [float(g) for g in grads], rtol=1e-6)


def _experiments(noise=0.0):
    rng, made = np.random.default_rng(0), []
    for name in ("nacl", "mgcl2", "li_mg_equal", "na2so4"):
        feed = FEEDS[name].feed()
        for flux in (3e-6, 1e-5, 3e-5):
            r = solve(feed.ions, feed.concentration, flux, Membrane(*TRUTH)).rejection[0]
            made.append(Measurement(feed, flux, r + noise * rng.normal(size=r.size), max(noise, 1e-3)))
    return made


def test_fit_recovers_the_membrane_that_made_the_data():
    fit = fit_membrane(_experiments(), starts=8)
    assert fit.rmse < 1e-6 and not fit.at_bound
    assert [fit.membrane.pore_radius, fit.membrane.thickness, fit.membrane.charge, fit.membrane.permittivity] == (
        pytest.approx(TRUTH, rel=1e-3)
    )


def test_confidence_intervals_hold_the_truth_and_grow_with_noise():
    wide, narrow = (fit_membrane(_experiments(s), starts=4) for s in (0.01, 0.002))
    truth = dict(zip(("pore_radius", "thickness", "charge", "permittivity"), TRUTH, strict=True))
    assert all(wide.lower[k] < v < wide.upper[k] for k, v in truth.items())
    assert all(wide.upper[k] - wide.lower[k] > narrow.upper[k] - narrow.lower[k] for k in truth)


def test_fit_stays_within_bounds_and_says_where_it_met_one():
    fit = fit_membrane(_experiments(), bounds={"charge": (-20.0, 20.0)}, starts=4)
    assert -20.0 <= fit.membrane.charge <= 20.0 and "charge" in fit.at_bound


def test_fewer_numbers_than_parameters_are_refused():
    feed = FEEDS["nacl"].feed()
    with pytest.raises(InputError, match="cannot fix 4 parameters"):
        fit_membrane([Measurement(feed, 1e-5, np.array([0.9, np.nan]))])


def test_curves_start_at_zero_and_agree_with_the_solver():
    feed, membrane = FEEDS["li_mg_equal"].feed(), Membrane()
    found = curves(feed, membrane, 1e-5, points=7)
    assert np.abs(found.by_flux[0]).max() < 1e-6
    exact = solve(feed.ions, feed.concentration, found.flux[3], membrane).rejection[0]
    assert found.by_flux[3] == pytest.approx(exact, abs=1e-5)
    assert found.by_radius.shape == (7, 3) and np.isfinite(found.by_radius).all()


def _network(diameters, porosity=0.2):
    n = len(diameters)
    conns = np.stack([np.arange(n), np.arange(n) + 1], 1)
    return Network(
        coords=np.zeros((n + 1, 3)), conns=conns, throats={"inscribed_diameter": Column(np.array(diameters), "m")},
        size=(1e-6, 1e-6, 1e-6), porosity=porosity,
    )  # fmt: skip


def test_throats_as_parallel_membranes():
    network = _network([0.9e-9, 1.0e-9, 1.4e-9])
    membrane = membrane_from_network(network, permittivity=41.3)
    feed = FEEDS["nacl"].feed()
    spread = through_throats(membrane, feed, 1e-5)
    assert membrane.thickness == pytest.approx(5e-6)
    assert np.sum(spread.flux * membrane.pore_radius**2) / np.sum(membrane.pore_radius**2) == pytest.approx(1e-5)
    alone = solve(feed.ions, feed.concentration, spread.flux[1], Membrane(0.5e-9, 5e-6, -27.0, 41.3)).rejection[0]
    assert spread.rejection[1] == pytest.approx(alone, abs=1e-6)
    assert spread.rejection.min() <= spread.mixed[0] <= spread.rejection.max()


def test_equal_throats_reject_like_one():
    feed = FEEDS["li_mg_equal"].feed()
    spread = through_throats(membrane_from_network(_network([1e-9] * 4), permittivity=41.3), feed, 1e-5)
    alone = solve(feed.ions, feed.concentration, 1e-5, Membrane(0.5e-9, 5e-6, -27.0, 41.3)).rejection[0]
    assert spread.mixed == pytest.approx(alone, abs=1e-6)


def test_a_network_without_porosity_is_refused():
    with pytest.raises(InputError, match="neither porosity nor size"):
        membrane_from_network(_network([1e-9], porosity=None))


def test_geometry_of_equal_throats_is_theirs():
    made = _network(np.full(6, 4e-9))
    found = geometry_of(made, axis=1)
    assert found.pore_radius == pytest.approx(2e-9) and found.length == made.size[1]
    scaled = found.membrane(Membrane(charge=-10.0), 0.25)
    assert scaled.pore_radius == pytest.approx(0.5e-9) and scaled.charge == -10.0
    assert scaled.thickness == pytest.approx(0.25 * made.size[1] / made.porosity)


def test_geometry_of_a_solid_image_is_refused():
    with pytest.raises(InputError, match="no pore space"):
        geometry_of(Labels(np.zeros((4, 4, 4), np.uint8), (1e-6,) * 3))
