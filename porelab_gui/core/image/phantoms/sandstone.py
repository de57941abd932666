"""A CT scan of a sandstone that we made up: grains, cement, pores; blur, noise, rings and cupping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.phantoms.shapes import Rng, Shape, grain_distance, pack_grains, random_field
from porelab_gui.core.progress import Progress

QUARTZ, PORE, FELDSPAR, HEAVY = 0, 1, 2, 3
PHASES = {QUARTZ: "quartz", PORE: "pore", FELDSPAR: "feldspar", HEAVY: "heavy mineral"}
GREY = {QUARTZ: 150.0, PORE: 60.0, FELDSPAR: 168.0, HEAVY: 230.0}


@dataclass(frozen=True)
class Scanner:
    """What the scan adds: blur and noise in voxels and grey levels."""

    blur: float = 0.8
    noise: float = 10.0
    rings: float = 3.0
    cupping: float = 6.0


def truth(rng: Rng, shape: Shape, porosity: float, diameter: float, progress: Progress) -> NDArray[np.uint8]:
    """Phases of a cemented grain pack whose porosity is exact to one voxel."""
    progress(0, 4, "packing grains")
    centres, radii = pack_grains(rng, shape, diameter, 0.18)
    progress(1, 4, "growing cement")
    distance, owner = grain_distance(shape, centres, radii)
    distance += 0.04 * diameter * random_field(rng, shape, max(0.12 * diameter, 0.8))
    count = round(porosity * distance.size)
    pores = np.argpartition(distance.ravel(), distance.size - count - 1)[distance.size - count :]
    mineral = rng.choice([QUARTZ, FELDSPAR, HEAVY], size=len(radii), p=[0.84, 0.145, 0.015]).astype(np.uint8)
    phases = mineral[owner]
    phases.ravel()[pores] = PORE
    return phases


def scan(rng: Rng, phases: NDArray[np.uint8], scanner: Scanner, progress: Progress) -> NDArray[np.uint8]:
    """Grey levels of a scan: partial volume, beam-hardening cup, rings about the z axis, shot and read noise."""
    from scipy.ndimage import gaussian_filter

    progress(2, 4, "scanning")
    table = np.array([GREY[k] for k in range(4)], np.float32)
    grey = table[phases]
    grey += 5.0 * random_field(rng, phases.shape, 3.0) * (phases != PORE)  # type: ignore[arg-type]
    grey = gaussian_filter(grey, scanner.blur)
    _, rows, cols = phases.shape
    y, x = np.ogrid[:rows, :cols]
    radius = np.hypot(y - rows / 2, x - cols / 2)
    grey += (scanner.cupping * (radius / (0.5 * np.hypot(rows, cols))) ** 2).astype(np.float32)
    profile = rng.standard_normal(int(radius.max()) + 2)
    grey += (scanner.rings * profile[radius.astype(int)]).astype(np.float32)
    progress(3, 4, "adding noise")
    read = rng.standard_normal(grey.shape, dtype=np.float32)
    grey += scanner.noise * np.sqrt(np.clip(grey, 1, None) / 150.0) * read
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
