"""Splices a corrected part into a network and its regions; everything else keeps its pores, throats and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.network.extract import ExtractParams
from porelab_gui.core.network.local import Change, Ints, Mask, beside, extract, settle
from porelab_gui.core.nouns import Column, Labels, Network, Regions
from porelab_gui.core.progress import Progress, silent

REMEDY = "Extract the network of the corrected labels anew."
POSITIONS = ("peak_", "centre_")


@dataclass(frozen=True)
class Updated:
    """The new network and regions; pores and throats of the old and new network that the correction touched."""

    network: Network
    regions: Regions
    old_throats: Mask
    new_throats: Mask
    box: tuple[slice, slice, slice] | None


def update(labels: Labels, regions: Regions, network: Network, progress: Progress) -> Updated:
    """The network of the corrected labels, of which only the touched part is extracted.

    InputError when the network was not extracted here as one phase, or does not belong to the regions.
    """
    params = _params(labels, regions, network)
    before, after = np.asarray(regions.data) > 0, labels.void_mask()
    before = before | _never_reached(before, after, params)
    if not (before != after).any():
        none = np.zeros(network.n_throats, bool)
        return Updated(network, regions, none, none, None)
    h = float(np.mean(labels.voxel_size))
    change = settle(before, after, np.asarray(regions.data), params, h, progress)
    return _spliced(change, labels, regions, network, h)


def _never_reached(before: Mask, after: Mask, params: ExtractParams) -> Mask:
    """Void apart from all regions and too narrow for a pore centre: it had no region before, and is no correction."""
    from scipy.ndimage import binary_dilation, label  # both take the six neighbours, as the watershed does

    apart, count = label(after & ~before)
    if not count:
        return np.zeros(before.shape, bool)
    beside = np.unique(apart[binary_dilation(before)])
    free = np.ones(count + 1, bool)
    free[[0, *beside]] = False
    narrow = free[apart]
    try:
        with_pore = np.unique(apart[extract(narrow, params, 1e-6, silent).regions > 0])
    except InputError:
        return narrow  # no pore centre in any of it
    free[with_pore] = False
    found: Mask = free[apart]
    return found


def _params(labels: Labels, regions: Regions, network: Network) -> ExtractParams:
    made = {k: v for k, v in network.extraction.items() if k in ExtractParams.model_fields}
    if network.extraction.get("method") != "extract_network" or made.get("engine") != "porelab":
        raise InputError("this network was not extracted by PoreLab", where=network.name or None, remedy=REMEDY)
    if labels.shape != regions.shape:
        raise InputError(
            f"the labels have {labels.shape} voxels, the regions {regions.shape}", where=labels.name or None,
            remedy="Choose the regions of this network.",
        )  # fmt: skip
    real = ~np.asarray(network.pore("boundary"), bool)
    highest = int(np.max(regions.data)) if regions.data.size else 0
    if len(np.unique(network.pore("phase"))) > 1 or made.get("trim") or int(real.sum()) > highest:
        raise InputError(
            "the network has several phases, was trimmed, or is not that of these regions",
            where=network.name or None, remedy=REMEDY,
        )  # fmt: skip
    return ExtractParams(**{**made, "phases": (), "block_size": 0, "scheduler": "", "scratch": "", "trim": False})


def _spliced(change: Change, labels: Labels, regions: Regions, network: Network, h: float) -> Updated:
    place = {int(r): k for k, r in enumerate(network.pore("region"))}
    boundary = np.asarray(network.pore("boundary"), bool)
    gone = np.zeros(network.n_pores, bool)
    gone[[place[int(r)] for r in change.known[change.gone] if int(r) in place]] = True
    gone |= beside(network.conns, gone) & boundary  # virtual pores that stand for the face of one
    fresh = np.zeros(change.new.network.n_pores, bool)
    fresh[: change.new.count] = change.fresh
    virtual = np.asarray(change.new.network.pore("boundary"), bool)
    fresh |= beside(change.new.network.conns, fresh) & virtual
    keep = np.flatnonzero(~gone)
    index = np.full(network.n_pores, -1, np.int64)
    index[keep] = np.arange(len(keep))
    named, fresh_names = _named(change, np.asarray(regions.data), np.asarray(network.pore("region")), fresh)
    local = _local_index(change, fresh, place, index, len(keep))
    mine = fresh[change.new.network.conns].any(axis=1) & (local[change.new.network.conns] >= 0).all(axis=1)
    stay = (index[network.conns] >= 0).all(axis=1)
    origin = np.array([s.start for s in change.box]) * h
    added = np.flatnonzero(fresh)
    pores = _joined(network.pores, keep, change.new.network.pores, added, origin)
    pores["region"] = replace(pores["region"], values=np.concatenate([network.pore("region")[keep], fresh_names]))
    phase = int(network.pore("phase")[0]) if network.n_pores else 1
    pores["phase"] = replace(pores["phase"], values=np.full(len(keep) + len(added), phase))
    throats = _joined(network.throats, np.flatnonzero(stay), change.new.network.throats, np.flatnonzero(mine), origin)
    made = replace(
        network,
        coords=np.vstack([network.coords[keep], change.new.network.coords[added] + origin]),
        conns=np.vstack([index[network.conns[stay]], local[change.new.network.conns[mine]]]),
        pores=pores,
        throats=throats,
        porosity=labels.porosity(),
    )
    new_throats = np.concatenate([np.zeros(int(stay.sum()), bool), np.ones(int(mine.sum()), bool)])
    return Updated(made, replace(regions, data=named), np.logical_not(stay), new_throats, change.box)


def _named(change: Change, regions: NDArray[Any], taken: Ints, fresh: Mask) -> tuple[NDArray[Any], Ints]:
    """The whole regions with new names for what is new; the names of the fresh pores, virtual ones included."""
    first = int(max(taken.max(initial=0), regions.max(initial=0))) + 1
    names = np.zeros(len(fresh) + 1, np.int64)
    names[1:][fresh] = first + np.arange(int(fresh.sum()))
    made = regions.astype(np.int64)
    part = made[change.box]
    gone = np.concatenate([[False], change.gone])
    part[gone[change.old.regions]] = 0
    local = np.concatenate([[False], fresh[: change.new.count]])[change.new.regions]
    part[local] = names[change.new.regions[local]]
    small = made.max(initial=0) < 2**31
    return made.astype(np.int32 if small else np.int64), names[1:][fresh]


def _local_index(change: Change, fresh: Mask, place: Mapping[int, int], index: Ints, count: int) -> Ints:
    """Where the pores of the new part are in the spliced network; -1 for those that it does not need."""
    local = np.full(len(fresh), -1, np.int64)
    local[fresh] = count + np.arange(int(fresh.sum()))
    for k in np.flatnonzero(~change.fresh):
        region = int(change.known[change.twin[k]])
        if region and region in place:
            local[k] = index[place[region]]
    return local


def _joined(
    old: Mapping[str, Column], kept: Ints, new: Mapping[str, Column], added: Ints, origin: NDArray[np.float64]
) -> dict[str, Column]:
    """Columns of what stays and of what is new; columns that extraction does not measure are left to be computed."""
    made = {}
    for key, column in old.items():
        if key not in new:
            continue
        values = new[key].values[added]
        if key.startswith(POSITIONS):
            values = values + origin["zyx".index(key[-1])]
        made[key] = replace(column, values=np.concatenate([column.values[kept], values]))
    return made
