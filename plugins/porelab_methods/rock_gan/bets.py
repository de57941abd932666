"""The search for several properties: whichever rock has the best chance is made next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from porelab_methods.rock_gan.bench import Bench
from porelab_methods.rock_gan.chances import Bet, Path, best_start, within
from porelab_methods.rock_gan.goal import Goal, usable
from porelab_methods.rock_gan.maker import Latent
from porelab_methods.rock_gan.survey import SHAKE, Survey

Floats = NDArray[np.float64]
Begun = tuple[Latent, Path]
Guess = Callable[[Bench, np.random.Generator, Goal], Latent]


class Bets:
    """The rocks of the survey, the paths that were begun from some of them, and noises that nobody knows.

    ``known`` (n, m) are the fitted properties of the survey; ``guess`` makes a latent that should do, of a new noise.
    """

    def __init__(self, found: Survey, known: Floats, goal: Goal, bench: Bench, guess: Guess) -> None:
        self.found, self.goal, self.bench, self.guess = found, goal, bench, guess
        self.styles = found.styles
        self.free = np.flatnonzero([usable(row) for row in known])
        self.gaps = np.array([goal.gap(row) for row in known])
        self.slopes = np.array([goal.slopes(style) for style in self.styles])
        self.jumps = 2.0 * np.square(goal.jitter) / SHAKE
        self.luck = float(within(np.zeros(len(goal.unit)), np.abs(goal.model.error / goal.unit) + 1e-9).prod())
        self.paths: list[Begun] = []

    def evaluate_next(self, rng: np.random.Generator) -> None:
        """The rock with the best chance is made."""
        begun, style, chance = self._begun(rng)
        latent, fresh = self._unbegun()
        if self.luck > max(chance, fresh.chance if fresh is not None else -1.0):
            self._try_luck(rng)
        elif latent is not None and fresh is not None and fresh.chance > chance:
            self._evaluate(*self._begin(latent, fresh.start), fresh.style, fresh.chance)
        else:
            assert begun is not None
            self._evaluate(*begun, style, chance)

    def _evaluate(self, latent: Latent, path: Path, style: Floats, chance: float) -> None:
        value = self.goal.fitted(self.bench(latent.with_style(style)))
        if usable(value):
            path.add(style, self.goal.gap(value), chance)
        else:
            self.paths = [pair for pair in self.paths if pair[1] is not path]  # no way through it

    def _begun(self, rng: np.random.Generator) -> tuple[Begun | None, Floats, float]:
        """Of all begun paths: which, the style, and its chance."""
        best: tuple[Begun | None, Floats, float] = (None, np.zeros(0), -1.0)
        for pair in self.paths:
            asked = pair[1].candidates(rng)
            chances = pair[1].chances(asked)
            k = int(np.argmax(chances))
            if chances[k] > best[2]:
                best = pair, asked[k], float(chances[k])
        return best

    def _unbegun(self) -> tuple[Latent | None, Bet | None]:
        """The best bet on a rock of the survey that was not begun (``start`` is its number), and its latent.

        The noise of an accepted rock is not taken again: rocks of a batch are to differ.
        """
        while len(self.free):
            bet = best_start(self.styles[self.free], self.gaps[self.free], self.slopes[self.free], self.jumps)
            rock = int(self.free[bet.start])
            latent = self.found.latent(self.bench.maker, rock)
            if not self.bench.has_noise(latent):
                return latent, replace(bet, start=rock)
            self.free = self.free[self.free != rock]
        return None, None

    def _begin(self, latent: Latent, rock: int) -> Begun:
        self.free = self.free[self.free != rock]
        self.paths.append((latent, Path(self.styles[rock], self.gaps[rock], self.slopes[rock], self.jumps)))
        return self.paths[-1]

    def _try_luck(self, rng: np.random.Generator) -> None:
        """A noise that nobody knows, under the style that should do."""
        latent = self.guess(self.bench, rng, self.goal)
        value = self.goal.fitted(self.bench(latent))
        if usable(value):
            style = latent.style.astype(float).ravel()
            self.paths.append((latent, Path(style, self.goal.gap(value), self.goal.slopes(style), self.jumps)))
