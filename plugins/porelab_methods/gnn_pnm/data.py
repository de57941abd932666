"""The data set: which media, built one by one into a folder, split by medium, cleared of duplicates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import InputError, PorelabError
from porelab_gui.core.network.formats.names import from_openpnm, to_openpnm
from porelab_gui.core.nouns import Network
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.validation.case import data_file
from porelab_methods.gnn_pnm.labels import EDGE, FLUID, Sample, label
from porelab_methods.gnn_pnm.media import ROCKS, Role, Spec, make

SEEN = ("spheres", "overlapping", "blobs", "gaussian", "fibres")
UNSEEN = "bubbles"
VERSION = 1


@dataclass(frozen=True)
class Plan:
    """How many media: ``networks`` of 64^3 of the seen families together, ``wide`` of 96^3, ``unseen`` of the family
    held out, ``growth`` of 200^3; ``rocks`` adds the crops."""

    networks: int = 1500
    wide: int = 100
    unseen: int = 30
    growth: int = 10
    rocks: bool = True
    seed: int = 1


def specs(plan: Plan) -> list[Spec]:
    """All media of a plan in the order of building: families alternate, so that a part of it is balanced too."""
    made = [_generated(i, 64, plan.seed) for i in range(plan.networks)]
    wide = [_generated(i, 96, plan.seed + 1) for i in range(plan.wide)]
    rocks = [*_boxes("sandstone300", 300, 64), *_boxes("leopard", 100, 50), *_boxes("berea", 256, 64)]
    held = [Spec(UNSEEN, 64, plan.seed * 100_000 + i, "unseen_family", (i % 3,)) for i in range(plan.unseen)]
    return list(_interleave([made, wide, rocks if plan.rocks else [], held])) + growth(plan)


def growth(plan: Plan) -> list[Spec]:
    """Large media of the seen families, of seeds of their own."""
    every = [replace(_generated(i, 200, plan.seed + 2), role="growth") for i in range(plan.growth)]
    return [replace(spec, axes=spec.axes[:1]) for spec in every]


def _generated(i: int, size: int, seed: int) -> Spec:
    """Medium ``i`` of the seen families: of ten of a family one is for validation and one for the test."""
    family, number = SEEN[i % len(SEEN)], i // len(SEEN)
    role: Role = {8: "validation", 9: "test"}.get(number % 10, "train")  # type: ignore[assignment]
    axes = (number % 3, (number + 1) % 3) if family == "fibres" else (number % 3,)
    return Spec(family, size, seed * 100_000 + number, role, axes)


def _boxes(rock: str, edge: int, size: int) -> list[Spec]:
    """Boxes of a rock that do not overlap. Berea is held out; of the others the last layer of boxes along z is."""
    steps = range(0, edge - size + 1, size)
    found = []
    for n, corner in enumerate(itertools.product(steps, steps, steps)):
        role: Role = "unseen_rock" if rock == "berea" else "train"
        if rock != "berea" and corner[0] == steps[-1]:
            role = "test" if (corner[1] // size + corner[2] // size) % 2 else "validation"
        found.append(Spec(rock, size, 0, role, (n % 3,), corner))
    return found


def _interleave(lists: Sequence[Sequence[Spec]]) -> Iterator[Spec]:
    """All lists spread evenly over one another."""
    places = [((k + 0.5) / len(one), j, spec) for j, one in enumerate(lists) for k, spec in enumerate(one)]
    return (spec for _, _, spec in sorted(places, key=lambda p: p[:2]))


def build(
    plan: Plan, folder: Path, *, threads: int = 1, solver: str = "fv", progress: Progress = silent,
    chosen: Sequence[Spec] | None = None, conduits: bool = False,
) -> dict[str, str]:  # fmt: skip
    """Compute what the folder lacks; gives the media that could not be used and why. Cancelling loses one medium.
    ``conduits`` simulates every conduit of the media to be learned from too."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = list(chosen if chosen is not None else specs(plan))
    refused: dict[str, str] = {}
    rocks = data_file("sandstone300")
    for done, spec in enumerate(todo):
        progress(done, len(todo), spec.key)
        path = folder / f"{spec.key}.npz"
        if path.exists():
            continue
        if spec.family in ROCKS and rocks is None:
            refused[spec.key] = "the images of rocks are not at hand (PORELAB_DATA)"
            continue
        try:
            void = make(spec, rocks.parent if rocks else None)
            f_axes = spec.axes if spec.role == "growth" else (0, 1, 2)
            known = conduits and spec.role in ("train", "validation")
            _, sample = label(void, spec.axes, f_axes=f_axes, solver=solver, threads=threads, conduits=known)
        except PorelabError as error:
            refused[spec.key] = error.sentence
            continue
        write(path, replace(sample, family=spec.family, role=spec.role))
    progress(1, 1, "built")
    return refused


