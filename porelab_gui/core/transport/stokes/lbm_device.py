"""The lattice of lbm.py on a torch device: the same equations in pull form, collision as one matrix product.

The collision is linear, so that it is a constant 19 x 19 matrix and a force; streaming is one gather of the void
voxels' populations, whose index holds the neighbours and, at walls, the voxel's own opposite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.transport.stokes.ends import find_ends
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.lattice import BLOCK, OPPOSITE, STRIDE, VELOCITIES, WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

Mask = NDArray[np.bool_]
MAX_CELLS = (2**31 - 1) // 19


def collision(even: float, odd: float) -> NDArray[np.float64]:
    """Two relaxation rates as a matrix: what leaves a voxel is this times what arrived, plus the force."""
    eye, turned = np.eye(19), np.eye(19)[OPPOSITE]
    equal = np.repeat(WEIGHTS[:, None], 19, axis=1)
    flow = 3 * WEIGHTS[:, None] * (VELOCITIES @ VELOCITIES.T)
    plus, minus = (eye + turned) / 2 - equal, (eye - turned) / 2 - flow
    return np.asarray(eye - even * plus - odd * minus)


def pushes(force: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the force adds to every population (Guo 2002, linear; its half in the momentum included)."""
    return np.asarray(3 * WEIGHTS * (VELOCITIES @ force))


def arrivals(void: Mask, rings: tuple[bool, bool, bool]) -> NDArray[np.int32]:
    """Where the population of direction q that reaches a void voxel lies among the outgoing ones (19, cells).

    A diagonal link is open only when a voxel beside it is void too, as in ``lattice.build``.
    """
    cells = int(np.count_nonzero(void))
    if cells > MAX_CELLS:
        raise InputError(
            f"{cells} void voxels are more than the {MAX_CELLS} that the lattice indexes on a device",
            remedy="Crop the image, or choose the processor.",
        )
    number = np.cumsum(void.reshape(-1), dtype=np.int32).reshape(void.shape) - 1
    index = np.empty((19, cells), dtype=np.int32)
    for q in range(19):
        c = VELOCITIES[q]
        moved = np.flatnonzero(c)
        open_ = _from(void, c, rings)
        if len(moved) > 1:
            steps = [np.where(np.arange(3) == a, c, 0) for a in moved]
            open_ &= _from(void, steps[0], rings) | _from(void, steps[1], rings)
        there = q * cells + np.roll(number, c, axis=(0, 1, 2))
        home = int(OPPOSITE[q]) * cells + number
        index[q] = np.where(open_, there, home)[void]
    return index


def _from(void: Mask, c: NDArray[np.int64], rings: tuple[bool, bool, bool]) -> Mask:
    """Whether the voxel a step ``c`` back is void."""
    out = np.roll(void, c, axis=(0, 1, 2))
    for axis in np.flatnonzero((c != 0) & ~np.array(rings)):
        edge = 0 if c[axis] > 0 else -1
        out[tuple(slice(None) if a != axis else edge for a in range(3))] = False
    return out


class DeviceLbm:
    """A flow being relaxed on a device; used like ``lbm.Lbm``."""

    def __init__(self, void: Mask, faces: Faces, dtype: type, tau: float, device: str) -> None:
        import torch

        self.void, self.faces = void, faces
        self.device = torch.device(device)
        self.kind = torch.float32 if dtype is np.float32 else torch.float64
        self.viscosity = (tau - 0.5) / 3
        odd = 1 / (0.5 + 3 / 16 / (tau - 0.5))
        self.force = np.zeros(3)
        self.force[faces.axis] = 1.0 if faces.periodic else 0.0
        self.cells = int(np.count_nonzero(void))
        self.matrix = self._real(collision(1 / tau, odd))
        self.push = self._real(pushes(self.force))[:, None]
        self.index = torch.as_tensor(arrivals(void, faces.rings).reshape(-1), device=self.device)
        self.populations = torch.zeros((19, self.cells), dtype=self.kind, device=self.device)
        self.leaving = torch.empty_like(self.populations)
        self.ends = None if faces.periodic else self._find_ends()

    def _real(self, values: NDArray[np.floating]) -> Tensor:
        import torch

        return torch.as_tensor(np.ascontiguousarray(values), dtype=self.kind, device=self.device)

    def _find_ends(self) -> tuple[Tensor, ...]:
        """Voxels at the open ends, densities held there; of every gate its place, its voxel's row, its direction."""
        import torch

        ends = find_ends(self.void, self.faces.axis)
        goal, home = _unplaced(ends.goal), _unplaced(ends.before[:, 0])
        place = goal[0] * self.cells + goal[1]
        integers = (home[1], place, ends.voxel, ends.direction)
        voxel, gate, row, direction = (torch.as_tensor(v.astype(np.int64), device=self.device) for v in integers)
        return voxel, self._real(ends.density), gate, row, direction, self._real(WEIGHTS)[direction]

    @property
    def held(self) -> int:
        """Bytes of storage while running."""
        held = (self.populations, self.leaving, self.index)
        return sum(t.numel() * t.element_size() for t in held)

    def begin_with(self, pressure: NDArray[np.float64]) -> None:
        """Fluid at rest under a pressure per void voxel, in raster order."""
        self.populations.copy_(self._real(WEIGHTS)[:, None] * 3 * self._real(pressure))

    def advance(self, steps: int) -> None:
        """So many time steps."""
        import torch

        for _ in range(steps):
            torch.matmul(self.matrix, self.populations, out=self.leaving)
            self.leaving += self.push
            torch.index_select(self.leaving.view(-1), 0, self.index, out=self.populations.view(-1))
            if self.ends is not None:
                voxel, density, gate, row, direction, weight = self.ends
                gone = self.leaving[:, voxel]
                excess = 2 * (density - gone.sum(dim=0))
                self.populations.view(-1)[gate] = gone[direction, row] + weight * excess[row]

    def _momentum(self) -> Tensor:
        return self._real(VELOCITIES.T.astype(float)) @ self.populations

    def permeability(self) -> NDArray[np.float64]:
        """Mean velocity over the whole image times viscosity, at unit gradient: a column of the tensor [voxel2]."""
        import torch

        sums = self._momentum().sum(dim=1, dtype=torch.float64).cpu().numpy()
        return np.asarray(self.viscosity * (sums + self.cells * self.force / 2) / self.void.size)

    def fields(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Velocity times viscosity, and pressure (without the part that the body force stands for)."""
        momentum, density = self._momentum().cpu().numpy(), self.populations.sum(dim=0).cpu().numpy()
        velocity = np.zeros((3, *self.void.shape), dtype=np.float32)
        pressure = np.zeros(self.void.shape, dtype=np.float32)
        pressure[self.void] = density / 3
        for a in range(3):
            velocity[a][self.void] = self.viscosity * (momentum[a] + self.force[a] / 2)
        return velocity, pressure


def _unplaced(place: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Direction and cell of a storage place: the reverse of ``lattice.place``."""
    block, rest = np.divmod(place.astype(np.int64), 19 * STRIDE)
    direction, cell = np.divmod(rest, STRIDE)
    return direction, block * BLOCK + cell
