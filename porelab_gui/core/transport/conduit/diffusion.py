"""Steady diffusion through a whole voxel image along one axis: effective diffusivity, formation factor, field."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.conduit.lattice import F32, U32, link, number, phase_weights, total_weight
from porelab_gui.core.transport.conduit.poisson import Lattice, solve
from porelab_gui.core.transport.conduit.spanning import spanning

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Conduction:
    """What conducts: relative conductivity per voxel as ``phase`` (z, y, x) of indices into ``conductivity``.

    ``conductivity[0]`` is 0 (insulating). ``edges`` are the voxel edges over their geometric mean.
    """

    phase: NDArray[np.uint8]
    conductivity: F64
    edges: F64

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Voxels that conduct."""
        return self.phase > 0


@dataclass(frozen=True)
class Transfer:
    """The outcome along one axis: ``relative`` = effective over reference conductivity (0: nothing joins the faces).

    ``mismatch`` is the relative difference of the rates in and out; ``field`` runs from 1 to 0 and is NaN outside
    the spanning void; ``connected`` is the fraction of all voxels that span.
    """

    relative: float
    residual: float
    iterations: int
    converged: bool
    mismatch: float
    connected: float
    seconds: float
    field: F32 | None


def transfer(
    conduction: Conduction, axis: int, layer: bool, tolerance: float, limit: int, progress: Progress = silent,
    keep_field: bool = True, device: str = "cpu",
) -> Transfer:  # fmt: skip
    """Solve along ``axis``: values fixed half a voxel beyond the end faces, or on the end layers when ``layer``.

    ``device`` is "cpu" (compiled, all threads), "cuda", or "torch-cpu" (the code of the device on the processor).
    """
    began = time.perf_counter()
    shape = conduction.phase.shape
    if layer and shape[axis] < 3:
        raise InputError(
            f"values fixed on the first and last layer need three layers; the image has {shape[axis]}",
            where=f"axis {'zyx'[axis]}",
            remedy="Fix the values beyond the faces instead, or use a thicker image.",
        )
    progress(0, 1, "spanning void")
    mask = spanning(conduction.mask, axis)
    connected = float(np.count_nonzero(mask)) / mask.size
    if connected == 0:
        return Transfer(0.0, 0.0, 0, True, 0.0, 0.0, time.perf_counter() - began, _nothing(shape, keep_field))
    system = assemble(conduction, mask, axis, layer)
    asked = (system.lattice, system.into, system.x, tolerance, limit, progress)
    if device == "cpu":
        outcome = solve(*asked)
    else:
        from porelab_gui.core.transport.conduit.device import solve_on_device

        outcome = solve_on_device(*asked, where=device.removeprefix("torch-"))
    rate_in, rate_out = system.rates()
    length, area = _length_and_area(shape, conduction.edges, axis, layer)
    return Transfer(
        relative=outcome.rate * length / area,
        residual=outcome.residual,
        iterations=outcome.iterations,
        converged=outcome.error <= tolerance,
        mismatch=abs(rate_in - rate_out) / max(abs(rate_in), abs(rate_out), 1e-300),
        connected=connected,
        seconds=time.perf_counter() - began,
        field=system.field(mask, axis, layer) if keep_field else None,
    )


def _nothing(shape: tuple[int, ...], keep: bool) -> F32 | None:
    return np.full(shape, np.nan, np.float32) if keep else None


def _length_and_area(shape: tuple[int, ...], edges: F64, axis: int, layer: bool) -> tuple[float, float]:
    sizes = np.asarray(shape) * edges
    length = (shape[axis] - 1) * edges[axis] if layer else sizes[axis]
    return float(length), float(np.prod(np.delete(sizes, axis)))


@dataclass(frozen=True)
class System:
    """The numbered equations of one axis; ``into`` and ``out`` are the bonds to the value 1 and to the value 0."""

    lattice: Lattice
    x: F64
    into: F32
    out: F32

    def rates(self) -> tuple[float, float]:
        """Rates through the first and the last face."""
        x = self.x[:-1]
        return float(self.into.astype(np.float64) @ (1 - x)), float(self.out.astype(np.float64) @ x)

    def field(self, mask: NDArray[np.bool_], axis: int, layer: bool) -> F32:
        """The solution as an image, NaN outside the spanning void."""
        flat = np.full(self.lattice.shape, np.nan, np.float32)
        flat.reshape(-1)[self.lattice.cells] = self.x[:-1]
        inner = flat[1:-1, 1:-1, 1:-1]
        if not layer:
            return np.ascontiguousarray(inner)
        values = np.full(mask.shape, np.nan, np.float32)
        values[_inner(axis)] = inner
        for end, value in ((0, 1.0), (-1, 0.0)):
            np.moveaxis(values, axis, 0)[end][np.moveaxis(mask, axis, 0)[end]] = value
        return values


def _inner(axis: int) -> tuple[slice, ...]:
    return tuple(slice(1, -1) if k == axis else slice(None) for k in range(3))


def assemble(conduction: Conduction, mask: NDArray[np.bool_], axis: int, layer: bool) -> System:
    """Number the spanning voxels, link them, and start from a straight ramp."""
    phase = np.where(mask, conduction.phase, 0)
    inside = np.ascontiguousarray(phase[_inner(axis)]) if layer else phase
    index, cells, reds = number((inside > 0).astype(np.uint8))
    links = link(index, cells)
    bonds = 1 / conduction.edges**2
    conducting = np.unique(inside[inside > 0])
    if len(conducting) <= 1:
        scale = conduction.conductivity[conducting].max(initial=0.0)
        weights = (bonds * scale).astype(np.float32)
    else:
        weights = phase_weights(inside, conduction.conductivity, bonds, cells, links)
    ends = []
    for end in (0, -1):
        fixed = phase.take(end, axis=axis) if layer else None
        ends.append(_end_bonds(index, inside, fixed, conduction.conductivity, bonds[axis], axis, end))
    into, out = ends
    diagonal = total_weight(links, weights) + into + out
    lattice = Lattice(cells, index.shape, links, weights, diagonal, into + out, reds)
    x = np.zeros(len(cells) + 1)
    x[:-1] = _ramp(cells, index.shape, axis, layer)
    return System(lattice, x, into, out)


def _end_bonds(
    index: U32, inside: NDArray[np.uint8], fixed: NDArray[np.uint8] | None, conductivity: F64, bond: float, axis: int,
    end: int,
) -> F32:  # fmt: skip
    """Bonds of the nodes in an end layer to the fixed value: half a voxel away, or in the layer ``fixed`` beyond."""
    n = int(index.max())
    ids = np.take(index, 1 if end == 0 else -2, axis=axis)[1:-1, 1:-1]
    here = conductivity[inside.take(end, axis=axis)]
    if fixed is None:
        strength = 2 * here * bond
    else:
        there = conductivity[fixed]
        strength = 2 * here * there / np.maximum(here + there, 1e-300) * bond
    bonds = np.zeros(n, np.float32)
    bonds[ids[ids < n]] = strength[ids < n]
    return bonds


def _ramp(cells: U32, shape: tuple[int, int, int], axis: int, layer: bool) -> F64:
    """Values falling straight from 1 to 0 between the places where they are fixed."""
    at = np.unravel_index(cells, shape)[axis].astype(np.float64)  # 1 in the first layer
    layers = shape[axis] - 2
    return 1 - at / (layers + 1) if layer else 1 - (at - 0.5) / layers
