"""Bad input: a clear sentence that says what, where and what to try; and the Methods end to end."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.ion_transport.feed import balance_sentence, composition_of, feed_of, parse_feed, table_to_feed
from porelab_methods.ion_transport.ions import ion, ions
from porelab_methods.ion_transport.methods import METHODS
from porelab_methods.ion_transport.presets import FEEDS, MEMBRANES
from porelab_methods.ion_transport.system import Membrane, solve

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.nouns import Column, Table

BY_NAME = {m.name: m for m in METHODS}


def table(**columns):
    return Table({k: Column(np.array(v)) for k, v in columns.items()}, name="brine")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Na=10, Cl=12", "2 mol/m3 of positive charge is missing"),
        ("Na=10", "10 mol/m3 of negative charge is missing"),
        ("Na=-1, Cl=-1", "concentration of Na is -1"),
        ("Na=ten, Cl=10", "cannot read 'Na=ten'"),
        ("Na=0, Cl=0", "holds nothing dissolved"),
        ("Na=5, Na+=5, Cl=10", "Na is listed twice"),
        ("Xx=1, Cl=1", "charge, diffusivity, radius are not given"),
    ],
)
def test_bad_compositions(text, sentence):
    with pytest.raises(InputError, match=sentence.replace("+", r"\+")):
        parse_feed(text)


def test_the_balance_ion_is_filled_in():
    feed = parse_feed("Na=10, Mg=5", balance="Cl")
    assert dict(zip(feed.names, feed.concentration, strict=True)) == pytest.approx({"Na": 10.0, "Mg": 5.0, "Cl": 20.0})
    with pytest.raises(InputError, match="more Mg cannot make the feed neutral"):
        parse_feed("Na=10, Cl=1", balance="Mg")
    assert balance_sentence(ions(["Na", "Cl"]), np.array([1.0, 1.0])) == ""


def test_presets_are_neutral():
    for preset in FEEDS.values():
        feed = preset.feed()
        assert balance_sentence(feed.ions, feed.concentration) == ""
    assert all(m.pore_radius > 0 for _, m in MEMBRANES.values())


@pytest.mark.parametrize("name", ["Mg", "Mg2+", "mg++", "Mg^2+", " Mg "])
def test_names_of_ions_are_forgiving(name):
    assert ion(name).name == "Mg"


def test_sulfate_keeps_its_digit():
    assert ion("SO4 2-").name == ion("SO4(2-)").name == ion("so4").name == "SO4"


def test_missing_cells_are_named_by_row():
    with pytest.raises(InputError, match="row 2: the concentration of Cl is missing"):
        table_to_feed(table(ion=["Na", "Cl"], concentration=[10.0, np.nan]))
    with pytest.raises(InputError, match="row 1: the ion's name is missing"):
        table_to_feed(table(ion=["", "Cl"], concentration=[10.0, 10.0]))
    with pytest.raises(InputError, match="no column 'concentration'"):
        table_to_feed(table(ion=["Na", "Cl"]))
    with pytest.raises(InputError, match="row 1: concentration 'much' is not a number"):
        table_to_feed(table(ion=["Na", "Cl"], concentration=["much", "1"]))


def test_a_new_ion_is_taken_from_its_table_row():
    feed = table_to_feed(
        table(
            ion=["Rb", "Cl"], concentration=[10.0, 10.0], charge=[1.0, np.nan], diffusivity=[2.07e-9, np.nan],
            radius=[0.118e-9, np.nan],
        )
    )  # fmt: skip
    assert feed.ions[0].charge == 1 and feed.ions[1].diffusivity == pytest.approx(2.03e-9)
    assert solve(feed.ions, feed.concentration, 1e-5, Membrane(), strict=True).ok.all()


@pytest.mark.parametrize("value", [{"charge": 0.5}, {"radius": -1e-10}, {"diffusivity": 1.33}])
def test_impossible_ion_values(value):
    with pytest.raises(InputError):
        ion("Na", **value)


def test_backward_flux_is_refused():
    with pytest.raises(InputError, match="not zero or positive"):
        solve(ions(["Na", "Cl"]), [10, 10], -1e-6, Membrane())
    with pytest.raises(ParameterError, match="flux"):
        BY_NAME["solve_dspm_de"]({}, {"flux": -1e-6})


def test_solve_method_gives_rejections_and_profiles():
    out = BY_NAME["solve_dspm_de"]({}, {"feed": "li_mg_equal", "flux": 1e-5, "points": 11})
    assert out["rejections"]["rejection"] == pytest.approx([0.59043, 0.81278, 0.73866], abs=1e-5)
    assert out["profiles"].columns["x"].unit == "m" and len(out["profiles"]) == 11
    assert any("residual" in note for note in out["rejections"].notes)


def test_solve_method_says_what_is_too_wide_and_what_is_a_trace():
    made = BY_NAME["solve_dspm_de"]({}, {"composition": "Li=20, Mg=20, Cl=60, K=0", "pore_radius": 0.33e-9})
    notes = " ".join(made["rejections"].notes)
    assert "Mg: as wide as the pore" in notes and "K: not in the feed" in notes
    none = BY_NAME["solve_dspm_de"]({}, {"flux": 0.0})
    assert np.abs(none["rejections"]["rejection"]).max() < 1e-9


def test_pressure_drives_less_than_without_osmosis():
    low, high = (
        BY_NAME["solve_dspm_de"]({}, {"composition": f"Na={c}, Cl={c}", "drive": "pressure", "pressure": 2e6})
        for c in (1, 200)
    )
    flux = [float(t["rejections"].notes[0].split()[1]) for t in (low, high)]
    assert flux[1] < 0.9 * flux[0]


def test_fit_method_on_a_table():
    feed, rows = FEEDS["nacl"].feed(), {"ion": [], "feed": [], "flux": [], "rejection": []}
    for flux in (2e-6, 1e-5, 3e-5):
        r = solve(feed.ions, feed.concentration, flux, Membrane(charge=-40.0)).rejection[0]
        rows["ion"] += list(feed.names)
        rows["feed"] += list(feed.concentration)
        rows["flux"] += [flux, flux]
        rows["rejection"] += [r[0], np.nan]
    params = {"fit_radius": False, "fit_permittivity": False, "starts": 2, "sigma": 0.001}
    out = BY_NAME["fit_membrane"]({"measured": table(**rows)}, params)
    found = dict(zip(out["membrane"]["parameter"], out["membrane"]["value"], strict=True))
    assert found["charge"] == pytest.approx(-40.0, rel=1e-3) and found["thickness"] == pytest.approx(1.33e-6, rel=1e-3)
    with pytest.raises(InputError, match="no column 'flux'"):
        BY_NAME["fit_membrane"]({"measured": table(ion=["Na"], feed=[1.0], rejection=[0.5])}, {})


def test_unknown_preset_and_mixtures_of_neutral_solutes():
    with pytest.raises(ParameterError):
        BY_NAME["solve_dspm_de"]({}, {"feed": "beer"})
    assert feed_of({"Na": 1.0, "Cl": 1.0}).names == ("Na", "Cl")


def test_an_ion_of_ones_own_travels_as_text():
    feed = parse_feed("Rb(1 2.07e-9 0.118e-9)=10, Cl=10")
    assert feed.ions[0].charge == 1 and feed.ions[0].radius == 0.118e-9
    again = parse_feed(composition_of(feed))
    assert again.ions == feed.ions and np.array_equal(again.concentration, feed.concentration)
    sea = FEEDS["seawater"].feed()
    assert np.array_equal(parse_feed(composition_of(sea)).concentration, sea.concentration)


def test_curves_as_a_method_agree_with_the_solution():
    out = BY_NAME["ion_curves"]({}, {"feed": "nacl", "curve_points": 4})
    assert out["by_flux"].columns["flux"].unit == "m/s" and len(out["by_radius"]) == 4
    feed = FEEDS["nacl"].feed()
    last = solve(feed.ions, feed.concentration, 3e-5, Membrane()).rejection[0]
    assert out["by_flux"]["rejection.Na"][-1] == pytest.approx(last[0], abs=1e-6)
    still = BY_NAME["ion_curves"]({}, {"feed": "nacl", "flux": 0.0, "curve_points": 3})
    assert still["by_flux"]["flux"][-1] > 0, "at no flux the curve still shows what a flux would do"


def test_a_table_is_opened_and_a_bad_one_refused(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text("ion,feed [mol/m3],flux [m/s],rejection\nNa,10,1e-5,0.9\nCl,10,1e-5,\n")
    made = BY_NAME["load_table"]({}, {"path": str(path)})["table"]
    assert made.columns["flux"].unit == "m/s" and np.isnan(made["rejection"][1])
    with pytest.raises(InputError, match="cannot be read"):
        BY_NAME["load_table"]({}, {"path": str(tmp_path / "none.csv")})


def test_a_fit_table_with_a_missing_flux_is_refused():
    bad = table(ion=["Na", "Cl"], feed=[10.0, 10.0], flux=[1e-5, np.nan], rejection=[0.5, 0.5])
    with pytest.raises(InputError, match="row 2: the flux of Cl is missing"):
        BY_NAME["fit_membrane"]({"measured": bad}, {})
    lopsided = table(ion=["Na", "Cl"], feed=[10.0, 12.0], flux=[1e-5, 1e-5], rejection=[0.5, 0.5])
    with pytest.raises(InputError, match="positive charge is missing"):
        BY_NAME["fit_membrane"]({"measured": lopsided}, {})
