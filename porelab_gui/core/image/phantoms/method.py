"""The Method ``make_phantom``."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, param
from porelab_gui.core.nouns import Column, Labels, Stack, Table
from porelab_gui.core.progress import Progress, within


class PhantomParams(Params):
    """What to make; fractions are of the whole image."""

    kind: Literal["sandstone", "shale"] = param("sandstone", "A CT scan of sandstone or a FIB-SEM stack of shale.")
    depth: int = param(100, "Voxels along z.", unit="voxel", ge=8, le=2000)
    height: int = param(100, "Voxels along y.", unit="voxel", ge=8, le=4000)
    width: int = param(100, "Voxels along x.", unit="voxel", ge=8, le=4000)
    seed: int = param(0, "The same seed makes the same image.", unit="1", ge=0, le=2**31 - 1)
    voxel: float = param(
        5e-6, "Voxel edge (5 um is usual for CT, 10 nm for FIB-SEM).", unit="m", display="um", gt=0, le=1e-3
    )
    noise: float = param(10.0, "Noise at mid grey.", unit="grey level", ge=0, le=100)
    porosity: float = param(0.2, "Sandstone: pore volume.", unit="1", ge=0.02, le=0.6)
    grain: float = param(24.0, "Sandstone: mean grain diameter.", unit="voxel", ge=4, le=400)
    rings: float = param(3.0, "Sandstone: ring artefacts.", unit="grey level", ge=0, le=60, advanced=True)
    cupping: float = param(
        6.0, "Sandstone: beam hardening, centre to corner.", unit="grey level", ge=0, le=100, advanced=True
    )
    organic: float = param(0.18, "Shale: organic matter with its pores.", unit="1", ge=0, le=0.8)
    organic_pores: float = param(0.04, "Shale: pores in the organic matter.", unit="1", ge=0, le=0.4)
    slits: float = param(0.012, "Shale: inorganic slits in the matrix.", unit="1", ge=0, le=0.2)
    pyrite: float = param(0.02, "Shale: pyrite framboids.", unit="1", ge=0, le=0.3)
    pore_radius: float = param(3.5, "Shale: radius of an organic pore.", unit="voxel", ge=0.8, le=50)
    shine: float = param(
        0.45, "Shale: share of the wall behind a pore that shines through.", unit="1", ge=0, le=1, advanced=True
    )
    curtains: float = param(9.0, "Shale: curtaining.", unit="grey level", ge=0, le=100, advanced=True)
    charging: float = param(25.0, "Shale: charging halos.", unit="grey level", ge=0, le=150, advanced=True)
    drift: float = param(0.35, "Shale: drift per slice.", unit="voxel", ge=0, le=10, advanced=True)


def run(inputs: Inputs, params: PhantomParams, progress: Progress) -> Outputs:
    """Make the image, its truth, and the drift of each slice."""
    rng = np.random.default_rng(params.seed)
    shape = (params.depth, params.height, params.width)
    make = _sandstone if params.kind == "sandstone" else _shale
    grey, phases, names, void, path = make(rng, shape, params, progress)
    voxel = (params.voxel,) * 3
    name = f"{params.kind} phantom {params.seed}"
    columns = {
        "slice": Column(np.arange(shape[0])),
        "y": Column(np.rint(path[:, 0]) * params.voxel, "m"),
        "x": Column(np.rint(path[:, 1]) * params.voxel, "m"),
    }
    progress(1, 1, "made")
    return {
        "image": Stack(grey, voxel, name=name),
        "truth": Labels(phases, voxel, names, void, name=f"{name} truth"),
        "drift": Table(columns, name=f"{name} drift"),
    }


def _sandstone(rng: np.random.Generator, shape: tuple[int, int, int], p: PhantomParams, progress: Progress) -> Any:
    from porelab_gui.core.image.phantoms import sandstone as s

    phases = s.truth(rng, shape, p.porosity, p.grain, progress)
    scanner = s.Scanner(noise=p.noise, rings=p.rings, cupping=p.cupping)
    return s.scan(rng, phases, scanner, progress), phases, s.PHASES, (s.PORE,), np.zeros((shape[0], 2))


def _shale(rng: np.random.Generator, shape: tuple[int, int, int], p: PhantomParams, progress: Progress) -> Any:
    from porelab_gui.core.image.phantoms import shale as s

    rock = s.Rock(p.organic, p.organic_pores, p.slits, p.pyrite, p.pore_radius)
    phases = s.truth(rng, shape, rock, within(progress, 0.0, 0.6))
    path = s.drift_path(rng, shape[0], p.drift)
    phases = s.drifted(phases, path)
    scope = s.Microscope(p.shine, p.curtains, p.charging, p.drift, p.noise)
    return s.image(rng, phases, scope, within(progress, 0.6, 1.0)), phases, s.PHASES, s.VOID, path


def _estimate(inputs: Inputs, params: Any) -> Estimate:
    return Estimate(ram=40 * params.depth * params.height * params.width)


MAKE_PHANTOM = Method(
    name="make_phantom",
    title="Phantom with known truth",
    summary="Makes a sandstone CT scan or a shale FIB-SEM stack together with the true phase of every voxel.",
    step="Generate",
    citation="Shale: after Prill and Schladitz (2013) Scanning 35, 189",
    params=PhantomParams,
    inputs={},
    outputs={"image": Stack, "truth": Labels, "drift": Table},
    function=run,
    estimate=_estimate,
)