def write(path: Path, sample: Sample) -> None:
    """One sample as arrays; the image is packed to bits."""
    assert sample.void is not None
    arrays = {
        key: value.astype(np.float32) if value.dtype.kind == "f" and key != "pore.coords" else value
        for key, value in to_openpnm(sample.network).items()
    }
    meta = np.array([sample.family, sample.role, str(VERSION)])
    with writing(path) as handle:
        np.savez_compressed(
            handle, allow_pickle=False, k=sample.k, f=sample.f, shares=sample.shares.astype(np.float32), meta=meta,
            void=np.packbits(sample.void), shape=np.array(sample.void.shape),
            porosity=np.array(sample.network.porosity), **arrays,
        )  # fmt: skip


def read(path: Path) -> Sample:
    """One sample as ``write`` left it; InputError when it is not one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {k: stored[k] for k in stored.files}
        k, f, shares, meta, bits, shape, porosity = (
            arrays.pop(n) for n in ("k", "f", "shares", "meta", "void", "shape", "porosity")
        )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(
            "this is no sample of the data set", where=path, remedy="Remove it and build again."
        ) from error
    size = tuple(int(n) * EDGE for n in shape)
    network: Network = from_openpnm(
        arrays, "xyz", size=size, voxel_size=EDGE, porosity=float(porosity),
        extraction={"boundary_width": 3}, name=path.stem,
    )  # fmt: skip
    for key in [k for k in network.throats if k.endswith(".dns")]:
        column = network.throats[key]
        network = network.with_throats({key: replace(column, meta={**column.meta, **FLUID})})
    void = np.unpackbits(bits, count=int(np.prod(shape))).astype(bool).reshape(shape)
    return Sample(network, k, f, shares.astype(float), str(meta[0]), str(meta[1]), void)


def load(folder: Path) -> list[Sample]:
    """All samples of a folder by name."""
    return [read(path) for path in sorted(folder.glob("*.npz"))]


def without_duplicates(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """The samples whose network occurs for the first time, those held out first: a network that is in two parts of
    the data stays where it tests. Also the names of the ones left out."""
    first = sorted(range(len(samples)), key=lambda i: (samples[i].role == "train", samples[i].role == "validation"))
    seen: set[str] = set()
    kept: set[int] = set()
    for i in first:
        digest = fingerprint(samples[i].network)
        if digest not in seen:
            kept.add(i)
        seen.add(digest)
    left = [samples[i].network.name for i in range(len(samples)) if i not in kept]
    return [samples[i] for i in sorted(kept)], left


def fingerprint(network: Network) -> str:
    """A digest of what the model sees: the throats and their sizes in units of the mean pore, rounded to six digits."""
    from porelab_gui.core.hashing import hash_arrays

    d = network.throat("inscribed_diameter")
    size = np.round(d / d.mean(), 5).astype(np.float32) if len(d) else d
    return hash_arrays(network.conns, size)


def usable(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """The samples with at least one K above zero; a target of zero has no logarithm and teaches nothing."""
    good = [s for s in samples if (s.k > 0).any()]
    return good, [s.network.name for s in samples if not (s.k > 0).any()]


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Build the data set of gnn_pnm into a folder.")
    parser.add_argument("folder", type=Path)
    for name, value in Plan().__dict__.items():
        if name != "rocks":
            parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--solver", default="fv")
    given = vars(parser.parse_args())
    folder, threads, solver = (given.pop(k) for k in ("folder", "threads", "solver"))
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    log = logging.getLogger("gnn_pnm")

    def tell(done: float, total: float, message: str = "", /, **_: float) -> None:
        log.info("%s/%s %s", done, total, message)

    for key, why in build(Plan(**given), folder, threads=threads, solver=solver, progress=tell).items():
        log.info("left out %s: %s", key, why)
