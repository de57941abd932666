"""A FIB-SEM stack of shale that we made up, with the faults that such stacks have.

z is the slicing direction, y runs down the face along the ion beam (curtains run along it), x across.
Grey levels and faults follow what is described of FIB-SEM of Longmaxi and similar shales: dark pores, dark-grey
organic matter, grey matrix, bright pyrite; deeper walls shine through pores; curtains, charging, drift, noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.phantoms.shapes import Rng, Shape, draw_ellipsoid, random_field, random_turn
from porelab_gui.core.progress import Progress

MATRIX, ORGANIC_PORE, INORGANIC_PORE, ORGANIC_MATTER, PYRITE = 0, 1, 2, 3, 4
PHASES = {
    MATRIX: "matrix", ORGANIC_PORE: "organic pore", INORGANIC_PORE: "inorganic pore",
    ORGANIC_MATTER: "organic matter", PYRITE: "pyrite",
}  # fmt: skip
VOID = (ORGANIC_PORE, INORGANIC_PORE)
GREY = {MATRIX: 140.0, ORGANIC_PORE: 22.0, INORGANIC_PORE: 28.0, ORGANIC_MATTER: 82.0, PYRITE: 235.0}


@dataclass(frozen=True)
class Rock:
    """Volume fractions of the whole image, and the radius of an organic pore in voxels."""

    organic: float = 0.18
    organic_pores: float = 0.04
    slits: float = 0.012
    pyrite: float = 0.02
    pore_radius: float = 3.5


@dataclass(frozen=True)
class Microscope:
    """Faults of the stack, in grey levels except ``drift`` (voxels per slice)."""

    shine: float = 0.45
    curtains: float = 9.0
    charging: float = 25.0
    drift: float = 0.35
    noise: float = 8.0


def _fill(
    rng: Rng, host: NDArray[np.bool_], target: int, radii: float, slit: bool, progress: Progress
) -> NDArray[np.bool_]:
    """Spheres (or thin discs) about random voxels of ``host`` until ``target`` voxels of it are taken."""
    made = np.zeros(host.shape, bool)
    places = np.flatnonzero(host)
    target = min(target, int(0.9 * len(places)))
    if target <= 0:
        return made
    taken, volume = 0, (3.0 if slit else 4.2) * radii**3
    while taken < target:
        left = target - taken
        largest = max(0.9, radii * (1.3 * left / volume) ** (1 / 3))  # the last one should not overshoot
        for _ in range(max(1, int(0.3 * left / volume))):
            centre = np.array(np.unravel_index(rng.choice(places), host.shape), float)
            radius = np.clip(radii * np.exp(0.4 * rng.standard_normal()), 0.9, largest)
            axes = radius * (np.array([0.28, 1.6, 1.1 + rng.random()]) if slit else 0.75 + 0.5 * rng.random(3))
            draw_ellipsoid(made, centre, np.maximum(axes, 0.7), random_turn(rng))
        before, taken = taken, int(np.count_nonzero(made & host))
        progress(min(taken, target), target, "slits" if slit else "pores")
        if taken == before and np.count_nonzero(made[host]) == len(places):
            break
    return made & host


def _framboids(rng: Rng, shape: Shape, target: int) -> NDArray[np.bool_]:
    """Round clusters of small crystals."""
    made = np.zeros(shape, bool)
    turn = np.eye(3)
    guard = 0
    while np.count_nonzero(made) < target and guard < 500:
        guard += 1
        ball = min(4.0 + 8.0 * rng.random(), 0.3 * min(shape))
        centre = rng.random(3) * shape
        for _ in range(int(0.5 * ball**2)):
            place = rng.standard_normal(3)
            place *= ball * rng.random() ** (1 / 3) / np.linalg.norm(place)
            draw_ellipsoid(made, centre + place, np.full(3, 0.22 * ball + 0.6), turn)
    return made


def truth(rng: Rng, shape: Shape, rock: Rock, progress: Progress) -> NDArray[np.uint8]:
    """Phases: organic matter in blobs, pores in its inside, slits in the matrix, pyrite framboids over all."""
    from scipy.ndimage import binary_erosion

    size = int(np.prod(shape))
    field = random_field(rng, shape, (7.0, 6.0, 11.0)) + 0.25 * random_field(rng, shape, 2.0)
    organic = field > np.quantile(field, 1.0 - rock.organic)
    pyrite = _framboids(rng, shape, int(rock.pyrite * size))
    inside = binary_erosion(organic & ~pyrite, iterations=1)
    pores = _fill(rng, inside, int(rock.organic_pores * size), rock.pore_radius, False, progress)
    matrix = binary_erosion(~organic & ~pyrite, iterations=2)
    slits = _fill(rng, matrix, int(rock.slits * size), 2.2 * rock.pore_radius, True, progress)
    phases = np.zeros(shape, np.uint8)
    phases[organic] = ORGANIC_MATTER
    phases[pyrite] = PYRITE
    phases[pores] = ORGANIC_PORE
    phases[slits] = INORGANIC_PORE
    return phases


def drift_path(rng: Rng, slices: int, step: float) -> NDArray[np.float64]:
    """Shift of each slice along y and x in voxels: a random walk that is pulled back."""
    path = np.zeros((slices, 2))
    for k in range(1, slices):
        path[k] = 0.95 * path[k - 1] + step * rng.standard_normal(2)
    return path


def drifted(phases: NDArray[np.uint8], path: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Each slice moved by its drift rounded to voxels; the truth is what the microscope saw."""
    out = np.empty_like(phases)
    for k, (dy, dx) in enumerate(np.rint(path).astype(int)):
        rows = np.clip(np.arange(phases.shape[1]) - dy, 0, phases.shape[1] - 1)
        cols = np.clip(np.arange(phases.shape[2]) - dx, 0, phases.shape[2] - 1)
        out[k] = phases[k][np.ix_(rows, cols)]
    return out


