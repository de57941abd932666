"""Networks of 3DMA-Rock: NAME.np2th (pores) and NAME.th2np (throats), little-endian, in voxels.

np2th: counts of pores and throats; per pore its number, a type byte (0 inside), its coordination, that many pores and
that many throats (from 1); then volumes in voxels, the widths nx and nx ny, and the pores' voxel indices.
th2np: count; per throat its number, its area in voxel faces, its count of voxels, its two pores (0 where there is
none); then nx, nx ny, and the voxel indices.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError
from porelab_gui.core.nouns import Column, Network


class _Bytes:
    """A file read from front to back; FormatError when it ends early."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise FormatError("this file of the two is missing", where=path, remedy="Put both into one folder.")
        self.path, self.data, self.at = path, path.read_bytes(), 0

    def take(self, dtype: str, count: int) -> NDArray[Any]:
        """The next ``count`` values."""
        kind = np.dtype(dtype)
        if count < 0 or self.at + count * kind.itemsize > len(self.data):
            raise FormatError(
                f"it ends at byte {len(self.data):,} amid a record",
                where=self.path,
                remedy="Copy it again.",
            )
        values: NDArray[Any] = np.frombuffer(self.data, kind, count, self.at)
        self.at += count * kind.itemsize
        return values

    def one(self) -> int:
        """The next unsigned integer."""
        return int(self.take("<u4", 1)[0])


def _place(index: NDArray[Any], nx: int, nxy: int) -> NDArray[np.float64]:
    """Voxel z, y, x of a flat voxel index."""
    at = index.astype(np.int64)
    return np.stack([at // nxy, at % nxy // nx, at % nx], axis=1).astype(float)


def read(path: Path, voxel_size: float | None) -> Network:
    """Read the pair, given either; VoxelSizeNeeded without the voxel edge, since the files are in voxels."""
    from porelab_gui.core.image.formats.base import VoxelSizeNeeded

    if voxel_size is None:
        raise VoxelSizeNeeded(
            "3DMA files are in voxels and do not say how large these are", where=path, remedy="Give voxel_size."
        )
    source = _Bytes(path.with_suffix(".np2th"))
    pores, throats = source.one(), source.one()
    ends = np.full((throats, 2), -1, np.int64) if throats * 4 <= len(source.data) else None
    if ends is None or pores * 9 > len(source.data):
        raise FormatError(f"it promises {pores} pores, {throats} throats", where=source.path, remedy="Copy it again.")
    kind = np.zeros(pores, np.int64)
    for k in range(pores):
        source.one()
        kind[k] = source.take("u1", 1)[0]
        degree = source.one()
        near, via = source.take("<u4", degree).astype(np.int64) - 1, source.take("<u4", degree).astype(np.int64) - 1
        if degree and (near.min() < 0 or near.max() >= pores or via.min() < 0 or via.max() >= throats):
            raise FormatError(f"pore {k + 1} has an absent neighbour", where=source.path, remedy="Copy it again.")
        ends[via, 0], ends[via, 1] = np.minimum(k, near), np.maximum(k, near)
    volumes = source.take("<u4", pores).astype(float)
    nx, nxy = source.one(), source.one()
    if nx == 0 or nxy == 0:
        raise FormatError("its image widths are zero", where=source.path, remedy="Copy it again.")
    coords = _place(source.take("<u4", pores), nx, nxy)
    areas = _areas(path.with_suffix(".th2np"), throats)
    return _network(path, coords, ends, kind, volumes, areas, voxel_size, (nx, nxy))


def _areas(path: Path, throats: int) -> NDArray[np.float64]:
    source = _Bytes(path)
    record = np.dtype([("number", "<u4"), ("area", "<f4"), ("voxels", "<u4"), ("ends", "<u4", 2)])
    if source.one() != throats:
        raise FormatError("the two files differ in their throats", where=path, remedy="Take both from one run.")
    count = record.itemsize * throats
    if source.at + count > len(source.data):
        raise FormatError("it ends in the middle of the throats", where=path, remedy="Copy it again.")
    return np.frombuffer(source.data, record, throats, source.at)["area"].astype(float)


def _network(
    path: Path, coords: NDArray[np.float64], ends: NDArray[np.int64], kind: NDArray[np.int64],
    volumes: NDArray[np.float64], areas: NDArray[np.float64], voxel: float, widths: tuple[int, int],
) -> Network:  # fmt: skip
    """SI columns; throats without two different pores are left out."""
    kept = (ends[:, 0] >= 0) & (ends[:, 0] != ends[:, 1])
    area = areas[kept] * voxel**2
    nx, nxy = widths
    depth = float(coords[:, 0].max()) + 1 if len(coords) else 0.0
    pores = {
        "volume": Column(volumes * voxel**3, "m3"),
        "equivalent_diameter": Column((6 / np.pi * volumes) ** (1 / 3) * voxel, "m"),
        "boundary_type": Column(kind),
    }
    throats = {
        "cross_sectional_area": Column(area, "m2"),
        "equivalent_diameter": Column(np.sqrt(4 * area / np.pi), "m"),
    }
    return Network(
        (coords + 0.5) * voxel,
        ends[kept],
        pores,
        throats,
        size=(depth * voxel, nxy / nx * voxel, nx * voxel),
        voxel_size=voxel,
        extraction={"method": "3DMA-Rock files"},
        name=path.stem,
        source=str(path),
    )
