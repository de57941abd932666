"""The data set on disk: one folder per group of blocks (a rock, a family of media), one file per block."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.nouns import Column, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.units import MILLIDARCY
from porelab_methods.superres.blocks import PARTS, Block, permeabilities
from porelab_methods.superres.pairs import along

HEAD = "group.json"


@dataclass(frozen=True)
class Entry:
    """A block with its permeability: ``void`` (edge^3), ``k`` (3,) along z, y, x in px2 (NaN unknown)."""

    group: str
    name: str
    part: str
    voxel: float
    void: NDArray[np.bool_]
    k: NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A block turned so that flow is along z, and log10 K [px2] along it."""

    entry: Entry
    axis: int

    @property
    def void(self) -> NDArray[np.bool_]:
        """Void with the axis of flow first."""
        return along(self.entry.void, self.axis)

    @property
    def log_k(self) -> float:
        """log10 of K in px2."""
        return float(np.log10(self.entry.k[self.axis]))


def write_group(
    folder: Path, head: Mapping[str, Any], blocks: Iterable[Block], limits: Mapping[str, int], axes: tuple[int, ...],
    progress: Progress,
) -> list[Entry]:  # fmt: skip
    """Solve and store the blocks, those held out first; those that are there are not solved again.

    ``limits`` blocks of each part, spread evenly over it (0: all). InputError when the folder holds another group.
    """
    _check_head(folder, head)
    chosen = _spread(blocks, limits)
    for k, block in enumerate(chosen):
        path = folder / f"{block.name}.npz"
        progress(k, len(chosen), f"permeability of block {k + 1} of {len(chosen)}")
        if not path.exists():
            found = permeabilities(block.void, progress_of_block(progress, k, len(chosen)), axes)
            values = found if block.known is None else np.asarray(block.known)
            _store(path, block, values)
    names = {b.name for b in chosen}
    return [e for e in entries(folder) if e.name in names]


def progress_of_block(progress: Progress, k: int, count: int) -> Progress:
    """So that cancel is heard inside a solve."""

    def report(done: float, total: float, message: str = "", /, **metrics: float) -> None:
        progress(k + (done / total if total else 0.0), count, f"permeability of block {k + 1} of {count}")

    return report


def _spread(blocks: Iterable[Block], limits: Mapping[str, int]) -> list[Block]:
    found = list(blocks)
    chosen: list[Block] = []
    for part in reversed(PARTS):
        of = [b for b in found if b.part == part]
        limit = limits.get(part, 0) or len(of)
        if of:
            picks = np.unique(np.linspace(0, len(of) - 1, min(limit, len(of))).round().astype(int))
            chosen += [of[i] for i in picks]
    if not chosen:
        raise InputError("there is no block to learn from", remedy="Take smaller blocks or another source.")
    return chosen


def _check_head(folder: Path, head: Mapping[str, Any]) -> None:
    path = folder / HEAD
    if path.exists() and read_head(folder) != json.loads(json.dumps(dict(head))):
        raise InputError(
            "this folder holds blocks of another source or setting",
            where=folder,
            remedy="Choose another name or folder.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with writing(path, "w") as handle:
        json.dump(dict(head), handle, indent=2)


def _store(path: Path, block: Block, k: NDArray[np.float64]) -> None:
    with writing(path) as handle:
        np.savez(handle, bits=np.packbits(block.void), shape=block.void.shape, k=k, part=np.array(block.part))


def read_head(folder: Path) -> dict[str, Any]:
    """What a group is; FormatError when its description cannot be read."""
    try:
        body = json.loads((folder / HEAD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError("this is no group of blocks", where=folder) from error
    return dict(body)


def entries(folder: Path) -> Iterator[Entry]:
    """The blocks of one group, by name."""
    head = read_head(folder)
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as stored:
                shape = tuple(int(n) for n in stored["shape"])
                void = np.unpackbits(stored["bits"], count=int(np.prod(shape))).reshape(shape).astype(bool)
                yield Entry(folder.name, path.stem, str(stored["part"]), float(head["voxel"]), void, stored["k"])
        except (OSError, ValueError, KeyError) as error:
            raise FormatError(
                "this block cannot be read", where=path, remedy="Remove the file and build again."
            ) from error


def groups(folder: Path) -> list[Path]:
    """Folders of groups in a data set."""
    return sorted(p.parent for p in folder.glob(f"*/{HEAD}"))


def examples(folder: Path, part: str) -> list[Example]:
    """Every block and axis of a part with flow; InputError when the data set is empty or its blocks differ in edge."""
    found = [e for g in groups(folder) for e in entries(g) if e.part == part]
    if len({e.void.shape for e in found}) > 1:
        raise InputError("the blocks have different edges", where=folder, remedy="Train on blocks of one edge.")
    return [Example(e, a) for e in found for a in range(3) if np.isfinite(e.k[a]) and e.k[a] > 0]


def needed(folder: Path, part: str) -> list[Example]:
    """As ``examples``, and InputError when there are none."""
    found = examples(folder, part)
    if not found:
        raise InputError(
            f"the data set has no {part} block with flow", where=folder, remedy="Build the data set first."
        )
    return found


def entry_table(found: list[Entry], law: str) -> Table:
    """One row per block: part, porosity, K along each axis in px2 and mD."""
    k = np.array([e.k for e in found]).reshape(-1, 3)
    voxel = np.array([e.voxel for e in found])
    columns = {
        "block": Column(np.array([e.name for e in found])),
        "part": Column(np.array([e.part for e in found])),
        "porosity": Column(np.array([e.void.mean() for e in found]), "1"),
    }
    for a, axis in enumerate("zyx"):
        columns[f"K_{axis}"] = Column(k[:, a], "px2")
        columns[f"permeability_{axis}"] = Column(k[:, a] * voxel**2 / MILLIDARCY, "mD")
    counts = ", ".join(f"{sum(e.part == p for e in found)} {p}" for p in PARTS)
    notes = (f"{len(found)} blocks ({counts}). K by {law}; px2 times the squared voxel size is K in m2.",)
    return Table(columns, name="blocks", notes=notes)
