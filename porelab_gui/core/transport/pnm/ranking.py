"""Where the flow is decided: throats by their share in the dissipation, d ln K / d ln g."""

from __future__ import annotations

from typing import Literal

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Params, param
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW

SIZES = ("inscribed_diameter", "equivalent_diameter", "direct_length")


class RankParams(Params):
    """Which solution, and how many throats."""

    process: Literal["flow", "diffusion"] = param("flow", "Whose dissipation: that of flow or that of diffusion.")
    axis: Literal["z", "y", "x"] = param("z", "Axis along which it was driven.")
    count: int = param(25, "How many throats are listed, the most decisive first.", unit="1", ge=1, le=100_000)


def ranked(network: Network, params: RankParams) -> Table:
    """One row per throat: its share d ln K / d ln g, the cumulative share, sizes, conductance and pores.

    The notes say how many throats hold half and 90 per cent of the dissipation. Raises InputError when the network
    has not been solved along that axis.
    """
    kind = FLOW if params.process == "flow" else DIFFUSION
    key = f"{kind.share}.{params.axis}"
    if key not in network.throats:
        raise InputError(
            f"the network has no {params.process} along {params.axis}",
            where=network.name or None,
            remedy="Solve for it first.",
        )
    column = network.throats[key]
    share = np.nan_to_num(column.values.astype(np.float64))
    order = np.argsort(-share, kind="stable")
    total = np.cumsum(share[order])
    top = order[: params.count][share[order[: params.count]] > 0]
    columns = {
        "throat": Column(top, "", "number of the throat, from 0"),
        "share": Column(share[top], "1", "share of the dissipation, d ln K / d ln g"),
        "cumulative": Column(total[: len(top)], "1", "this throat and all before it"),
        **{k: Column(network.throat(k)[top], "m") for k in SIZES if k in network.throats},
        **_conductance(network, f"{kind.prefix}.{column.meta.get('law', '')}", top),
        "pore_1": Column(network.conns[top, 0]),
        "pore_2": Column(network.conns[top, 1]),
    }
    made_by = ", ".join(str(column.meta[k]) for k in ("law", "boundary") if k in column.meta)
    notes = _notes(network, f"face_{kind.share}.{params.axis}", total, made_by)
    return Table(columns, notes, name=f"where the {params.process} along {params.axis} is decided", source=network.name)


def _conductance(network: Network, key: str, top: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[str, Column]:
    if key not in network.throats:
        return {}
    column = network.throats[key]
    return {"conductance": Column(column.values[top], column.unit, column.title)}


def _notes(
    network: Network, face_key: str, total: np.ndarray[tuple[int], np.dtype[np.float64]], made_by: str
) -> tuple[str, ...]:
    count = network.n_throats
    notes = []
    if len(total) and total[-1] > 0:
        half, most = (int(np.searchsorted(total, part * total[-1])) + 1 for part in (0.5, 0.9))
        notes.append(
            f"Half of the dissipation in throats is in {half:,} of {count:,} throats ({half / count:.1%}), "
            f"90 % in {most:,} ({most / count:.1%})."
        )
    if face_key in network.pores:
        outside = float(np.nansum(network.pores[face_key].values))
        if outside > 0:
            notes.append(f"{outside:.1%} of the dissipation is between the faces and the first pore centres.")
    return (*notes, f"Solved with {made_by}.") if made_by else tuple(notes)
