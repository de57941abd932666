"""Conduits with their conductances by direct simulation: one file per parent image, made once and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.cache import key_of
from porelab_gui.core.nouns import Labels, Network, Regions
from porelab_gui.core.progress import Progress, silent, within
from porelab_gui.core.transport.conduit.dns import Conduits, Solver, solve_diffusive, solve_hydraulic
from porelab_methods.conduit_cnn.media import Medium

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
VERSION = 1
HYDRAULIC_VOXELS = 1_200_000  # of the conduits of one image, how many are simulated for Stokes flow too
SOLVED = (0, 4)


@dataclass(frozen=True)
class Sample:
    """The conduits of one image: regions behind them, label pairs (n, 2), conductances [voxel], NaN where unknown."""

    conduits: Conduits
    pairs: I64
    diffusive: F64
    hydraulic: F64
    kind: str

    def __len__(self) -> int:
        return len(self.pairs)

    def thinned(self, most: int, seed: int) -> Sample:
        """At most ``most`` conduits of known diffusive, and as many of known hydraulic conductance."""
        rng = np.random.default_rng(seed)

        def some(values: F64) -> F64:
            known = np.flatnonzero(np.isfinite(values))
            out = np.full(len(values), np.nan)
            kept = rng.permutation(known)[:most]
            out[kept] = values[kept]
            return out

        return replace(self, diffusive=some(self.diffusive), hydraulic=some(self.hydraulic))


def network_of(void: NDArray[np.bool_], pads: int) -> tuple[Regions, Network]:
    """SNOW partition and network of a void image with voxels of 1 um."""
    from porelab_gui.core.network.extract import EXTRACT_NETWORK

    labels = Labels(void.astype(np.uint8), (1e-6,) * 3)
    made = EXTRACT_NETWORK({"labels": labels}, {"boundary_width": pads})
    regions, network = made["regions"], made["network"]
    assert isinstance(regions, Regions) and isinstance(network, Network)
    return regions, network


def simulate(
    conduits: Conduits, pairs: I64, budget: float, threads: int, progress: Progress = silent
) -> tuple[F64, F64]:
    """Diffusive and hydraulic conductances of the pairs [voxel]; Stokes flow for as many as ``budget`` voxels allow."""
    solver = Solver(threads=threads)
    found = solve_diffusive(conduits, pairs, solver, within(progress, 0.0, 0.3))
    diffusive = np.where(np.isin(found[:, 4], SOLVED), found[:, 0], np.nan)
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    some = order[np.cumsum(found[order, 3]) <= budget]
    hydraulic = np.full(len(pairs), np.nan)
    rows = solve_hydraulic(conduits, pairs[some], solver, within(progress, 0.3, 1.0))
    hydraulic[some] = np.where(rows[:, 4] == 0, rows[:, 0], np.nan)
    return diffusive, hydraulic


def sample(
    medium: Medium, folder: Path, data: Path | None, budget: float = HYDRAULIC_VOXELS, threads: int = 1,
    progress: Progress = silent,
) -> Sample:  # fmt: skip
    """The conduits of a medium, from its file in ``folder`` or made now and kept there."""
    path = folder / f"{key_of(VERSION, budget, json.dumps(medium.describe()))}.npz"
    if not path.is_file():
        make(medium, path, data, budget, threads, progress)
    with np.load(path, allow_pickle=False) as kept:
        regions = Regions(kept["regions"], (1e-6,) * 3)
        network = Network(
            np.zeros((len(kept["labels"]), 3)),
            kept["conns"],
            pores={"region": kept["labels"], "boundary": kept["virtual"]},
            extraction={"boundary_width": medium.pads},
        )
        conduits = Conduits.of(regions, network, threads)
        pairs = kept["labels"][kept["conns"]]
        return Sample(conduits, pairs, kept["diffusive"], kept["hydraulic"], medium.kind)


def make(medium: Medium, path: Path, data: Path | None, budget: float, threads: int, progress: Progress) -> None:
    """Generate, extract, simulate, write."""
    regions, network = network_of(medium.image(data), medium.pads)
    conduits = Conduits.of(regions, network, threads)
    pairs = conduits.labels[network.conns]
    diffusive, hydraulic = simulate(conduits, pairs, budget, threads, progress)
    virtual = network.pores["boundary"].values if "boundary" in network.pores else np.zeros(network.n_pores, bool)
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as handle:
        np.savez_compressed(
            handle, regions=regions.array().astype(np.int32), labels=conduits.labels, conns=network.conns,
            virtual=virtual, diffusive=diffusive, hydraulic=hydraulic,
        )  # fmt: skip


def samples(
    media: Sequence[Medium], folder: Path, data: Path | None, budget: float = HYDRAULIC_VOXELS, threads: int = 1,
    progress: Progress = silent, heard: Callable[[str], None] | None = None,
) -> list[Sample]:  # fmt: skip
    """All media in turn; what a broken run has made is not made again."""
    made = []
    for k, medium in enumerate(media):
        part = within(progress, k / len(media), (k + 1) / len(media), f"image {k + 1} of {len(media)}")
        made.append(sample(medium, folder, data, budget, threads, part))
        if heard:
            heard(f"{k + 1}/{len(media)} {medium.kind} {medium.size} {medium.porosity:.2f} {len(made[-1])}")
    return made
