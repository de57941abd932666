"""Statoil link/node files: NAME_link1.dat, _link2.dat, _node1.dat, _node2.dat (SI units, x first, counted from 1).

A throat end of -1 is the inlet and 0 the outlet, both along x. Such a throat gets a virtual pore (``boundary``) on
that face, so that nothing of the file is lost. Columns: Oren, Bakke and Arntzen (1998), as pnextract writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.nouns import Column, Network

PARTS = ("link1", "link2", "node1", "node2")
INLET, OUTLET = -1, 0


def files_of(path: Path) -> dict[str, Path] | None:
    """The four files of a network, from any one of them; None when the name is not of this kind."""
    for part in PARTS:
        if path.stem.endswith(part) and path.suffix.lower() == ".dat":
            stem = path.stem[: -len(part)]
            return {p: path.with_name(f"{stem}{p}{path.suffix}") for p in PARTS}
    return None


def _lines(path: Path) -> list[list[str]]:
    if not path.exists():
        raise FormatError("this file of the four is missing", where=path, remedy="Put all four into one folder.")
    text = path.read_text(encoding="latin-1")
    return [line.split() for line in text.splitlines() if line.strip()]


def _block(path: Path, rows: list[list[str]], columns: int, count: int | None = None) -> NDArray[np.float64]:
    if count is not None and len(rows) < count:
        raise FormatError(f"{len(rows)} rows are there of {count} promised", where=path, remedy="Copy the file again.")
    made = np.empty((len(rows) if count is None else count, columns))
    for k in range(len(made)):
        try:
            made[k] = [float(v) for v in rows[k][:columns]]
        except ValueError as error:
            raise FormatError(f"row {k + 1} cannot be read ({error})", where=path, remedy="Mend that row.") from error
    return made


@dataclass(frozen=True)
class _Tables:
    link1: NDArray[np.float64]
    link2: NDArray[np.float64]
    node1: NDArray[np.float64]
    node2: NDArray[np.float64]
    size: tuple[float, float, float]


def _load(files: dict[str, Path]) -> _Tables:
    rows = {p: _lines(f) for p, f in files.items()}
    try:
        throats, pores = int(rows["link1"][0][0]), int(rows["node1"][0][0])
        sx, sy, sz = (float(v) for v in rows["node1"][0][1:4])
    except (IndexError, ValueError) as error:
        raise FormatError(
            "its first line should give counts and sizes", where=files["node1"], remedy="Export again."
        ) from error
    return _Tables(
        _block(files["link1"], rows["link1"][1:], 6, throats),
        _block(files["link2"], rows["link2"], 8, throats),
        _block(files["node1"], rows["node1"][1:], 4, pores),
        _block(files["node2"], rows["node2"], 5, pores),
        (sz, sy, sx),
    )


def _area(radius: NDArray[np.float64], shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """A = r^2/(4 G) with the shape factor G = A/P^2 and r = 2 A/P."""
    return radius**2 / (4.0 * np.where(shape > 0, shape, np.inf))


def read(path: Path) -> Network:
    """Read the four files, given any one."""
    files = files_of(path)
    if files is None:
        raise FormatError("it is not named *_link1.dat or the like", where=path, remedy="Keep the usual names.")
    t = _load(files)
    if len({len(t.link1), len(t.link2)}) > 1 or len({len(t.node1), len(t.node2)}) > 1:
        raise FormatError("its files differ in their counts", where=path, remedy="Take all four from one export.")
    ends = t.link1[:, 1:3].astype(np.int64)
    if ends.size and (ends.min() < INLET or ends.max() > len(t.node1)):
        raise FormatError(
            f"a throat names pore {int(ends.max())} of {len(t.node1)}",
            where=files["link1"],
            remedy="Export it again.",
        )
    return _network(t, ends, path)


def _network(t: _Tables, ends: NDArray[np.int64], path: Path) -> Network:
    count = len(t.node1)
    coords = t.node1[:, :0:-1]
    virtual = np.flatnonzero((ends <= 0).any(axis=1))
    outside = ends[virtual].min(axis=1)  # -1 or 0
    inner = ends[virtual].max(axis=1) - 1
    made = coords[np.clip(inner, 0, None)].copy()
    made[:, 2] = np.where(outside == INLET, 0.0, t.size[2])
    conns = ends - 1
    conns[virtual] = np.stack([inner, count + np.arange(len(virtual))], axis=1)
    if (conns < 0).any():
        raise FormatError("a throat joins inlet and outlet without a pore", where=path, remedy="Export it again.")
    grown = len(virtual)

    def pore(values: NDArray[Any], fill: Any, unit: str = "") -> Column:
        return Column(np.concatenate([values, np.broadcast_to(fill, grown)]), unit)

    radius, shape = t.link1[:, 3], t.link1[:, 4]
    no = np.zeros(count, bool)
    pores = {
        "volume": pore(t.node2[:, 1], 0.0, "m3"),
        "inscribed_diameter": pore(2 * t.node2[:, 2], 2 * radius[virtual], "m"),
        "shape_factor": pore(t.node2[:, 3], shape[virtual]),
        "clay_volume": pore(t.node2[:, 4], 0.0, "m3"),
        "boundary": pore(no, True),
        "face_x0": pore(no, outside == INLET),
        "face_x1": pore(no, outside == OUTLET),
    }
    throats = {
        "inscribed_diameter": Column(2 * radius, "m"),
        "shape_factor": Column(shape),
        "total_length": Column(t.link1[:, 5], "m"),
        "conduit_lengths.pore1": Column(_first(t, ends), "m"),
        "conduit_lengths.pore2": Column(_second(t, ends), "m"),
        "conduit_lengths.throat": Column(t.link2[:, 5], "m"),
        "volume": Column(t.link2[:, 6], "m3"),
        "clay_volume": Column(t.link2[:, 7], "m3"),
        "cross_sectional_area": Column(_area(radius, shape), "m2"),
        "perimeter": Column(2 * _area(radius, shape) / np.where(radius > 0, radius, np.inf), "m"),
    }
    name = path.stem.rsplit("_", 1)[0]
    return Network(
        np.vstack([coords, made]), conns, pores, throats, size=t.size, extraction={"method": "Statoil files"},
        name=name, source=str(path),
    )  # fmt: skip


def _first(t: _Tables, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Length of the inner pore's half for a boundary throat, of end 1 otherwise."""
    return np.where((ends[:, 0] <= 0), t.link2[:, 4], t.link2[:, 3])