def _solid_grey(rng: Rng, phases: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey levels without faults; the matrix has minerals of its own shades."""
    shape: Shape = phases.shape  # type: ignore[assignment]
    grey = np.array([GREY[k] for k in range(5)], np.float32)[phases]
    minerals = random_field(rng, shape, (4.0, 4.0, 6.0))
    shades = np.select([minerals > 1.0, minerals < -0.9], [22.0, -16.0], 0.0).astype(np.float32)
    grey += np.where(phases == MATRIX, shades + 5 * random_field(rng, shape, 1.5), 0.0)
    grey += np.where(phases == ORGANIC_MATTER, 4 * random_field(rng, shape, 3.0), 0.0)
    return grey


def _shine_through(grey: NDArray[np.float32], phases: NDArray[np.uint8], share: float) -> NDArray[np.float32]:
    """In a pore the wall behind it is seen, weaker the deeper it lies (deeper is larger z)."""
    out = grey.copy()
    void = np.isin(phases, VOID)
    behind = grey[-1].copy()
    depth = np.full(grey.shape[1:], 4.0, np.float32)
    for z in range(grey.shape[0] - 1, -1, -1):
        depth = np.where(void[z], depth + 1.0, 0.0).astype(np.float32)
        behind = np.where(void[z], behind, grey[z])
        weight = share * np.exp(-depth / 3.0)
        out[z] = np.where(void[z], grey[z] + weight * np.clip(behind - grey[z], 0, None), grey[z])
    return out


def _curtains(rng: Rng, shape: Shape, strength: float) -> NDArray[np.float32]:
    """Stripes along y, alike in neighbouring slices, growing down the face."""
    from scipy.ndimage import gaussian_filter1d

    depth, rows, cols = shape
    noise = gaussian_filter1d(rng.standard_normal((depth, cols)), 1.2, axis=1)
    noise = gaussian_filter1d(noise, 1.5, axis=0)
    ramp = 0.4 + 0.6 * np.linspace(0, 1, rows)
    stripes = noise / max(float(noise.std()), 1e-9)
    return (strength * ramp[None, :, None] * stripes[:, None, :]).astype(np.float32)


def _charging(rng: Rng, phases: NDArray[np.uint8], strength: float) -> NDArray[np.float32]:
    """Bright halos beside some pores, smeared along the scan direction x."""
    from scipy.ndimage import gaussian_filter

    spots = np.zeros(phases.shape, np.float32)
    voids = np.flatnonzero(np.isin(phases, VOID))
    if strength <= 0 or not len(voids):
        return spots
    chosen = rng.choice(voids, size=max(1, phases.size // 60000))
    spots.ravel()[chosen] = 1.0
    halo = gaussian_filter(spots, (1.5, 3.0, 9.0))
    return np.asarray(strength * np.clip(halo / max(float(halo.max()), 1e-12), 0, 1), np.float32)


def image(rng: Rng, phases: NDArray[np.uint8], scope: Microscope, progress: Progress) -> NDArray[np.uint8]:
    """Grey levels of the stack that the microscope gives of ``phases``."""
    from scipy.ndimage import gaussian_filter

    shape: Shape = phases.shape  # type: ignore[assignment]
    progress(0, 4, "grey levels")
    grey = _shine_through(_solid_grey(rng, phases), phases, scope.shine)
    progress(1, 4, "blur")
    grey = gaussian_filter(grey, (0.0, 0.7, 0.7))
    progress(2, 4, "curtains and charging")
    grey += _curtains(rng, shape, scope.curtains) + _charging(rng, phases, scope.charging)
    grey += (3.0 * rng.standard_normal((shape[0], 1, 1))).astype(np.float32)
    progress(3, 4, "noise")
    grey += scope.noise * np.sqrt(np.clip(grey, 4, None) / 140.0) * rng.standard_normal(shape, dtype=np.float32)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
