"""The nouns that flow between Methods. SI units (metres, Pa, s, mol) and axis order z, y, x throughout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.hashing import hash_arrays
from porelab_gui.core.review import Review

AXES = ("z", "y", "x")
VoxelSize = tuple[float, float, float]


def check_voxel_size(value: float | tuple[float, ...], where: str = "voxel size") -> VoxelSize:
    """Voxel size as (z, y, x) in metres; InputError unless three finite positive lengths."""
    sizes = (float(value),) * 3 if np.isscalar(value) else tuple(float(v) for v in value)  # type: ignore[union-attr, arg-type]
    if len(sizes) != 3 or not all(np.isfinite(v) and v > 0 for v in sizes):
        raise InputError(
            f"the voxel size {value!r} is not one or three positive lengths",
            where=where,
            remedy="Give the voxel edge along z, y and x, for example 5.345 um.",
        )
    return sizes


@dataclass(frozen=True)
class Noun:
    """What all data have: a name to show and the place they came from."""

    name: str = field(default="", kw_only=True)
    source: str = field(default="", kw_only=True)

    def renamed(self, name: str) -> Any:
        """The same data under another name."""
        return replace(self, name=name)

    @property
    def content_hash(self) -> str:
        """A digest of what the data say, independent of names and paths."""
        raise NotImplementedError


@dataclass(frozen=True)
class Pyramid:
    """Coarser versions of ``base``, each of half the edge, finest first; for display only."""

    base: Any
    levels: tuple[Any, ...]


@dataclass(frozen=True)
class Stack(Noun):
    """A 3D grey or binary image, axes z, y, x; ``data`` is numpy, a memmap or a dask array.

    ``voxel_size`` in metres per axis. A boolean stack means True = void. ``pyramid``: coarser versions for display.
    """

    data: Any
    voxel_size: VoxelSize
    pyramid: Pyramid | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        if getattr(self.data, "ndim", 0) != 3:
            shape = getattr(self.data, "shape", None)
            raise InputError(
                f"the image has shape {shape}, not three dimensions",
                where=self.name or self.source or None,
                remedy="Open a z stack; a single 2D slice has no pore network.",
            )
        object.__setattr__(self, "voxel_size", check_voxel_size(self.voxel_size, self.name or "voxel size"))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        return tuple(int(n) for n in self.data.shape)  # type: ignore[return-value]

    @property
    def levels(self) -> tuple[Any, ...]:
        """The image and its coarser versions; the image alone when they belong to other data."""
        fits = self.pyramid is not None and self.pyramid.base is self.data
        return (self.data, *self.pyramid.levels) if self.pyramid is not None and fits else (self.data,)

    @property
    def isotropic(self) -> bool:
        """Whether the three voxel edges agree to a tenth of a per cent."""
        return max(self.voxel_size) <= min(self.voxel_size) * 1.001

    @property
    def content_hash(self) -> str:
        return hash_arrays(self.data, np.asarray(self.voxel_size), source=self.source)

    def array(self) -> NDArray[Any]:
        """The whole image in memory."""
        return np.asarray(self.data)


@dataclass(frozen=True)
class Labels(Stack):
    """An integer image of named phases. ``phases`` maps label to name; ``void`` lists the labels of the pores.

    ``colours`` maps a label to "#rrggbb" where a person chose one. ``review`` tells what a person has done to each
    slice; it is forgotten when the image gets another shape.
    """

    phases: Mapping[int, str] = field(default_factory=lambda: {0: "matrix", 1: "pore"})
    void: tuple[int, ...] = (1,)
    colours: Mapping[int, str] = field(default_factory=dict, kw_only=True, compare=False)
    review: Review | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.dtype(self.data.dtype).kind not in "iub":
            raise InputError(
                f"labels must be integers, not {self.data.dtype}",
                where=self.name or None,
                remedy="Segment the grey image first.",
            )
        object.__setattr__(self, "phases", MappingProxyType({int(k): str(v) for k, v in self.phases.items()}))
        object.__setattr__(self, "void", tuple(int(v) for v in self.void))
        colours = {int(k): str(v) for k, v in self.colours.items()}
        object.__setattr__(self, "colours", MappingProxyType(colours))
        if self.review is not None and self.review.shape != self.shape:
            object.__setattr__(self, "review", None)

    def void_mask(self) -> NDArray[np.bool_]:
        """True where the voxel is pore space."""
        data = self.array()
        if len(self.void) == 1:
            mask: NDArray[np.bool_] = data == self.void[0]
            return mask
        return np.isin(data, self.void)

    def porosity(self) -> float:
        """Void voxels over all voxels."""
        return float(np.count_nonzero(self.void_mask())) / float(np.prod(self.shape))

    @property
    def content_hash(self) -> str:
        told = () if self.review is None else (self.review.states, self.review.index, self.review.automatic)
        return hash_arrays(self.data, np.asarray(self.voxel_size), np.asarray(self.void), *told, source=self.source)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "phases": dict(self.phases), "colours": dict(self.colours)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        frozen = {k: MappingProxyType(state[k]) for k in ("phases", "colours")}
        self.__dict__.update({**state, **frozen})


@dataclass(frozen=True)
class Regions(Stack):
    """The watershed partition behind a network: one label 1..Np per pore, 0 outside the void.

    Pore i of the network (from 0) is region i + 1, unless the network's ``region`` column says otherwise.
    """


@dataclass(frozen=True)
class Field(Stack):
    """What a solver found at every voxel: ``quantity`` in words (speed, pressure, concentration ...) and its ``unit``.

    NaN, or 0 for a speed, where there is no fluid.
    """

    unit: str = "1"
    quantity: str = ""


@dataclass(frozen=True)
class Column:
    """Values of one property with its unit ("" for a pure number), what it is, and what made it.

    ``meta`` holds what the value depends on, for example ``{"viscosity": 1e-3}`` for a hydraulic conductance.
    """

    values: NDArray[Any]
    unit: str = ""
    title: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.array(self.values)  # a copy: a frozen column must not change under its network
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "meta", dict(self.meta))

    def __len__(self) -> int:
        return len(self.values)


Columns = Mapping[str, Column]


def _columns(given: Mapping[str, Any], count: int, kind: str, name: str) -> Columns:
    made = {}
    for key, value in given.items():
        column = value if isinstance(value, Column) else Column(np.asarray(value))
        if len(column) != count:
            raise InputError(f"{kind} column {key!r} has {len(column)} rows for {count} {kind}s", where=name or None)
        made[key] = column
    return MappingProxyType(made)


@dataclass(frozen=True)
class Network(Noun):
    """A pore network: frozen arrays in SI metres, axis order z, y, x.

    ``coords`` (Np, 3) pore centres; ``conns`` (Nt, 2) pore indices; ``pores`` and ``throats`` hold Columns.
    Standard pore columns: region, volume, surface_area, inscribed_diameter, equivalent_diameter,
    extended_diameter, phase; boolean face_z0, face_z1, face_y0, face_y1, face_x0, face_x1 (touches that
    face of the image), boundary (a virtual pore that stands for a face). Standard throat columns:
    inscribed_diameter, equivalent_diameter, cross_sectional_area, perimeter, total_length, direct_length.
    Conductances: ``g_hydraulic.<law>`` [m3/(Pa s)] and ``g_diffusive.<law>`` [m3/s].
    ``size`` is the extent of the image in metres, ``voxel_size`` its voxel, ``extraction`` method, version, parameters.
    """

    coords: NDArray[np.float64]
    conns: NDArray[np.int64]
    pores: Columns = field(default_factory=dict)
    throats: Columns = field(default_factory=dict)
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    voxel_size: float | None = None
    porosity: float | None = None
    extraction: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        coords = np.array(self.coords, dtype=np.float64).reshape(-1, 3)
        conns = np.array(self.conns, dtype=np.int64).reshape(-1, 2)
        if conns.size and (conns.min() < 0 or conns.max() >= len(coords)):
            raise InputError(
                f"a throat names pore {int(conns.max())} but the network has {len(coords)} pores",
                where=self.name or self.source or None,
                remedy="Check that throat ends count pores from 0.",
            )
        coords.setflags(write=False)
        conns.setflags(write=False)
        put = object.__setattr__
        put(self, "coords", coords)
        put(self, "conns", conns)
        put(self, "pores", _columns(self.pores, len(coords), "pore", self.name))
        put(self, "throats", _columns(self.throats, len(conns), "throat", self.name))
        put(self, "extraction", dict(self.extraction))

    @property
    def n_pores(self) -> int:
        """Number of pores."""
        return len(self.coords)

    @property
    def n_throats(self) -> int:
        """Number of throats."""
        return len(self.conns)

    def with_pores(self, **columns: Column) -> Network:
        """This network with pore columns added or replaced."""
        return replace(self, pores={**self.pores, **columns})

    def with_throats(self, columns: Mapping[str, Column] | None = None, **more: Column) -> Network:
        """This network with throat columns added or replaced (names with a dot go in the mapping)."""
        return replace(self, throats={**self.throats, **(columns or {}), **more})

    def pore(self, key: str) -> NDArray[Any]:
        """Values of a pore column; InputError naming what there is when it is missing."""
        return self._get(self.pores, key, "pore")

    def throat(self, key: str) -> NDArray[Any]:
        """Values of a throat column; InputError naming what there is when it is missing."""
        return self._get(self.throats, key, "throat")

    def _get(self, columns: Columns, key: str, kind: str) -> NDArray[Any]:
        if key not in columns:
            raise InputError(
                f"the network has no {kind} column {key!r} (it has {', '.join(columns) or 'none'})",
                where=self.name or None,
                remedy="Run the step that computes it first.",
            )
        return columns[key].values

    def keep(self, pores: NDArray[np.bool_]) -> Network:
        """The network of the pores marked True and of the throats between them."""
        pores = np.asarray(pores, dtype=bool)
        throats: NDArray[np.bool_] = np.asarray(pores[self.conns].all(axis=1), dtype=bool)
        index = np.cumsum(pores) - 1

        def cut(columns: Columns, mask: NDArray[np.bool_]) -> dict[str, Column]:
            return {k: replace(c, values=c.values[mask]) for k, c in columns.items()}

        return replace(
            self,
            coords=self.coords[pores],
            conns=index[self.conns[throats]],
            pores=cut(self.pores, pores),
            throats=cut(self.throats, throats),
        )

    @property
    def content_hash(self) -> str:
        parts = [self.coords, self.conns, np.asarray(self.size)]
        for columns in (self.pores, self.throats):
            for key in sorted(columns):
                parts += [np.frombuffer(key.encode(), dtype=np.uint8), columns[key].values]
        return hash_arrays(*parts)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "pores": dict(self.pores), "throats": dict(self.throats)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        frozen = {k: MappingProxyType(state[k]) for k in ("pores", "throats")}
        self.__dict__.update({**state, **frozen})


@dataclass(frozen=True)
class Table(Noun):
    """Results as rows: equally long named Columns, each with its unit. ``notes`` are sentences shown under it."""

    columns: Columns
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = {len(c) for c in self.columns.values()}
        if len(counts) > 1:
            raise InputError(f"table columns differ in length: {sorted(counts)}", where=self.name or None)
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, key: str) -> NDArray[Any]:
        return self.columns[key].values

    @property
    def content_hash(self) -> str:
        parts = []
        for key in self.columns:
            values = self.columns[key].values
            parts += [np.frombuffer(key.encode(), dtype=np.uint8)]
            parts += [values if values.dtype.kind in "biufc" else np.asarray([str(v) for v in values], dtype="S")]
        return hash_arrays(*parts)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "columns": dict(self.columns)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "columns": MappingProxyType(state["columns"])})


@dataclass(frozen=True)
class Weights(Noun):
    """A trained model: a folder with card.md, config.json and *.safetensors. Nothing in it is ever executed."""

    folder: Path

    @property
    def content_hash(self) -> str:
        blobs = [np.frombuffer(p.read_bytes(), dtype=np.uint8) for p in sorted(self.folder.glob("*.safetensors"))]
        return hash_arrays(*blobs)
