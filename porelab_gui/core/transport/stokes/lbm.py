"""Stokes flow by the lattice Boltzmann method: D3Q19, two relaxation times with magic number 3/16, void voxels only.

Source: Ginzburg, d'Humieres and Kuzmin 2010 (the permeability does not depend on the viscosity at a fixed magic number;
3/16 puts a straight wall half way between voxels exactly). Pressures are held on open faces as in ends.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.stokes import kernels, vector
from porelab_gui.core.transport.stokes.ends import WEIGHT_TABLE, Ends, find_ends, hold_ends
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.flow import Flow
from porelab_gui.core.transport.stokes.guess import first_pressure
from porelab_gui.core.transport.stokes.lattice import WEIGHTS, Lattice, build, place
from porelab_gui.core.transport.stokes.tail import Settled

MAGIC = 3 / 16
LOOK_EVERY = 20  # steps between two looks at the permeability
SMALL = 150_000  # void voxels below which a second thread costs more than it brings


class Lbm:
    """A flow being relaxed; ``advance`` it, look at ``permeability``, read the fields at the end."""

    def __init__(self, void: NDArray[np.bool_], faces: Faces, dtype: type, tau: float, threads: int) -> None:
        self.void, self.faces = void, faces
        self.lattice: Lattice = build(void, faces.rings)
        self.viscosity = (tau - 0.5) / 3
        odd_rate = 1 / (0.5 + MAGIC / (tau - 0.5))
        force = np.zeros(3)
        force[faces.axis] = 1.0 if faces.periodic else 0.0
        self.force = force
        self.constants = kernels.constants(1 / tau, odd_rate, force, dtype)
        self.populations: NDArray[np.floating] = np.zeros(self.lattice.size, dtype=dtype)
        self.ends: Ends | None = None if faces.periodic else find_ends(void, faces.axis)
        self.threads = threads if self.lattice.cells > SMALL else 1
        self.odd_step = _odd_step(dtype)

    @property
    def held(self) -> int:
        """Bytes of storage while running."""
        return self.populations.nbytes + self.lattice.index_bytes + (self.ends.nbytes if self.ends else 0)

    def begin_with(self, pressure: NDArray[np.float64]) -> None:
        """Fluid at rest under a pressure per void voxel, in raster order."""
        cells = np.arange(self.lattice.cells, dtype=np.int64)
        for q in range(19):
            self.populations[place(q, cells)] = WEIGHTS[q] * 3 * pressure

    def _cross(self, part: int, odd_is_next: bool) -> None:
        """Join periodic faces (this thread's share) or hold the pressures of open ones (the first thread)."""
        swaps, ends = self.lattice.swaps, self.ends
        kernels.swap_places(self.populations, swaps, *_share(len(swaps), part, self.threads))
        if ends is not None and part == 0:
            cells = ends.before if odd_is_next else ends.after
            hold_ends(self.populations, cells, ends.density, ends.goal, ends.voxel, ends.direction, WEIGHT_TABLE)

    def advance(self, steps: int) -> None:
        """An even number of time steps."""
        barrier = threading.Barrier(self.threads)
        failures: list[BaseException] = []

        def work(part: int) -> None:
            try:
                self._work(part, steps // 2, barrier.wait)
            except BaseException as failure:
                failures.append(failure)
                barrier.abort()

        # one worker per part, all at once: they meet at the barrier
        with ThreadPoolExecutor(self.threads) as pool:
            wait([pool.submit(work, part) for part in range(self.threads)])
        if failures:
            raise failures[0]

    def _work(self, part: int, pairs: int, meet: Callable[[], int]) -> None:
        lattice, f, k = self.lattice, self.populations, self.constants
        first, last = _share(lattice.n_blocks, part, self.threads)
        index = (lattice.starts, lattice.first, lattice.window, lattice.blocks)
        for _ in range(pairs):
            kernels.even_step(f, first, last, k)
            meet()
            self._cross(part, True)
            meet()
            self.odd_step(f, first, last, k, *index)
            meet()
            self._cross(part, False)
            meet()

    def permeability(self) -> NDArray[np.float64]:
        """Mean velocity over the whole image times viscosity, at unit gradient: a column of the tensor [voxel2]."""
        sums = kernels.total_momentum(self.populations, self.lattice.cells)
        return self.viscosity * (sums + self.lattice.cells * self.force / 2) / self.void.size

    def fields(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Velocity times viscosity, and pressure (without the part that the body force stands for)."""
        values = kernels.moments(self.populations, self.lattice.cells)
        velocity = np.zeros((3, *self.void.shape), dtype=np.float32)
        pressure = np.zeros(self.void.shape, dtype=np.float32)
        pressure[self.void] = values[0] / 3
        for a in range(3):
            velocity[a][self.void] = self.viscosity * (values[1 + a] + self.force[a] / 2)
        return velocity, pressure


def _odd_step(dtype: type) -> Callable[..., None]:
    """The fastest kernel for these numbers on this processor."""
    if dtype is not np.float32:
        return kernels.odd_step_plain
    return kernels.odd_step_vector if vector.supported() else kernels.odd_step_single


def _share(count: int, part: int, parts: int) -> tuple[int, int]:
    return count * part // parts, count * (part + 1) // parts


def relaxation_time(void: NDArray[np.bool_], faces: Faces, width: float, permeability: float) -> float:
    """The tau at which velocity and pressure settle equally fast.

    Momentum spreads over a channel in width^2 / (pi^2 nu) steps, pressure along the image in
    3 phi nu L^2 / (pi^2 k) at first; the better start of guess.py leaves shorter waves of pressure.
    """
    length, porosity = void.shape[faces.axis], float(void.mean())
    viscosity = 1.4 * width / length * np.sqrt(permeability / (3 * porosity))
    return 0.5 + 3 * float(np.clip(viscosity, 0.04, 0.7))


class Relaxing(Protocol):
    """What ``solve`` needs of a lattice, compiled or on a device."""

    viscosity: float

    def begin_with(self, pressure: NDArray[np.float64]) -> None: ...

    def advance(self, steps: int) -> None: ...

    def permeability(self) -> NDArray[np.float64]: ...

    def fields(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...

    @property
    def held(self) -> int: ...


def solve(
    void: NDArray[np.bool_],
    faces: Faces,
    tolerance: float,
    max_steps: int,
    dtype: type = np.float32,
    width: float = 10.0,
    threads: int = 2,
    progress: Progress = silent,
    tau: float | None = None,
    device: str = "",
) -> Flow:
    """Relax until the estimated remainder of the permeability is below ``tolerance`` (relative).

    ``width`` of the channels in voxels sets the viscosity (unless ``tau`` does) and the fewest steps to trust.
    ``device`` names a torch device; without it the compiled code runs on the processor.
    """
    progress(0, max_steps, "first pressure")
    pressure, guess = first_pressure(void, faces)
    tau = tau or relaxation_time(void, faces, width, guess)
    lbm: Relaxing
    if device:
        from porelab_gui.core.transport.stokes.lbm_device import DeviceLbm

        lbm = DeviceLbm(void, faces, dtype, tau, device)
    else:
        lbm = Lbm(void, faces, dtype, tau, threads)
    lbm.begin_with(pressure)
    least = width**2 / (np.pi**2 * lbm.viscosity) + 2 * void.shape[faces.axis]
    settled, steps, done = Settled(tolerance), 0, False
    while not done and steps < max_steps:
        lbm.advance(LOOK_EVERY)
        steps += LOOK_EVERY
        k = float(lbm.permeability()[faces.axis])
        done = settled(k) and steps > least
        progress(steps, max_steps, f"lattice step {steps}", permeability_voxel2=k, remainder=settled.remainder)
        if not np.isfinite(k):
            break
    velocity, pressure_field = lbm.fields()
    return Flow(lbm.permeability(), velocity, pressure_field, steps, settled.remainder, done, lbm.held)
