"""Content hashes: what a recipe and a cache know data by."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np


def hash_arrays(*arrays: Any) -> str:
    """BLAKE2b digest (32 hex digits) of shapes, dtypes and values; lazy arrays are read slab by slab."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{tuple(array.shape)}{np.dtype(array.dtype).str}".encode())
        if hasattr(array, "dask"):
            for start in range(0, array.shape[0], 16):
                digest.update(np.ascontiguousarray(array[start : start + 16]).data)
        elif array.size:
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """BLAKE2b digest of a file's bytes, read in pieces."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as handle:
        while piece := handle.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
