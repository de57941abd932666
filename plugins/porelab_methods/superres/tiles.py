"""A super-resolver over a stack of any size: overlapping tiles, in memory or written to Zarr one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.image.formats.base import EAGER_BYTES
from porelab_gui.core.progress import Progress
from porelab_methods.superres.cutting import Rule, binarised
from porelab_methods.superres.nets import SuperResolver

Box = tuple[slice, slice, slice]
CHUNK = 64


def tiles(shape: tuple[int, ...], edge: int, margin: int) -> Iterator[tuple[Box, Box]]:
    """Inner boxes that cover the stack once, and outer ones with ``margin`` voxels more where the stack has them."""
    for z in range(0, shape[0], edge):
        for y in range(0, shape[1], edge):
            for x in range(0, shape[2], edge):
                low = (z, y, x)
                inner = [slice(a, min(a + edge, n)) for a, n in zip(low, shape, strict=True)]
                outer = [
                    slice(max(s.start - margin, 0), min(s.stop + margin, n)) for s, n in zip(inner, shape, strict=True)
                ]
                yield (inner[0], inner[1], inner[2]), (outer[0], outer[1], outer[2])


@torch.inference_mode()
def probability(net: SuperResolver, low: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of void of one low-resolution image, at once."""
    device = next(net.parameters()).device
    image = torch.from_numpy(np.ascontiguousarray(low, np.float32))[None, None].to(device)
    made: NDArray[np.float32] = net(image)[0, 0].float().cpu().numpy()
    return made


def resolved(
    net: SuperResolver, data: Any, shares: Callable[[NDArray[Any]], NDArray[np.float32]], shape: tuple[int, int, int],
    edge: int, place: Path | None, progress: Progress, rule: Rule = "half",
) -> Any:  # fmt: skip
    """Void (uint8, 1 = void) of ``shape``: each tile is read, resolved, cut by ``rule``, cropped and written.

    ``data`` is numpy or dask, read tile by tile; the result is numpy, or with ``place`` dask over a Zarr folder.
    Tiles overlap by the reach of the net, so that the result does not depend on them.
    """
    target = np.zeros(shape, np.uint8) if place is None else _zarr(place, shape)
    factor = net.factor
    boxes = list(tiles(data.shape, edge, net.reach))
    for k, (inner, outer) in enumerate(boxes):
        progress(k, len(boxes), f"tile {k + 1} of {len(boxes)}")
        low = shares(np.asarray(data[outer]))
        void = binarised(probability(net, low), low, rule)
        cut = tuple(slice((i.start - o.start) * factor, (i.stop - o.start) * factor)
                    for i, o in zip(inner, outer, strict=True))  # fmt: skip
        where = tuple(slice(i.start * factor, min(i.stop * factor, n)) for i, n in zip(inner, shape, strict=True))
        room = tuple(slice(0, max(0, s.stop - s.start)) for s in where)
        if all(r.stop for r in room):
            target[where] = void[cut][room].astype(np.uint8)
    progress(len(boxes), len(boxes), "done")
    return target if place is None else _read(place)


def needs_disk(shape: tuple[int, int, int]) -> bool:
    """Whether the result is better kept on disk."""
    return int(np.prod([float(n) for n in shape])) > EAGER_BYTES


def _zarr(place: Path, shape: tuple[int, int, int]) -> Any:
    import zarr

    place.parent.mkdir(parents=True, exist_ok=True)
    chunks = tuple(min(CHUNK, n) for n in shape)
    group = zarr.open_group(str(place), mode="w", zarr_format=2)
    return group.create_array("0", shape=shape, dtype=np.uint8, chunks=chunks)


def _read(place: Path) -> Any:
    from porelab_gui.core.image.formats.ome_zarr import open_level

    return open_level(place, "0")
