"""A first pressure: what the image would do if every voxel were a Darcy medium of its own width.

In tight rock the pressure of the lattice finds its shape by diffusion, far slower than the velocity finds its. Solving
div(d^2 grad p) = 0 with d the distance from the wall gives it that shape beforehand; the result does not depend on it.
The same equations precondition the pressure of the finite volumes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from porelab_gui.core.transport.conduit.lattice import F32, F64, U32, total_weight
from porelab_gui.core.transport.conduit.poisson import Lattice
from porelab_gui.core.transport.stokes import saddle
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.mac import Mask, Nodes, Spacing

SHAPE = 0.85  # mean of d^2 over a channel against its permeability: tube 0.75, square duct 0.84, slit 1
CUBES = (1.0, 1.0, 1.0)


def first_pressure(void: Mask, faces: Faces, tolerance: float = 1e-3) -> tuple[F64, float]:
    """Pressure per void voxel in raster order for a unit gradient along the axis (mean zero), and a guess of K.

    The guess is in voxels squared. With periodic faces the pressure is the periodic part that is left when the body
    force drives the flow.
    """
    voxels = Nodes.of(void, faces.rings)
    darcy = Darcy.of(void, voxels, faces, CUBES)
    pressure = darcy.solve(tolerance)
    raster = np.argsort(voxels.at)
    return pressure[raster] - pressure.mean(), max(SHAPE * darcy.flux(pressure) / void.size, 1e-6)


def edt_squared(void: Mask, spacing: Spacing = CUBES) -> F64:
    """Squared distance to the solid; the faces of the image are no walls. One where there is no solid."""
    from edt import edt

    distance = edt(np.ascontiguousarray(void), anisotropy=spacing, black_border=False).astype(np.float64)
    return np.where(np.isfinite(distance), distance, 1.0) ** 2


@dataclass(frozen=True)
class Darcy:
    """The seven-point equations of the void voxels: ``weights`` (6, n), ``source``, and their multigrid.

    ``drop`` is the unit gradient over a voxel along ``axis`` when a body force drives, else 0; ``ends`` (n,) the bonds
    to the pressures held at the ends.
    """

    links: U32
    weights: F32
    diagonal: F64
    source: F64
    lattice: Lattice
    axis: int
    drop: float
    ends: F64

    @classmethod
    def of(cls, void: Mask, voxels: Nodes, faces: Faces, spacing: Spacing) -> Darcy:
        """The equations of a numbered image."""
        width = np.append(edt_squared(void, spacing).reshape(-1)[voxels.at], 1.0)
        weights = np.zeros((6, voxels.n), dtype=np.float32)
        for k in range(6):
            there = voxels.links[k] != voxels.n
            mean = 2 / (1 / width[:-1] + 1 / width[voxels.links[k]]) / spacing[k // 2] ** 2
            weights[k, there] = mean[there]
        ends, source = np.zeros(voxels.n), np.zeros(voxels.n)
        length = void.shape[faces.axis]
        if faces.periodic:
            source += weights[2 * faces.axis].astype(np.float64) - weights[2 * faces.axis + 1]
        else:
            place = np.unravel_index(voxels.at, void.shape)[faces.axis]
            for end, sign in ((0, 1), (length - 1, -1)):
                bond = np.where(place == end, 2 * width[:-1] / spacing[faces.axis] ** 2, 0.0)
                ends += bond
                source += bond * sign * length / 2
        diagonal = total_weight(voxels.links, weights) + ends
        lattice = multigrid(voxels, weights, ends.astype(np.float32), faces)
        return cls(voxels.links, weights, diagonal, source, lattice, faces.axis, 1.0 if faces.periodic else 0.0, ends)

    @property
    def n(self) -> int:
        """Number of voxels."""
        return len(self.source)

    def apply(self, p: F64, out: F64) -> float:
        """out = matrix p (p ends in a zero); returns p . out."""
        none = np.full(self.n, self.n, np.uint32)
        return float(saddle.push(p, p, self.links, self.weights, self.diagonal, none, none, 0.0, out))

    def solve(self, tolerance: float, limit: int = 60) -> F64:
        """Conjugate gradients with one multigrid cycle a step, to a relative residual."""
        x, p, q = np.zeros(self.n), np.zeros(self.n + 1), np.zeros(self.n)
        r = self.source.copy()
        b, z = np.zeros(self.n, np.float32), saddle.nothing(self.n)
        diagonal = self.lattice.diagonal.astype(np.float32)
        first, rho = float(np.linalg.norm(r)), 0.0
        for step in range(limit):
            top = saddle.largest(r)
            if top == 0 or np.linalg.norm(r) <= tolerance * first:
                break
            saddle.single(r, top, b)
            saddle.relieve(self.lattice, b, z, diagonal)
            rho, before = top * float(r @ z[:-1]), rho
            p[:-1] = top * z[:-1] + (rho / before if step else 0.0) * p[:-1]
            length = rho / self.apply(p, q)
            x += length * p[:-1]
            r -= length * q
        return x

    def flux(self, pressure: F64) -> float:
        """Sum of the flow over the bonds along the axis, as a sum over voxels of their velocity."""
        k = 2 * self.axis + 1
        padded = np.append(pressure, 0.0)
        there = self.links[k] != self.n
        drop = pressure[there] - padded[self.links[k][there]] + self.drop
        return float(np.sum(self.weights[k][there] * drop))


def multigrid(nodes: Nodes, weights: F32, excess: F32, faces: Faces) -> Lattice:
    """The levels of a numbered mask.

    Around an odd ring of voxels two neighbours share a colour. Relaxing the finest level passes over their bond, so
    that nodes of one colour stay independent; the coarse levels have it.
    """
    shape = (nodes.index.shape[0], nodes.index.shape[1], nodes.index.shape[2])
    diagonal = total_weight(nodes.links, weights) + excess
    lattice = Lattice(nodes.cells, shape, nodes.links, weights, diagonal, excess, nodes.reds, faces.rings)
    if any(ring and n % 2 for ring, n in zip(faces.rings, shape, strict=True)):
        red = np.arange(nodes.n) < nodes.reds
        lattice.links = np.where((nodes.links < nodes.reds) == red, np.uint32(nodes.n), nodes.links)
    return lattice
