"""Rocks made to order: one search per rock, many rocks in one job, which goes on where it was stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import NotConverged
from porelab_gui.core.nouns import Column, Labels, Table
from porelab_gui.core.progress import Progress, show
from porelab_methods.rock_gan.bench import Bench, Trial
from porelab_methods.rock_gan.gallery import write_rock
from porelab_methods.rock_gan.maker import Latent, Maker
from porelab_methods.rock_gan.targets import Target, Wish, draw_targets

Search = Callable[[Bench, np.random.Generator], None]
JOURNAL = "rocks.json"
TITLES = {"fast": "regression on the style, then CMA-ES", "line_search": "line search of gradual deformation",
          "algorithm_1": "Algorithm 1 of Ren and Srinivasan"}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What became of one rock: targets and what was reached (SI, by property), and at what price."""

    number: int
    targets: dict[str, float]
    reached: dict[str, float]
    accepted: bool
    evaluations: int
    seconds: float
    file: str = ""


@dataclass
class Standing:
    """Where a job is, for whoever watches: the rock in work, the best so far, and the rocks that are done."""

    wishes: tuple[Wish, ...]
    count: int
    rows: list[Row] = field(default_factory=list)
    targets: tuple[Target, ...] = ()
    evaluations: int = 0
    best: dict[str, float] = field(default_factory=dict)
    worst: float = float("inf")
    slice: Any = None
    spread: tuple[float, float] | None = None


@dataclass(frozen=True)
class Order:
    """All that a job of rocks is asked for."""

    wishes: tuple[Wish, ...]
    count: int
    search: Search
    title: str
    evaluations: int
    seed: int
    folder: Path
    ending: str
    key: str


def fill(order: Order, maker: Maker, progress: Progress) -> tuple[Labels, list[Labels], Table]:
    """The first accepted rock, the first accepted rocks, and a row per rock; all accepted rocks as files.

    NotConverged, with the closest found, when no rock at all is within its tolerances.
    """
    return _Job(order, maker, progress).run()


