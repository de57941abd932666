"""What other programs call our columns, and the units that a name implies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from porelab_gui.core.nouns import AXES, Column, Network

OPENPNM_PORE = {"region": "region_label"}
FACES = {f"{axis}{'min' if side == 0 else 'max'}": f"face_{axis}{side}" for axis in AXES for side in (0, 1)}
SPECIAL = {"pore.coords", "throat.conns"}
_UNITS = (
    ("volume", "m3"), ("diameter", "m"), ("radius", "m"), ("length", "m"), ("perimeter", "m"), ("area", "m2"),
    ("coords", "m"), ("centroid", "m"), ("g_hydraulic", "m3/(Pa s)"), ("g_diffusive", "m3/s"),
    ("hydraulic_conductance", "m3/(Pa s)"), ("diffusive_conductance", "m3/s"), ("pressure", "Pa"),
)  # fmt: skip


def unit_of(name: str) -> str:
    """The SI unit that a column name implies ("" for a pure number)."""
    if "coordination" in name or "factor" in name or "label" in name:
        return ""
    return next((unit for word, unit in _UNITS if word in name), "")


def to_openpnm(network: Network, axes: str = "xyz") -> dict[str, np.ndarray[Any, Any]]:
    """An OpenPNM dictionary; coordinates and vectors in the column order ``axes`` ("xyz", or "zyx" as PoreSpy)."""
    flip = slice(None, None, -1) if axes == "xyz" else slice(None)
    made: dict[str, np.ndarray[Any, Any]] = {
        "pore.coords": np.ascontiguousarray(network.coords[:, flip]),
        "throat.conns": np.array(network.conns),
        "pore.all": np.ones(network.n_pores, bool),
        "throat.all": np.ones(network.n_throats, bool),
    }
    ours_to_theirs = {v: k for k, v in FACES.items()}
    for key, column in network.pores.items():
        made["pore." + ours_to_theirs.get(key, OPENPNM_PORE.get(key, key))] = np.array(column.values)
    for key, column in network.throats.items():
        made["throat." + key] = np.array(column.values)
    return made


def from_openpnm(given: Mapping[str, np.ndarray[Any, Any]], axes: str, **more: Any) -> Network:
    """A Network from an OpenPNM or PoreSpy dictionary whose coordinate columns run in the order ``axes``."""
    coords = np.asarray(given["pore.coords"], float)
    coords = coords[:, ::-1] if axes == "xyz" else coords
    back = {v: k for k, v in OPENPNM_PORE.items()}
    pores, throats = {}, {}
    for key, values in given.items():
        kind, _, name = key.partition(".")
        if key in SPECIAL or name in ("", "all", "_id") or np.ndim(values) == 0:
            continue
        if kind == "pore":
            name = FACES.get(name, back.get(name, name)) if axes == "xyz" else _porespy_name(name, back)
            pores[name] = Column(np.asarray(values), unit_of(name))
        elif kind == "throat":
            throats[name] = Column(np.asarray(values), unit_of(name))
    return Network(coords, np.asarray(given["throat.conns"]), pores, throats, **more)


def _porespy_name(name: str, back: Mapping[str, str]) -> str:
    """PoreSpy calls array axis 0 x: its xmin is our z face."""
    swapped = {"x": "z", "z": "x"}
    if name in FACES:
        name = swapped.get(name[0], name[0]) + name[1:]
    return FACES.get(name, back.get(name, name))


def looks_like_porespy(keys: Mapping[str, Any]) -> bool:
    """PoreSpy's own columns tell its dictionaries from others'."""
    return any(k in keys for k in ("pore.region_label", "throat.global_peak", "pore.geometric_centroid"))
