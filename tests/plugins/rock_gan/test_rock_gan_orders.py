"""Searches on a generator with a closed form, targets as text, batches, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.rock_gan.bench import Bench
from porelab_methods.rock_gan.deformation import algorithm_1, line_search
from porelab_methods.rock_gan.fast import Fast, cma_es
from porelab_methods.rock_gan.maker import Latent
from porelab_methods.rock_gan.order import Order, fill, nrmse, spread
from porelab_methods.rock_gan.properties import measure
from porelab_methods.rock_gan.search import chosen_search
from porelab_methods.rock_gan.survey import regression, survey
from porelab_methods.rock_gan.targets import draw_targets, parse_wish, parse_wishes
from rock_gan_toy import EDGE, GAIN, LEVEL, Toy
from scipy.stats import norm

from porelab_gui.core.cache import Cache
from porelab_gui.core.errors import InputError, NotConverged, ParameterError
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Cancelled, Showing, silent

LOW, HIGH = norm.cdf([LEVEL - 3 * GAIN, LEVEL + 3 * GAIN])


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def bench(text, limit=20):
    return Bench(Toy(), draw_targets(parse_wishes([text]), 0, 0), limit)


def test_targets_are_read_in_the_units_of_people():
    wish = parse_wish("permeability_z = 100..300 +- 15 mD")
    assert wish.low == pytest.approx(9.869233e-14) and wish.tolerance == pytest.approx(15 * 9.869233e-16)
    assert parse_wish("pore_size=9.5+-0.1 um").low == pytest.approx(9.5e-6)
    assert parse_wish("porosity=0.2+-2e-3").high == 0.2
    values = [draw_targets([wish], 3, k)[0].value for k in range(200)]
    assert wish.low <= min(values) and max(values) <= wish.high
    assert np.mean(values) == pytest.approx((wish.low + wish.high) / 2, rel=0.06)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("porosity 0.2", "is not a target"),
        ("porosity=0.2+-0", "positive tolerance"),
        ("porosity=0.3..0.2+-0.01", "upper end"),
        ("porosity=0.2+-0.01 mD", "no unit of porosity"),
        ("colour=1+-1", "no property 'colour'"),
        ("morphology/summary=1+-1", "no property"),
        ("extract_network/network/K=1+-1", "does not make a table"),
    ],
)
def test_what_is_no_target_is_refused(text, words):
    with pytest.raises(ParameterError, match=words):
        parse_wish(text)
    with pytest.raises(ParameterError, match="asked for twice"):
        parse_wishes(["porosity=0.2+-0.1", "porosity=0.1+-0.1"])
    with pytest.raises(ParameterError, match="no property is asked for"):
        parse_wishes([])


def test_any_number_of_any_method_is_a_property():
    rock = Toy().rock(Toy().draw(np.random.default_rng(0)))
    names = ["porosity", "morphology/summary/porosity", "morphology/summary/mean local thickness"]
    found = measure(rock, names)
    assert found[names[0]] == found[names[1]] == pytest.approx(rock.porosity())
    assert 2e-6 < found[names[2]] < 2e-5
    with pytest.raises(ParameterError, match="has no row 'nothing'"):
        measure(rock, ["morphology/summary/nothing"])


def test_network_properties_are_those_of_the_windows_methods_with_extracted_diameters():
    from porelab_gui.core.registry import get

    field = Toy().draw(np.random.default_rng(4))
    rock = Toy().rock(field.with_style(np.array([3.0, 0.0])))
    network = get("extract_network")({"labels": rock}, {})["network"]
    with_g = get("conductance_analytic")({"network": network}, {})["network"]
    flow = get("solve_flow")({"network": with_g}, {})["table"]
    found = measure(rock, ["permeability_z", "permeability", "pore_size", "throat_size", "formation_factor_x"])
    assert found["permeability_z"] == pytest.approx(np.nan_to_num(flow["K_m2"][0]), rel=1e-9)
    assert found["permeability"] == pytest.approx(np.nan_to_num(flow["K_m2"]).mean(), rel=1e-9)
    inner = ~network.pore("boundary").astype(bool)
    assert found["pore_size"] == network.pore("inscribed_diameter")[inner].mean()
    assert found["throat_size"] < found["pore_size"]


def test_a_rock_without_a_path_conducts_nothing():
    solid = np.zeros((16, 16, 16), np.uint8)
    solid[6:10, 6:10, 6:10] = 1
    found = measure(Labels(solid, (1e-6,) * 3), ["permeability_z", "formation_factor_z"])
    assert found["permeability_z"] == 0.0 and found["formation_factor_z"] == np.inf


def test_a_deformed_latent_stays_standard_normal():
    rng = np.random.default_rng(0)
    a, b = (Latent(rng.standard_normal(20_000).astype(np.float32), np.zeros(0, np.float32)) for _ in range(2))
    mixed = a.mixed(b, 0.7)
    assert mixed.square == pytest.approx(1, abs=0.04) and abs(mixed.style.mean()) < 0.03
    assert np.allclose(a.mixed(b, 0.0).style, a.style) and np.allclose(a.mixed(b, np.pi / 2).style, b.style, atol=1e-6)


def test_algorithm_1_as_written_is_as_fast_as_drawing_at_random():
    """Finding F2: the number of evaluations is that of rejection sampling, one over the chance of a hit."""
    low, high = norm.ppf([0.19, 0.23])
    chance = np.diff(norm.cdf((np.array([low, high]) - LEVEL) / GAIN))[0]
    counts = []
    for seed in range(60):
        run = bench("porosity=0.21+-0.02", 500)
        algorithm_1(run, np.random.default_rng(seed))
        assert run.accepted
        counts.append(run.count)
    assert 0.65 < np.mean(counts) * chance < 1.5


def test_the_line_search_never_gets_worse_and_meets_a_tight_target():
    counts = []
    for seed in range(6):
        costs = []
        run = bench("porosity=0.24+-0.0005", 60)
        run._tell = lambda b, t, costs=costs: costs.append(b.best.cost)
        line_search(run, np.random.default_rng(seed))
        assert run.accepted and (np.diff(costs) <= 0).all()
        assert abs(run.best.rock.porosity() - 0.24) <= 0.0005
        counts.append(run.count)
    assert np.median(counts) < 25  # at random it would take 500


def test_the_regression_knows_the_closed_form(cache):
    found = survey(Toy(), ["porosity"], 24, cache=cache)
    model = regression(found, ["porosity"])
    for style in (-1.0, 0.0, 1.2):
        expected = norm.cdf(LEVEL + GAIN * style)
        assert model.predict(np.array([style, 0.3]))[0] == pytest.approx(expected, abs=0.01)
        slope = GAIN * norm.pdf(LEVEL + GAIN * style)
        assert model.slopes(np.array([style, 0.3]))[0] == pytest.approx([slope, 0.0], abs=0.01)
    assert found.span("porosity") == pytest.approx((LOW, HIGH), abs=0.01)


def test_a_survey_is_made_once(cache):
    toy = Toy()
    first = survey(toy, ["porosity"], 8, cache=cache)
    made = toy.made
    again = survey(toy, ["porosity"], 8, cache=cache)
    assert toy.made == made > 8 and np.array_equal(first.styles, again.styles)


def test_the_fast_search_needs_few_true_evaluations(cache):
    wish = parse_wish("porosity=0.13..0.3+-0.001")
    search, _ = chosen_search("fast", Toy(), [wish], 24, cache=cache)
    counts = []
    for k in range(12):
        run = Bench(Toy(), draw_targets([wish], 1, k), 20)
        search(run, np.random.default_rng(k))
        assert run.accepted
        counts.append(run.count)
    assert np.mean(counts) < 5


def test_two_properties_at_once(cache):
    wishes = parse_wishes(["porosity=0.18..0.25+-0.002", "specific_surface=110..135+-6 1/mm"])
    search, _ = chosen_search("fast", Toy(), wishes, 30, cache=cache)
    done = 0
    for k in range(5):
        run = Bench(Toy(), draw_targets(wishes, 0, k), 60)
        search(run, np.random.default_rng(k))
        done += run.accepted
        assert run.count <= 60
        if run.accepted:
            assert all(abs(m) <= 1 for m in run.best.misses)
    assert done >= 1


def test_cma_es_meets_a_target_without_any_model():
    run = bench("porosity=0.27+-0.002", 80)
    cma_es(run, np.random.default_rng(2))
    assert run.accepted
    short = bench("porosity=0.27+-1e-9", 13)
    cma_es(short, np.random.default_rng(2))
    assert short.count == 13


@pytest.mark.parametrize("kind", ["fast", "line_search", "algorithm_1"])
def test_a_target_out_of_reach_is_refused_with_the_range_before_any_search(kind, cache):
    with pytest.raises(InputError, match=r"from 0\.04\d* to 0\.5\d*.*26 rocks measured"):
        chosen_search(kind, Toy(), [parse_wish("porosity=0.7+-0.01")], 24, cache=cache)


@pytest.mark.parametrize(("kind", "measured"), [("fast", 12 * 4 + 4), ("algorithm_1", 12 * 2 + 4)])
def test_a_pair_of_properties_has_a_larger_survey_where_the_search_starts_from_it(kind, measured, cache):
    wishes = parse_wishes(["porosity=0.7+-0.01", "specific_surface=150+-5 1/mm"])
    with pytest.raises(InputError, match=f"{measured} rocks measured"):
        chosen_search(kind, Toy(), wishes, 12, cache=cache)


def order(folder, text="porosity=0.13..0.3+-0.002", count=4, evaluations=20, key="k"):
    wishes = parse_wishes([text])
    found = survey(Toy(), [w.property.name for w in wishes], 16, cache=Cache(folder / "cache"))
    model = Fast(found, [w.property.name for w in wishes])
    return Order(wishes, count, model, "fast", evaluations, 0, folder / "rocks", "npz", key)


def test_a_batch_gives_a_table_files_and_what_the_window_shows(tmp_path):
    from porelab_gui.core.api import read

    pictures = {}
    progress = Showing(lambda *a, **k: None, pictures.__setitem__)
    asked = order(tmp_path)
    rock, rocks, table = fill(asked, Toy(), progress)
    assert table["accepted"].all() and len(rocks) == 4 and "100%" in table.notes[0] and "Spread" in table.notes[1]
    gap = np.abs(table["porosity.reached"] - table["porosity.target"])
    assert gap.max() <= 0.002
    assert read(table["file"][2]).porosity() == pytest.approx(table["porosity.reached"][2])
    assert np.array_equal(read(table["file"][0]).array(), rock.array())
    shown = pictures["order"]
    assert len(shown.rows) == 4 and shown.evaluations >= 1 and shown.slice.shape == (EDGE, EDGE)
    assert nrmse(shown.rows, asked.wishes[0]) == pytest.approx(np.sqrt(np.mean(gap**2)) / 0.17)


def test_a_stopped_batch_goes_on(tmp_path):
    def stop(done, total, message="", /, **metrics):
        if done >= 2.01:
            raise Cancelled

    with pytest.raises(Cancelled):
        fill(order(tmp_path), Toy(), stop)
    toy = Toy()
    _, _, table = fill(order(tmp_path), toy, silent)
    _, _, whole = fill(order(tmp_path / "b"), Toy(), silent)
    assert table["porosity.reached"].tolist() == whole["porosity.reached"].tolist()
    assert toy.made == 2 + table["evaluations"][2:].sum()  # the first two were only made again from their latents
    changed = Toy()
    fill(order(tmp_path, key="other"), changed, silent)
    assert changed.made == whole["evaluations"].sum()


def test_an_impossible_pair_ends_with_the_closest_rock_named(tmp_path):
    wishes = parse_wishes(["porosity=0.2+-0.001", "specific_surface=10+-0.1 1/mm"])
    names = [w.property.name for w in wishes]
    search = Fast(survey(Toy(), names, 12, cache=Cache(tmp_path)), names)
    toy = Toy()
    with pytest.raises(NotConverged, match=r"in 9 evaluations; the closest has porosity 0\.\d+, specific surface"):
        fill(Order(wishes, 1, search, "fast", 9, 0, tmp_path / "r", "npz", "k"), toy, silent)
    assert toy.made == 9


def test_the_spread_of_independent_rocks_is_one_and_of_copies_zero():
    toy = Toy()
    latents = [toy.draw(np.random.default_rng(k)) for k in range(4)]
    rocks = [toy.rock(z) for z in latents]
    assert spread(latents, rocks) == pytest.approx((1.0, 1.0), abs=0.1)
    assert spread([latents[0]] * 2, [rocks[0]] * 2) == pytest.approx((0.0, 0.0))
    assert spread(latents[:1], rocks[:1]) is None
