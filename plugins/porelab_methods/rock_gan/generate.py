"""Rocks at random: any number, any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from porelab_gui.core.nouns import Column, Labels, Table
from porelab_gui.core.progress import Progress
from porelab_methods.rock_gan.gallery import write_rock
from porelab_methods.rock_gan.maker import NetMaker
from porelab_methods.rock_gan.properties import PROPERTIES, measure

CHEAP = ("porosity", "specific_surface", "euler_density")


def generate(
    maker: NetMaker, count: int, seed: int, folder: Path | None, ending: str, progress: Progress
) -> tuple[Labels, Table]:
    """The first rock, and a row per rock; all of them in ``folder`` when there is one.

    Rock k depends on seed + k alone.
    """
    rows, files, first = [], [], None
    for k in range(count):
        progress(k, count, f"rock {k + 1} of {count}")
        rock = maker.rock(maker.draw(np.random.default_rng(seed + k)))
        rows.append(measure(rock, CHEAP))
        files.append(str(write_rock(rock, folder, k + 1, ending)) if folder is not None else "")
        first = rock if first is None else first
    assert first is not None
    progress(count, count, f"{count} rocks")
    return first, _table(rows, files, seed)


def _table(rows: list[dict[str, float]], files: list[str], seed: int) -> Table:
    columns = {"seed": Column(np.arange(seed, seed + len(rows)), "1", "seed of the rock")}
    for name in CHEAP:
        found = PROPERTIES[name]
        columns[name] = Column(np.array([r[name] for r in rows]), found.unit, found.title)
    if any(files):
        columns["file"] = Column(np.array(files, dtype=str))
    return Table(columns, name="generated rocks")
