"""A network as .npz: an OpenPNM or PoreSpy dictionary of plain arrays (never a pickle)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.numpy_files import members, read_member
from porelab_gui.core.network.formats.names import from_openpnm, looks_like_porespy, to_openpnm
from porelab_gui.core.nouns import Network

META = "porelab"


def read(path: Path) -> Network:
    """Read an .npz network: ours with its units, PoreSpy's in array order (axis 0 is z), OpenPNM's as x, y, z."""
    with zipfile.ZipFile(path) as archive:
        found = members(path, archive)
        kept = [k for k, (_, dtype) in found.items() if dtype.kind in "biuf" or k == META]
        arrays = {k: read_member(path, archive, k) for k in kept}
    for key in ("pore.coords", "throat.conns"):
        if key not in arrays:
            raise FormatError(f"it has no {key}", where=path, remedy="Save the whole network dictionary.")
    if META in arrays:
        return _ours(path, arrays)
    axes = "zyx" if looks_like_porespy(arrays) else "xyz"
    return from_openpnm(arrays, axes, name=path.stem, source=str(path))


def _ours(path: Path, arrays: dict[str, Any]) -> Network:
    meta = json.loads(bytes(np.asarray(arrays.pop(META), np.uint8)).decode())
    network = from_openpnm(
        arrays, "xyz", size=tuple(meta["size_m_zyx"]), voxel_size=meta["voxel_size_m"], porosity=meta["porosity"],
        extraction=meta["extraction"], name=meta["name"] or path.stem, source=str(path),
    )  # fmt: skip
    return with_column_meta(network, meta["columns"])


def with_column_meta(network: Network, known: dict[str, Any]) -> Network:
    """Put units, titles and meta back onto the columns (``known`` as ``column_meta`` gives it)."""
    from dataclasses import replace

    def dress(kind: str, columns: Any) -> dict[str, Any]:
        return {k: replace(c, **known.get(f"{kind}.{k}", {})) for k, c in columns.items()}

    return replace(network, pores=dress("pore", network.pores), throats=dress("throat", network.throats))


def column_meta(network: Network) -> dict[str, Any]:
    """Unit, title and meta of every column as plain data."""
    made = {}
    for kind, columns in (("pore", network.pores), ("throat", network.throats)):
        for key, c in columns.items():
            made[f"{kind}.{key}"] = {"unit": c.unit, "title": c.title, "meta": dict(c.meta)}
    return made


def network_meta(network: Network) -> dict[str, Any]:
    """What a network says besides its arrays, as plain data."""
    return {
        "format": "porelab network 1", "name": network.name, "size_m_zyx": [float(s) for s in network.size],
        "voxel_size_m": network.voxel_size, "porosity": network.porosity, "extraction": dict(network.extraction),
        "columns": column_meta(network),
    }  # fmt: skip


def write(network: Network, path: Path) -> None:
    """Write an OpenPNM-ready dictionary (x, y, z) with our units under the key ``porelab`` (JSON bytes)."""
    text = json.dumps(network_meta(network), default=_plain).encode()
    arrays = to_openpnm(network)
    with path.open("wb") as handle:
        np.savez_compressed(handle, **arrays, **{META: np.frombuffer(text, np.uint8)})  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """JSON for NumPy scalars and arrays."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