def _second(t: _Tables, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where((ends[:, 0] <= 0), t.link2[:, 3], t.link2[:, 4])


def _column(columns: Any, key: str, fallback: Any) -> NDArray[np.float64]:
    return np.asarray(columns[key].values if key in columns else fallback, float)


def _shape_factor(network: Network, radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """G = A/P^2 from the columns, or r^2/(4A), or that of a circle."""
    throats = network.throats
    if "shape_factor" in throats:
        return np.asarray(throats["shape_factor"].values, float)
    if "cross_sectional_area" in throats:
        area = np.asarray(throats["cross_sectional_area"].values, float)
        return np.clip(radius**2 / (4 * np.where(area > 0, area, np.inf)), 1e-6, 1 / (4 * np.pi))
    return np.full(network.n_throats, 1 / (4 * np.pi))


def _outside(network: Network) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    none = np.zeros(network.n_pores, bool)
    boundary = np.asarray(network.pores["boundary"].values, bool) if "boundary" in network.pores else none
    faces = [np.asarray(network.pores[k].values, bool) if k in network.pores else none for k in ("face_x0", "face_x1")]
    return boundary & (faces[0] | faces[1]), faces[0], faces[1]


def write(network: Network, files: dict[str, Path]) -> None:
    """Write the four files; virtual pores on the x faces become throat ends -1 and 0.

    A network without such pores gets one boundary throat per pore that touches an x face, as long as the
    pore's radius and as wide as the pore. InputError when a column that the format needs is missing.
    """
    for kind, columns, key in (
        ("pore", network.pores, "inscribed_diameter"),
        ("throat", network.throats, "inscribed_diameter"),
    ):
        if key not in columns:
            raise InputError(f"the format needs the {kind} column {key}", where=network.name, remedy="Extract again.")
    links, nodes = _as_tables(network)
    kept = nodes["kept"]
    sz, sy, sx = network.size
    with files["node1"].open("w") as n1, files["node2"].open("w") as n2:
        n1.write(f"{len(kept)} {sx:.9e} {sy:.9e} {sz:.9e}\n")
        for k, pore in enumerate(kept):
            near, via = nodes["near"][k], nodes["via"][k]
            ends = [len(near), *near, int(INLET in near), int(OUTLET in near), *via]
            n1.write(f"{k + 1} {_row(network.coords[pore, ::-1])} {' '.join(map(str, ends))}\n")
            n2.write(f"{k + 1} {_row([nodes[key][pore] for key in ('volume', 'radius', 'shape', 'clay')])}\n")
    with files["link1"].open("w") as l1, files["link2"].open("w") as l2:
        l1.write(f"{len(links)}\n")
        for k, (a, b, r, g, total, first, second, middle, volume, clay) in enumerate(links, 1):
            l1.write(f"{k} {a:.0f} {b:.0f} {r:.9e} {g:.9e} {total:.9e}\n")
            l2.write(f"{k} {a:.0f} {b:.0f} {first:.9e} {second:.9e} {middle:.9e} {volume:.9e} {clay:.9e}\n")


def _row(values: Any) -> str:
    return " ".join(f"{float(v):.9e}" for v in values)


def _as_tables(network: Network) -> tuple[NDArray[np.float64], dict[str, Any]]:
    outside, inlet, outlet = _outside(network)
    kept = np.flatnonzero(~outside)
    number = np.zeros(network.n_pores, np.int64)
    number[kept] = np.arange(1, len(kept) + 1)
    number[outside & inlet] = INLET
    number[outside & outlet] = OUTLET
    pore_r = _column(network.pores, "inscribed_diameter", 0) / 2
    rows = _throat_rows(network, number, pore_r)
    if not outside.any():
        rows = np.vstack([rows, _face_rows(number, pore_r, inlet, INLET), _face_rows(number, pore_r, outlet, OUTLET)])
    near: list[list[int]] = [[] for _ in kept]
    via: list[list[int]] = [[] for _ in kept]
    for k, (a, b) in enumerate(rows[:, :2].astype(np.int64), 1):
        for mine, other in ((a, b), (b, a)):
            if mine > 0:
                near[mine - 1].append(int(other))
                via[mine - 1].append(k)
    zero = np.zeros(network.n_pores)
    nodes = {
        "kept": kept, "near": near, "via": via, "radius": pore_r, "volume": _column(network.pores, "volume", zero),
        "shape": _column(network.pores, "shape_factor", zero + 1 / (4 * np.pi)),
        "clay": _column(network.pores, "clay_volume", zero),
    }  # fmt: skip
    return rows, nodes


def _throat_rows(network: Network, number: NDArray[np.int64], pore_r: NDArray[np.float64]) -> NDArray[np.float64]:
    radius = network.throat("inscribed_diameter") / 2
    ends = network.conns
    zero = np.zeros(network.n_throats)
    direct = np.linalg.norm(network.coords[ends[:, 0]] - network.coords[ends[:, 1]], axis=1)
    total = _column(network.throats, "total_length", direct)
    first = _column(network.throats, "conduit_lengths.pore1", np.minimum(pore_r[ends[:, 0]], 0.45 * total))
    second = _column(network.throats, "conduit_lengths.pore2", np.minimum(pore_r[ends[:, 1]], 0.45 * total))
    middle = _column(network.throats, "conduit_lengths.throat", np.maximum(total - first - second, 0.05 * total))
    return np.stack(
        [number[ends[:, 0]], number[ends[:, 1]], radius, _shape_factor(network, radius), total, first, second, middle,
         _column(network.throats, "volume", zero), _column(network.throats, "clay_volume", zero)], axis=1,
    )  # fmt: skip


def _face_rows(
    number: NDArray[np.int64], pore_r: NDArray[np.float64], touches: NDArray[np.bool_], code: int
) -> NDArray[np.float64]:
    """Boundary throats for a network that only marks its face pores."""
    at = np.flatnonzero(touches)
    r, zero = pore_r[at], np.zeros(len(at))
    return np.stack(
        [np.full(len(at), code), number[at], r, zero + 1 / (4 * np.pi), r, zero, r / 2, r / 2, zero, zero],
        axis=1,
    )
