"""Calibration: a finished generator is turned until the true properties of its rocks are those of the stack.

Neither critic nor push sees permeability or throats. Here they are measured: pairs of rocks from one latent and from
generators turned a little to either side tell how every moment answers to every knob (antithetic random directions,
as in evolution strategies: Salimans et al. 2017, arXiv 1703.03864), a ridge regression puts them together, and the
shortest turn that closes the gap is taken. A few rounds, each with new pairs around the new generator.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.nouns import Column, Table
from porelab_gui.core.progress import Progress, within
from porelab_methods.rock_gan.data import sample_crops
from porelab_methods.rock_gan.evaluate import as_labels
from porelab_methods.rock_gan.knobs import Knobs
from porelab_methods.rock_gan.likeness import MOMENTS, Likeness, distance, row, weights
from porelab_methods.rock_gan.model import draw_latents, rocks_of

RIDGE = 300.0  # pairs that the prior "no answer" counts for
WITHIN = 0.05  # standard deviations to which a gap is closed: samples know it no better
LONGEST = 0.05  # prior deviation of each knob
EVERY = 50  # pairs between two writings
Floats = NDArray[np.float64]
Rows = Callable[[int], list[list[float]]]


@dataclass(frozen=True)
class Calibration:
    """How much is measured. Each round has an edge of its own (larger rocks tell of longer ways); ``pairs`` and
    ``samples`` are those of the smallest, larger ones are fewer by volume. ``step``: how far pairs are turned."""

    edges: tuple[int, ...]
    pairs: int
    samples: int
    step: float
    stride: int
    seed: int

    def pairs_of(self, edge: int) -> int:
        """Pairs of a round."""
        return max(2, round(self.pairs * (min(self.edges) / edge) ** 3))

    def samples_of(self, edge: int) -> int:
        """Crops and rocks for the gap: half at least, as crops that overlap know the slab no better."""
        return max(2, round(self.samples * max(0.5, (min(self.edges) / edge) ** 3)))


@dataclass(frozen=True)
class Round:
    """The generator after some rounds and its gap at an edge, in standard deviations of real crops of that edge."""

    number: int
    edge: int
    state: dict[str, torch.Tensor]
    gap: Floats

    @property
    def distance(self) -> float:
        """Root mean square of the gap."""
        return distance(self.gap)


def calibrate(
    net: torch.nn.Module, slab: NDArray[np.bool_], voxel: float, plan: Calibration, folder: Path, progress: Progress
) -> list[Round]:
    """The generators of all rounds, the given one first; ``net`` is left with the weights of the nearest.

    All measured rows are kept in ``folder``, so that a stopped calibration goes on where it was.
    """
    return _Bench(net, slab, voxel, plan, folder, progress).run()


class _Bench:
    def __init__(
        self, net: torch.nn.Module, slab: NDArray[np.bool_], voxel: float, plan: Calibration, folder: Path,
        progress: Progress,
    ) -> None:  # fmt: skip
        self.net, self.slab, self.voxel, self.plan, self.folder = net.eval(), slab, voxel, plan, folder
        self.progress = progress
        self.real: dict[int, Likeness] = {}
        self.turns: list[Floats] = []
        self.changes: list[Floats] = []

    def run(self) -> list[Round]:
        edges = self.plan.edges
        rounds = [self._round(0, edge) for edge in dict.fromkeys((edges[-1], edges[0]))]
        for number, edge in enumerate(edges, start=1):
            self._measure_answers(number, edge)
            self._step(rounds[-1])
            rounds.append(self._round(number, edges[min(number, len(edges) - 1)]))
        self.net.load_state_dict(nearest(rounds).state)
        return rounds

    def _round(self, number: int, edge: int) -> Round:
        """Measure the generator as it is, always by the same latents."""
        count = self.plan.samples_of(edge)
        stage = self._stage(number, 0.85 if number else 0.0)
        real = self._like(edge, count, stage)
        rows = self._kept(
            f"made_{self._past(number)}{edge}", count, lambda i: [self._made(i, edge)], stage, "generated rock"
        )
        return Round(number, edge, copy.deepcopy(self.net.state_dict()), real.gap(rows[:, 0]))

    def _like(self, edge: int, count: int, progress: Progress) -> Likeness:
        """The moments of real crops of an edge."""
        if edge not in self.real:
            crops, _ = sample_crops(self.slab, edge, count, self.plan.stride, self.plan.seed)
            name = f"real_{edge}"
            rows = self._kept(name, len(crops), lambda i: [row(as_labels(crops[i], self.voxel))], progress, "real crop")
            self.real[edge] = Likeness.of(rows[:, 0])
        return self.real[edge]

    def _measure_answers(self, number: int, edge: int) -> None:
        """Pairs of rocks from turned generators, added to those of the rounds before."""
        knobs, step = Knobs(self.net), self.plan.step
        first = number * 1_000_000 * (self.plan.seed + 1)

        def pair(i: int) -> list[list[float]]:
            turn, made = self._direction(number, i, knobs.size), []
            for sign in (step, -step):
                knobs.turn(sign * turn)
                made.append(self._made(first + i, edge))
            return made

        stage = self._stage(number, 0.0, 0.85)
        rows = self._kept(f"pairs_{self._past(number)}", self.plan.pairs_of(edge), pair, stage, "pair")
        knobs.turn(np.zeros(knobs.size))
        like = self.real[edge]
        moments = like.moments(rows)
        sure = (edge / min(self.plan.edges)) ** 1.5  # the noise of a mean over a rock falls with the root of its volume
        self.changes.append(sure * (moments[:, 0] - moments[:, 1]) / (2.0 * step) * like.units)
        self.turns.append(sure * np.array([self._direction(number, i, knobs.size) for i in range(len(rows))]))

    def _step(self, last: Round) -> None:
        knobs = Knobs(self.net)
        changes = np.concatenate(self.changes) / self.real[last.edge].units
        knobs.turn(shortest_turn(answers(np.concatenate(self.turns), changes), last.gap))

    def _stage(self, number: int, start: float, stop: float = 1.0) -> Progress:
        parts = 1 + len(self.plan.edges)
        words = f"round {number}" if number else ""
        return within(self.progress, (number + start) / parts, (number + stop) / parts, words)

    def _past(self, number: int) -> str:
        """Names the rounds so far, on whose edges all that is measured in this one depends."""
        return "".join(f"{edge}_" for edge in self.plan.edges[:number])

    def _direction(self, number: int, i: int, size: int) -> Floats:
        return np.random.default_rng((self.plan.seed, number, i)).standard_normal(size)

    @torch.no_grad()
    def _made(self, seed: int, edge: int) -> list[float]:
        device = next(self.net.parameters()).device
        source = torch.Generator().manual_seed(seed)
        grey = rocks_of(self.net, draw_latents(self.net, 1, edge, source, device), edge)[0, 0]
        return row(as_labels((grey > 0).cpu().numpy(), self.voxel))

    def _kept(self, name: str, count: int, make: Rows, progress: Progress, words: str) -> Floats:
        """Rows 0..count-1 of ``make`` as (count, rocks, columns); those on disk are not made again."""
        path = self.folder / f"{name}.npy"
        rows = list(np.load(path, allow_pickle=False)[:count]) if path.exists() else []
        for i in range(len(rows), count):
            progress(i, count, f"{words} {i + 1} of {count}")
            rows.append(np.array(make(i)))
            if (i + 1) % EVERY == 0 or i + 1 == count:
                self.folder.mkdir(parents=True, exist_ok=True)
                with writing(path) as handle:
                    np.save(handle, np.array(rows), allow_pickle=False)
        return np.array(rows)


def answers(turns: Floats, changes: Floats) -> Floats:
    """How moments answer to knobs, (moments, knobs), from directions (n, knobs) and changes (n, moments) per unit."""
    prior = RIDGE * np.eye(turns.shape[1])
    return np.asarray(np.linalg.solve(turns.T @ turns + prior, turns.T @ changes).T)


def shortest_turn(slopes: Floats, gap: Floats) -> Floats:
    """The turn of the knobs that closes a gap to within ``WITHIN``, the shorter the better."""
    share = weights() / WITHIN
    a, b = slopes * share[:, None], gap * share
    return np.asarray(np.linalg.solve(a.T @ a + np.eye(a.shape[1]) / LONGEST**2, a.T @ b))


def nearest(rounds: list[Round]) -> Round:
    """The round whose rocks lack least, of those measured at the edge of the last one."""
    return min((r for r in rounds if r.edge == rounds[-1].edge), key=lambda r: r.distance)


def round_table(rounds: list[Round]) -> Table:
    """One row per moment: what the rocks lack before and after, in standard deviations of real crops."""
    columns = {"moment": Column(np.array(MOMENTS))}
    for r in rounds:
        name, words = (f"round_{r.number}", f"after round {r.number}") if r.number else ("before", "before")
        columns[f"{name}.{r.edge}"] = Column(r.gap, "1", f"{words}, rocks of {r.edge}^3 voxels")
    notes = tuple(f"Round {r.number}: distance {r.distance:.3f} at {r.edge}^3 voxels." for r in rounds)
    return Table(columns, notes, name="calibration of the rock generator")
