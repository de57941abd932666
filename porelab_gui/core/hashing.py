"""Content hashes: what a recipe and a cache know data by."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

WHOLE_BYTES = 1 << 30
PLACES, WINDOW = 64, 64


def hash_arrays(*arrays: Any) -> str:
    """BLAKE2b digest (32 hex digits) of shapes, dtypes and values.

    Lazy arrays are read slab by slab up to ``WHOLE_BYTES``; of a larger one only ``PLACES`` windows that are spread
    over it, since a stack on disk must open without being read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{tuple(array.shape)}{np.dtype(array.dtype).str}".encode())
        if hasattr(array, "dask") and array.nbytes > WHOLE_BYTES:
            _sample(array, digest)
        elif hasattr(array, "dask"):
            for start in range(0, array.shape[0], 16):
                digest.update(np.ascontiguousarray(array[start : start + 16]).data)
        elif array.size:
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _sample(array: Any, digest: Any) -> None:
    """Windows of one slice at the places of an additive sequence (Roberts' R3, 1/1.2207440846 and its powers)."""
    steps = 1.2207440846057596 ** -np.arange(1.0, 1.0 + array.ndim)
    for k in range(PLACES):
        room = [max(1, n - (WINDOW if axis else 1) + 1) for axis, n in enumerate(array.shape)]
        start = [int((0.5 + (k + 1) * s) % 1.0 * r) for s, r in zip(steps, room, strict=True)]
        window = tuple(slice(a, a + (WINDOW if axis else 1)) for axis, a in enumerate(start))
        digest.update(np.ascontiguousarray(array[window]).data)


def hash_file(path: Path) -> str:
    """BLAKE2b digest of a file's bytes, read in pieces."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as handle:
        while piece := handle.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
