"""A network as VTK PolyData (.vtp): points are pores, lines are throats; ParaView reads it."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.nouns import Column, Network

_TYPES = {
    "f8": "Float64",
    "f4": "Float32",
    "i8": "Int64",
    "i4": "Int32",
    "u1": "UInt8",
    "i2": "Int16",
    "u2": "UInt16",
}


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.str[1:] not in _TYPES:
        return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
    return values


def _array(name: str, values: NDArray[Any]) -> str:
    """One DataArray element, binary in base64 with its length before it."""
    values = np.ascontiguousarray(_storable(np.asarray(values)))
    parts = f' NumberOfComponents="{values.shape[1]}"' if values.ndim == 2 else ""
    raw = values.astype(values.dtype.newbyteorder("<")).tobytes()
    text = base64.b64encode(struct.pack("<Q", len(raw)) + raw).decode()
    kind = _TYPES[values.dtype.str[1:]]
    return f'<DataArray type="{kind}" Name={quoteattr(name)}{parts} format="binary">{text}</DataArray>\n'


def _columns(columns: Mapping[str, Column]) -> str:
    made = []
    for key, column in columns.items():
        if column.values.dtype.kind in "biuf" and column.values.ndim <= 2:
            made.append(_array(f"{key} [{column.unit}]" if column.unit else key, column.values))
    return "".join(made)


def write_vtp(network: Network, path: Path) -> None:
    """Write positions in metres as x, y, z; every numeric column with its unit in its name."""
    points = _array("points", np.ascontiguousarray(network.coords[:, ::-1]))
    lines = _array("connectivity", network.conns.ravel()) + _array(
        "offsets", 2 * np.arange(1, network.n_throats + 1, dtype=np.int64)
    )
    text = (
        '<?xml version="1.0"?>\n'
        '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">\n<PolyData>\n'
        f'<Piece NumberOfPoints="{network.n_pores}" NumberOfVerts="0" NumberOfLines="{network.n_throats}" '
        'NumberOfStrips="0" NumberOfPolys="0">\n'
        f"<Points>\n{points}</Points>\n<Lines>\n{lines}</Lines>\n"
        f"<PointData>\n{_columns(network.pores)}</PointData>\n<CellData>\n{_columns(network.throats)}</CellData>\n"
        "</Piece>\n</PolyData>\n</VTKFile>\n"
    )
    path.write_text(text, encoding="utf-8")
