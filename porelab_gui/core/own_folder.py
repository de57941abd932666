"""Folders in the user's data for results that nobody chose a place for."""

from __future__ import annotations

import hashlib
from pathlib import Path


def own_folder(place: str, *parts: object) -> Path:
    """The folder ``place``-DIGEST in the user's data; the digest is that of inputs and settings, so that a stopped run
    finds its own again."""
    from platformdirs import user_data_path

    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=6).hexdigest()
    return user_data_path("porelab") / f"{place}-{digest}"
