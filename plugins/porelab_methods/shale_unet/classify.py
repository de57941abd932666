"""Organic or inorganic: a pore belongs to the organic matter when organic matter surrounds it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Progress


def organic_or_not(labels: Labels, params: Any, progress: Progress) -> Labels:
    """Labels in which inorganic pores have a phase of their own; the organic ones keep the pores' label.

    Each 6-connected pore is judged by the share of organic matter in a shell of ``params.shell`` voxels around it;
    pores and the outside of the image do not count.
    """
    data = labels.array()
    pores = data == params.pore
    if not pores.any():
        raise InputError(
            f"no voxel has the pores' label {params.pore}", where=labels.name or None, remedy="Choose their label."
        )
    progress(0, 3, "pores")
    numbers, count = ndimage.label(pores)
    progress(1, 3, "shells")
    distance, nearest = ndimage.distance_transform_edt(~pores, return_indices=True)
    owner = numbers[tuple(nearest)]
    shell = (distance > 0) & (distance <= params.shell)
    around = np.bincount(owner[shell], minlength=count + 1)
    organic = np.bincount(owner[shell & (data == params.organic_matter)], minlength=count + 1)
    progress(2, 3, "deciding")
    is_organic = organic > params.share * np.maximum(around, 1)
    inorganic = max(max(labels.phases), params.pore, params.organic_matter) + 1
    made = data.astype(np.uint8, copy=True)
    made[pores & ~is_organic[numbers]] = inorganic
    phases = {**labels.phases, params.pore: "organic pore", inorganic: "inorganic pore"}
    void = tuple(dict.fromkeys([*labels.void, params.pore, inorganic]))
    return Labels(made, labels.voxel_size, phases=phases, void=void, name=labels.name, source=labels.source)
