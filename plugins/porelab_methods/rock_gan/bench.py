"""Counted true evaluations: the only way by which a search learns what a rock is like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from porelab_gui.core.nouns import Labels
from porelab_methods.rock_gan.maker import Latent, Maker
from porelab_methods.rock_gan.properties import measure
from porelab_methods.rock_gan.targets import Target, misses


@dataclass(frozen=True)
class Trial:
    """One rock that was made and measured. ``misses`` in tolerances; ``worst`` is the largest of their sizes."""

    latent: Latent
    rock: Labels
    values: dict[str, float]
    misses: tuple[float, ...]

    @property
    def worst(self) -> float:
        """Largest distance from a target, in its tolerance; at most 1 is accepted."""
        return max(abs(m) for m in self.misses)

    @property
    def cost(self) -> float:
        """Half the sum of squares, O of Algorithm 1 in units of the tolerances."""
        return 0.5 * float(np.sum(np.square(self.misses)))


class Bench:
    """Makes and measures rocks for one set of targets, at most ``limit`` of them; keeps the best.

    ``taken``: latents of rocks that there are already.
    """

    def __init__(
        self,
        maker: Maker,
        targets: Sequence[Target],
        limit: int,
        tell: Callable[[Bench, Trial], None] = lambda bench, trial: None,
        taken: Sequence[Latent] = (),
    ) -> None:
        self.maker, self.targets, self.limit, self._tell = maker, tuple(targets), limit, tell
        self.taken = tuple(taken)
        self.count = 0
        self.best: Trial | None = None

    @property
    def open(self) -> bool:
        """Whether to go on: nothing accepted yet, and evaluations left."""
        return self.count < self.limit and not self.accepted

    @property
    def accepted(self) -> bool:
        """Whether the best rock is within all tolerances."""
        return self.best is not None and bool(self.best.worst <= 1.0)

    def has_noise(self, latent: Latent) -> bool:
        """Whether a rock with this noise is taken already."""
        return any(np.array_equal(latent.noise, other.noise) for other in self.taken)

    def __call__(self, latent: Latent) -> Trial:
        """One true evaluation."""
        rock = self.maker.rock(latent)
        values = measure(rock, [t.property.name for t in self.targets])
        trial = Trial(latent, rock, values, tuple(misses(self.targets, values)))
        self.count += 1
        if self.best is None or trial.worst < self.best.worst:
            self.best = trial
        self._tell(self, trial)
        return trial
