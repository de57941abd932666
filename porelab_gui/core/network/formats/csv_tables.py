"""A network as CSV: two files (NAME_pores.csv, NAME_throats.csv) or OpenPNM's single table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.network.formats.names import from_openpnm
from porelab_gui.core.network.formats.npz import with_column_meta
from porelab_gui.core.nouns import AXES, Column, Network


def pair_of(path: Path) -> tuple[Path, Path] | None:
    """The pores and throats files that belong together, or None."""
    for mine, other in (("_pores.csv", "_throats.csv"), ("_throats.csv", "_pores.csv")):
        if path.name.endswith(mine):
            twin = path.with_name(path.name[: -len(mine)] + other)
            return (path, twin) if mine == "_pores.csv" else (twin, path)
    return None


def is_network(path: Path) -> bool:
    """Whether a CSV is a network rather than a table of results."""
    with path.open("r", encoding="utf-8-sig", errors="replace") as handle:
        head = handle.readline(1 << 16)
    return pair_of(path) is not None or "throat.conns" in head


def _table(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of a CSV; empty cells (shorter columns) are left out. FormatError naming line and column."""
    with path.open("r", encoding="utf-8-sig", newline="") as handle:
        rows = csv.reader(line for line in handle if not line.startswith("#"))
        heads = next(rows, None)
        if not heads:
            raise FormatError("the table is empty", where=path, remedy="Export it again.")
        cells: list[list[str]] = [[] for _ in heads]
        for number, row in enumerate(rows, 2):
            if row and len(row) != len(heads):
                raise FormatError(
                    f"line {number} has {len(row)} cells under {len(heads)} heads",
                    where=path,
                    remedy="Mend that line.",
                )
            for column, cell in zip(cells, row, strict=False):
                if cell != "":
                    column.append(cell)
    return {head.strip(): _values(path, head, column) for head, column in zip(heads, cells, strict=True)}


def _values(path: Path, head: str, cells: list[str]) -> np.ndarray[Any, Any]:
    if cells and all(c in ("True", "False") for c in cells):
        return np.array([c == "True" for c in cells])
    try:
        whole = all(c.lstrip("-").isdigit() for c in cells)
        return np.array(cells, np.int64 if whole else float)
    except ValueError as error:
        raise FormatError(
            f"column {head.strip()!r} holds something that is no number ({error})",
            where=path,
            remedy="Mend it.",
        ) from error


def read(path: Path) -> Network:
    """Read either kind of CSV network."""
    pair = pair_of(path)
    if pair is None:
        return _read_openpnm(path)
    for one in pair:
        if not one.exists():
            raise FormatError(f"{one.name} is not beside it", where=path, remedy="A network needs both tables.")
    pores, throats = (_strip_units(_table(p)) for p in pair)
    try:
        coords = np.stack([pores.pop(axis)[0] for axis in AXES], axis=1)
        conns = np.stack([throats.pop("pore_1")[0], throats.pop("pore_2")[0]], axis=1).astype(np.int64)
    except KeyError as error:
        raise FormatError(f"the column {error} is missing", where=path, remedy="Export both tables again.") from error
    pores.pop("pore", None), throats.pop("throat", None)
    meta = _meta(path, pair[0])
    made = Network(
        coords,
        conns,
        {k: Column(v, u) for k, (v, u) in pores.items()},
        {k: Column(v, u) for k, (v, u) in throats.items()},
        size=tuple(meta.get("size_m_zyx", (0.0, 0.0, 0.0))),
        voxel_size=meta.get("voxel_size_m"),
        porosity=meta.get("porosity"),
        extraction=meta.get("extraction", {}),
        name=meta.get("name") or pair[0].name[: -len("_pores.csv")],
        source=str(path),
    )
    return with_column_meta(made, meta.get("columns", {}))


def _meta(path: Path, pores: Path) -> dict[str, Any]:
    """The comment line ``# {json}`` that our writer puts first."""
    with pores.open("r", encoding="utf-8-sig") as handle:
        first = handle.readline()
    if not first.startswith("# {"):
        return {}
    known: dict[str, Any] = json.loads(first[2:])
    return known


def _strip_units(table: dict[str, np.ndarray[Any, Any]]) -> dict[str, tuple[np.ndarray[Any, Any], str]]:
    """``inscribed_diameter [m]`` to a name and a unit."""
    made = {}
    for head, values in table.items():
        name, _, unit = head.partition(" [")
        made[name] = (values, unit.rstrip("]"))
    return made


def _read_openpnm(path: Path) -> Network:
    """OpenPNM's table: ``pore.coords[0]`` or ``network_01.pore.coords[0]``, coordinates x, y, z."""
    given: dict[str, list[np.ndarray[Any, Any]]] = {}
    for head, values in _table(path).items():
        at = max(head.find("pore."), head.find("throat."))
        name = head[at:] if at >= 0 else head
        given.setdefault(name.split("[")[0].strip(), []).append(values)
    arrays = {k: v[0] if len(v) == 1 else np.stack(v, axis=1) for k, v in given.items()}
    if "pore.coords" not in arrays or "throat.conns" not in arrays:
        raise FormatError("it has no pore.coords and throat.conns", where=path, remedy="Export the network again.")
    return from_openpnm(arrays, "xyz", name=path.stem, source=str(path))


def write(network: Network, pores: Path, throats: Path, meta: dict[str, Any]) -> None:
    """Write both tables: SI units in the heads, positions z, y, x, pores counted from 0."""
    from porelab_gui.core.network.formats.npz import _plain

    columns = {
        "pore": np.arange(network.n_pores),
        **{f"{a} [m]": network.coords[:, k] for k, a in enumerate(AXES)},
    }
    columns |= _heads(network.pores)
    links = {
        "throat": np.arange(network.n_throats),
        "pore_1": network.conns[:, 0],
        "pore_2": network.conns[:, 1],
    }
    links |= _heads(network.throats)
    write_columns(pores, columns, "# " + json.dumps(meta, default=_plain) + "\n")
    write_columns(throats, links)


def _heads(columns: Any) -> dict[str, np.ndarray[Any, Any]]:
    flat = {}
    for key, column in columns.items():
        unit = f" [{column.unit}]" if column.unit else ""
        if column.values.ndim == 1:
            flat[key + unit] = column.values
        else:
            rows = column.values.reshape(len(column.values), -1)
            flat |= {f"{key}.{k}{unit}": rows[:, k] for k in range(rows.shape[1])}
    return flat


def write_columns(path: Path, columns: dict[str, np.ndarray[Any, Any]], head: str = "") -> None:
    """Write equally long columns; floats to the digit at which they read back the same."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(head)
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(c.tolist() for c in columns.values()), strict=True))
