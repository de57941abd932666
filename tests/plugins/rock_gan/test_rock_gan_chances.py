"""Bets on the next rock: what a path knows, and what its chances are."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.rock_gan.bench import Bench
from porelab_methods.rock_gan.chances import MEMORY, Path, best_start, towards, within
from porelab_methods.rock_gan.maker import Latent
from porelab_methods.rock_gan.order import Order, fill
from porelab_methods.rock_gan.properties import measure
from porelab_methods.rock_gan.search import chosen_search
from porelab_methods.rock_gan.targets import Wish, parse_wishes
from rock_gan_toy import Toy
from scipy.stats import norm

from porelab_gui.core.cache import Cache
from porelab_gui.core.progress import Cancelled, silent

NAMES = ("porosity", "specific_surface")


def path(gap, slopes, jumps):
    return Path(np.zeros(2), np.array([gap]), np.array([slopes]), np.array([jumps]))


def test_what_was_evaluated_is_certain():
    begun = path(3.0, [4.0, 0.0], 50.0)
    begun.add(np.array([0.5, 0.0]), np.array([0.9]))
    begun.add(np.array([0.7, 0.0]), np.array([-1.1]))
    assert begun.chances(begun.styles) == pytest.approx([0.0, 1.0, 0.0], abs=1e-3)


def test_without_slopes_the_chance_is_that_of_a_path_that_wanders():
    begun, away = path(0.5, [0.0, 0.0], 20.0), np.array([0.05, 0.3, 2.0])
    width = np.sqrt(20.0 * MEMORY * (1.0 - np.exp(-away / MEMORY)))  # a Brownian path, until it forgets
    expected = norm.cdf((1 - 0.5) / width) - norm.cdf((-1 - 0.5) / width)
    assert begun.chances(np.stack([away, 0 * away], 1)) == pytest.approx(expected, abs=2e-3)


def test_a_wrong_slope_is_learned_from_the_path_itself():
    """The regression says 4 per unit of style; it is 2."""
    begun = path(3.0, [4.0, 0.0], 1e-4)
    for way in (0.2, 0.5):
        begun.add(np.array([way, 0.0]), np.array([3.0 - 2.0 * way]))
    assert begun.chances(np.array([[1.5, 0.0]]))[0] > 0.99
    assert begun.chances(np.array([[0.75, 0.0]]))[0] < 0.01  # where 4 per unit would lead


def test_candidates_are_near_and_lead_towards_the_goal():
    begun = path(2.0, [5.0, 0.0], 1.0)
    asked = begun.candidates(np.random.default_rng(0))
    chances = begun.chances(asked)
    assert abs(asked[np.argmax(chances)][0] - 0.4) < 0.15
    assert np.linalg.norm(asked, axis=1).max() < 1.0


def test_steps_solve_the_ridge_equations():
    rng = np.random.default_rng(1)
    slopes, gaps = rng.standard_normal((5, 2, 4)), 0.1 * rng.standard_normal((5, 2))
    found = towards(slopes, gaps, 0.7)
    for s, g, step in zip(slopes, gaps, found, strict=True):
        assert step == pytest.approx(np.linalg.solve(s.T @ s + 0.7 * np.eye(4), s.T @ g))
    assert np.linalg.norm(towards(slopes, 1e6 * gaps, 0.7), axis=1).max() == pytest.approx(1.5)


def test_the_start_is_the_rock_that_most_likely_comes_right():
    slopes = np.zeros((3, 2, 2))
    slopes[:, 0, 0] = 10.0  # only the first property follows the style
    gaps = np.array([[0.2, 4.0], [3.0, 0.1], [0.9, 2.0]])
    bet = best_start(np.zeros((3, 2)), gaps, slopes, np.ones(2))
    assert bet.start == 1 and bet.style[0] == pytest.approx(0.3, abs=0.05) and bet.chance > 0.5
    assert within(np.zeros(1), np.ones(1))[0] == pytest.approx(0.6827, abs=1e-4)


def wishes_like(seed):
    """Both properties as another rock has them, so that a rock with both exists."""
    found = measure(Toy().rock(Toy().draw(np.random.default_rng((9, seed)))), NAMES)
    return parse_wishes([f"porosity={found['porosity']}+-0.003", f"specific_surface={found['specific_surface']}+-2000"])


def test_pairs_that_exist_are_found_in_few_evaluations(tmp_path):
    cache, counts = Cache(tmp_path), []
    for seed in range(8):
        wishes = wishes_like(seed)
        search, _ = chosen_search("fast", Toy(), wishes, 40, cache=cache)
        run = Bench(Toy(), [w.target(0.0) for w in wishes], 40)
        search(run, np.random.default_rng(seed))
        counts.append(run.count if run.accepted else 99)
    assert sorted(counts)[6] <= 40 and np.median(counts) <= 10


def pairs_ordered(folder, count, progress=silent):
    """Rocks that are all to have the same pair of properties."""
    wishes: tuple[Wish, ...] = parse_wishes(["porosity=0.2+-0.01", "specific_surface=155+-6 1/mm"])
    search, _ = chosen_search("fast", Toy(), wishes, 20, cache=Cache(folder / "cache"))
    order = Order(wishes, count, search, "fast", 30, 0, folder / "rocks", "npz", "k")
    table = fill(order, Toy(), progress)[2]
    return table, [read_noise(folder / "rocks" / f"latent_{n:03d}.npz") for n in table["rock"][table["accepted"]]]


def read_noise(path):
    with np.load(path) as stored:
        return Latent(stored["style"], stored["noise"]).noise


def test_rocks_of_a_batch_differ_also_after_a_stop(tmp_path):
    table, noises = pairs_ordered(tmp_path / "whole", 5)
    assert len(noises) >= 4
    assert len({n.tobytes() for n in noises}) == len(noises)

    def stop(done, total, message="", /, **metrics):
        if message.startswith("rock 3"):
            raise Cancelled

    with pytest.raises(Cancelled):
        pairs_ordered(tmp_path / "stopped", 5, stop)
    again, _ = pairs_ordered(tmp_path / "stopped", 5)
    assert again["specific_surface.reached"].tolist() == table["specific_surface.reached"].tolist()
