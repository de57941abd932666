"""What the model sees of a network: pure numbers, every length divided by the mean pore diameter of the network.

The unit of length is the mean inscribed diameter of the pores, not of the throats, so that widening a throat does not
change the unit of all the others: that is what makes "wider throats never lower K" hold exactly (see model.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Network
from porelab_gui.core.transport.laws import LAWS
from porelab_gui.core.transport.laws.conduit import Conduits, conduits

Floats = NDArray[np.float64]
Variant = Literal["full", "lean"]
# the analytic law whose ratio is learned, per process: it must depend on diameters and spacing alone, since it is
# evaluated in the unit of length
BASE = {"hydraulic": "cones_and_cylinders", "diffusive": "cones_and_cylinders"}
NEEDS = {
    "full": (
        (
            "inscribed_diameter", "equivalent_diameter", "extended_diameter", "surface_area", "peak_z", "peak_y",
            "peak_x",
        ),
        (
            "inscribed_diameter", "equivalent_diameter", "perimeter", "total_length", "centre_z", "centre_y",
            "centre_x",
        ),
    ),
    "lean": (("inscribed_diameter",), ("inscribed_diameter",)),
}  # fmt: skip
PORE = {
    "full": ("inscribed diameter", "equivalent diameter", "extended diameter", "surface area", "throats per pore"),
    "lean": ("inscribed diameter", "throats per pore"),
}
HALF = {
    "full": ("pore to throat", "peak to throat", "throat off the pore's radius"),
    "lean": (),
}
EDGE = {
    "full": ("spacing", "length through the throat", "perimeter over root of area", "voxel over pore"),
    "lean": ("spacing",),
}
WIDTH = {
    "full": ("throat inscribed diameter", "throat equivalent diameter"),
    "lean": ("throat inscribed diameter",),
}


@dataclass(frozen=True)
class Graph:
    """One network for the model.

    ``unit`` [m]; ``conns`` (Nt, 2); ``face`` (Nt,) 1 where an end is a face reservoir; ``pore`` (Np, .), ``half``
    (Nt, 2, .), ``edge`` (Nt, .) features that do not depend on the width of throats, ``width`` (Nt, .) those that grow
    with it; ``base`` (Nt, 2) ln of the analytic hydraulic and diffusive size factor over unit^3 and unit.
    """

    unit: float
    conns: NDArray[np.int64]
    face: Floats
    pore: Floats
    half: Floats
    edge: Floats
    width: Floats
    base: Floats


def missing(network: Network, variant: Variant) -> list[str]:
    """Columns that the variant needs and the network lacks."""
    pores, throats = NEEDS[variant]
    lacking = [f"pore {k}" for k in pores if k not in network.pores]
    lacking += [f"throat {k}" for k in throats if k not in network.throats]
    if variant == "full" and not network.voxel_size:
        lacking.append("voxel size")
    return lacking


def best_variant(network: Network) -> tuple[Variant, list[str]]:
    """The variant that the network has the features for, and what the full one would need besides.

    InputError naming the columns when even the lean one lacks some.
    """
    lacking = missing(network, "full")
    if not lacking:
        return "full", []
    needed = missing(network, "lean")
    if needed:
        raise InputError(
            f"the network has no {', no '.join(needed)}, which every variant of the model needs",
            where=network.name or None,
            remedy="Import the diameters of pores and throats, or extract the network from its image.",
        )
    return "lean", lacking


def unit_of(network: Network) -> float:
    """The unit of length: mean inscribed diameter [m] of the pores that do not stand for a face."""
    return float(np.asarray(network.pore("inscribed_diameter"), float)[~_virtual(network)].mean())


def graph_of(network: Network, variant: Variant, unit: float = 0.0) -> Graph:
    """The features of a network, lengths in ``unit`` [m] (0: the network's own).

    InputError when it has no throat or a size is no positive number.
    """
    if not network.n_throats:
        raise InputError(
            "the network has no throat, so there is nothing to predict",
            where=network.name or None,
            remedy="Extract it from a larger image.",
        )
    law = conduits(network, "inscribed" if variant == "lean" else "equivalent", "inscribed", "direct")
    virtual = _virtual(network)
    diameter = np.asarray(network.pore("inscribed_diameter"), float)
    unit = unit or unit_of(network)
    count = np.bincount(network.conns.ravel(), minlength=network.n_pores).astype(float)
    pore = [_log(diameter / unit, virtual)]
    half, edge = np.zeros((network.n_throats, 2, 0)), [np.log(law.spacing / unit)]
    width = [np.log(law.dt / unit)]
    if variant == "full":
        pore += [_log(network.pore(f"{k}_diameter") / unit, virtual) for k in ("equivalent", "extended")]
        pore.append(_log(np.sqrt(np.maximum(network.pore("surface_area"), 0.1 * unit**2)) / unit, virtual))
        half = _halves(network, unit, virtual, diameter)
        area = np.maximum(network.throat("equivalent_diameter"), 0.1 * network.voxel_size)  # type: ignore[operator]
        edge.append(np.log(np.maximum(network.throat("total_length"), 0.1 * unit) / unit))
        edge.append(np.log(np.maximum(network.throat("perimeter"), area) / area))
        edge.append(np.full(network.n_throats, np.log(float(network.voxel_size or unit) / unit)))
        width.append(np.log(area / unit))
    pore.append(np.where(virtual, 0.0, np.log(np.maximum(count, 1))))
    return Graph(
        unit, np.asarray(network.conns), (law.open1 | law.open2).astype(float), np.stack(pore, axis=1), half,
        np.stack(edge, axis=1), np.stack(width, axis=1), _base(law, unit),
    )  # fmt: skip


def _virtual(network: Network) -> NDArray[np.bool_]:
    if "boundary" not in network.pores:
        return np.zeros(network.n_pores, bool)
    return np.asarray(network.pore("boundary"), bool)


def _log(values: Floats, virtual: NDArray[np.bool_]) -> Floats:
    """ln of a size, 0 for a pore that stands for a face: its size is that of a pad and says nothing."""
    return np.where(virtual, 0.0, np.log(np.where(virtual, 1.0, np.maximum(values, 1e-3))))


def _halves(network: Network, unit: float, virtual: NDArray[np.bool_], diameter: Floats) -> Floats:
    """How the throat lies to each of its pores: distance from the centroid and from the centre of the inscribed
    sphere, and the latter over the sphere's radius. Zero for a face reservoir."""
    throat = np.stack([network.throat(f"centre_{a}") for a in "zyx"], axis=1)[:, None]
    peak = np.stack([network.pore(f"peak_{a}") for a in "zyx"], axis=1)[network.conns]
    away = [np.linalg.norm(p - throat, axis=2) for p in (network.coords[network.conns], peak)]
    made = np.stack(
        [
            np.log(away[0] / unit + 0.05),
            np.log(away[1] / unit + 0.05),
            np.log(away[1] / np.maximum(diameter[network.conns], 0.1 * unit) + 0.05),
        ],
        axis=2,
    )
    return np.where(virtual[network.conns][..., None], 0.0, made)


def _base(law: Conduits, unit: float) -> Floats:
    """ln of the base laws' size factors in the unit of length."""
    pure = replace(law, d1=law.d1 / unit, dt=law.dt / unit, d2=law.d2 / unit, spacing=law.spacing / unit)
    made = {name: LAWS[name](pure) for name in set(BASE.values())}
    return np.log(np.stack([made[BASE["hydraulic"]].hydraulic, made[BASE["diffusive"]].diffusive], axis=1))