class _Job:
    def __init__(self, order: Order, maker: Maker, progress: Progress) -> None:
        self.order, self.maker, self.progress = order, maker, progress
        self.standing = Standing(order.wishes, order.count)
        self.journal = order.folder / JOURNAL
        self.accepted: list[Trial] = []
        self.number = 0

    def run(self) -> tuple[Labels, list[Labels], Table]:
        rows = self.standing.rows
        rows.extend(self._kept())
        closest: Trial | None = None
        for number in range(len(rows), self.order.count):
            self.number = number
            trial = self._one()
            closest = trial if closest is None or trial.worst < closest.worst else closest
        if not any(row.accepted for row in rows):
            self._refuse(closest)
        rocks = self._rocks()
        return rocks[0], rocks, row_table(rows, self.order, self.standing.spread)

    def _one(self) -> Trial:
        """Search one rock, write it when it is accepted, and note the row."""
        targets = draw_targets(self.order.wishes, self.order.seed, self.number)
        self.standing.targets = targets
        began = time.monotonic()
        taken = [trial.latent for trial in self.accepted]
        bench = Bench(self.maker, targets, self.order.evaluations, self._tell, taken)
        self.order.search(bench, np.random.default_rng((self.order.seed, self.number, 1)))
        best = bench.best
        assert best is not None
        seconds = time.monotonic() - began
        file = ""
        if bench.accepted:
            self.accepted.append(best)
            file = str(write_rock(best.rock, self.order.folder, self.number + 1, self.order.ending))
            self._write_latent(best.latent)
        wanted = {t.property.name: t.value for t in targets}
        row = Row(self.number + 1, wanted, best.values, bench.accepted, bench.count, seconds, file)
        self.standing.rows.append(row)
        self.standing.spread = spread([t.latent for t in self.accepted], [t.rock for t in self.accepted])
        self._keep()
        self._show()
        return best

    def _tell(self, bench: Bench, trial: Trial) -> None:
        best = bench.best
        assert best is not None
        now = self.standing
        now.evaluations, now.best, now.worst = bench.count, dict(best.values), best.worst
        now.slice = best.rock.array()[best.rock.shape[0] // 2]
        done = self.number + bench.count / bench.limit
        words = f"rock {self.number + 1} of {self.order.count}, evaluation {bench.count}"
        off = {"largest_miss": min(trial.worst, 1e6)}
        self._show()
        self.progress(done, self.order.count, words, **off)

    def _show(self) -> None:
        now = self.standing
        copy = Standing(**{**now.__dict__, "rows": list(now.rows)})
        show(self.progress, "order", copy)

    # -- what survives a stop

    def _keep(self) -> None:
        body = {"key": self.order.key, "rows": [row.__dict__ for row in self.standing.rows]}
        self.order.folder.mkdir(parents=True, exist_ok=True)
        with writing(self.journal, "w") as handle:
            json.dump(body, handle)

    def _kept(self) -> list[Row]:
        """Rows of an earlier, stopped job with the same order; their rocks must still be there."""
        try:
            body = json.loads(self.journal.read_text(encoding="utf-8"))
            rows = [Row(**row) for row in body["rows"]] if body["key"] == self.order.key else []
        except (OSError, ValueError, KeyError, TypeError):
            return []
        for row in rows:
            if row.accepted:
                if not Path(row.file).exists():
                    return []
                latent = self._read_latent(row.number)
                rock = self.maker.rock(latent)
                self.accepted.append(Trial(latent, rock, row.reached, (0.0,)))
        return rows[: self.order.count]

    def _write_latent(self, latent: Latent) -> None:
        with writing(self._latent_file(self.number + 1)) as handle:
            np.savez_compressed(handle, allow_pickle=False, style=latent.style, noise=latent.noise)

    def _read_latent(self, number: int) -> Latent:
        with np.load(self._latent_file(number), allow_pickle=False) as stored:
            return Latent(stored["style"], stored["noise"])

    def _latent_file(self, number: int) -> Path:
        return self.order.folder / f"latent_{number:03d}.npz"

    def _rocks(self) -> list[Labels]:
        from porelab_methods.rock_gan.gallery import MOST_SHOWN

        return [trial.rock for trial in self.accepted[:MOST_SHOWN]]

    def _refuse(self, closest: Trial | None) -> None:
        last = self.standing.rows[-1]
        near = closest.values if closest is not None else last.reached
        told = []
        for wish in self.order.wishes:
            p = wish.property
            told.append(f"{p.title} {near[p.name] / p.factor:.4g} {p.label if p.label != '1' else ''}".strip())
        raise NotConverged(
            f"no rock met its targets in {self.order.evaluations} evaluations; the closest has {', '.join(told)}",
            where="condition_rock",
            remedy="Allow a larger tolerance or more evaluations, or ask for fewer properties at once.",
        )


def spread(latents: Sequence[Latent], rocks: Sequence[Labels]) -> tuple[float, float] | None:
    """How different accepted rocks are: mean distance of their latents and mean share of differing voxels, over all
    pairs, each divided by what independent rocks have (1: as different as two random rocks); None below two rocks.
    """
    if len(latents) < 2:
        return None
    flat = np.stack([np.concatenate([z.style.ravel(), z.noise.ravel()]) for z in latents])
    pores = np.stack([rock.void_mask().ravel() for rock in rocks])
    porosity = pores.mean(axis=1)
    far, other = [], []
    for i in range(len(flat)):
        for j in range(i):
            size = float(np.square(flat[i]).sum() + np.square(flat[j]).sum())
            far.append(np.linalg.norm(flat[i] - flat[j]) / np.sqrt(size))
            chance = porosity[i] * (1 - porosity[j]) + porosity[j] * (1 - porosity[i])
            other.append(np.mean(pores[i] != pores[j]) / chance if chance > 0 else 0.0)
    return float(np.mean(far)), float(np.mean(other))


def row_table(rows: Sequence[Row], order: Order, found: tuple[float, float] | None) -> Table:
    """One row per rock: number, target and reached value of each property, whether accepted, at what price."""
    columns = {"rock": Column(np.array([r.number for r in rows]), "1")}
    for wish in order.wishes:
        p = wish.property
        columns[f"{p.name}.target"] = Column(np.array([r.targets[p.name] for r in rows]), p.unit, p.title)
        columns[f"{p.name}.reached"] = Column(np.array([r.reached[p.name] for r in rows]), p.unit, p.title)
    columns |= {
        "accepted": Column(np.array([r.accepted for r in rows])),
        "evaluations": Column(np.array([r.evaluations for r in rows]), "1", "rocks made and measured"),
        "seconds": Column(np.array([r.seconds for r in rows]), "s"),
        "file": Column(np.array([r.file for r in rows], dtype=str)),
    }
    share = float(np.mean([r.accepted for r in rows]))
    notes = [f"{share:.0%} of {len(rows)} rocks within tolerance, by {order.title}."]
    if found is not None:
        notes.append(
            f"Spread among the accepted rocks (1: as different as random rocks): latents {found[0]:.2f}, "
            f"voxels {found[1]:.2f}."
        )
    return Table(columns, tuple(notes), name="rocks to order")


def nrmse(rows: Sequence[Row], wish: Wish) -> float:
    """Root mean square of reached minus target over all rocks, over the range of targets (NaN for one target)."""
    gap = np.array([r.reached[wish.property.name] - r.targets[wish.property.name] for r in rows])
    return float(np.sqrt(np.mean(gap**2)) / (wish.high - wish.low)) if wish.high > wish.low else float("nan")
