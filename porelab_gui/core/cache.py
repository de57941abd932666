"""Results kept on disk by content hash, so that nothing is computed twice. Arrays only, never pickles."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import PorelabError

log = logging.getLogger(__name__)
LIMIT = 2 << 30


def key_of(*parts: object) -> str:
    """The name of an entry: a digest of everything that the result depends on (as text, in order)."""
    text = "\x1f".join(str(p) for p in parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Cache:
    """A folder of entries, each a few named arrays; the least recently used go when ``limit`` bytes are exceeded."""

    folder: Path
    limit: int = LIMIT

    def get(self, key: str) -> dict[str, NDArray[Any]] | None:
        """The arrays of an entry, or None; an unreadable entry is removed and counts as none."""
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            log.warning("the cached result %s cannot be read (%s) and is dropped", path, error)
            path.unlink(missing_ok=True)
            return None
        return arrays

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]], compress: bool = True) -> bool:
        """Keep an entry; False (and a log line) where the disk does not take it, since a cache is a convenience."""
        save = np.savez_compressed if compress else np.savez
        if sum(a.nbytes for a in arrays.values()) > self.limit:
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with writing(self._path(key)) as handle:
                save(handle, allow_pickle=False, **dict(arrays))
        except (PorelabError, OSError) as error:
            log.warning("a result was not cached: %s", error)
            return False
        self.trim(keep=key)
        return True

    def trim(self, keep: str = "") -> None:
        """Remove the least recently used entries beyond ``limit`` bytes, never the entry ``keep``."""
        entries = []
        for path in self.folder.glob("*.npz"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue  # another process removed it meanwhile
            entries.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit:
                return
            if path.stem != keep:
                path.unlink(missing_ok=True)
                total -= size

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def default_cache() -> Cache:
    """The user's cache folder, or the folder in PORELAB_CACHE."""
    from platformdirs import user_cache_path

    given = os.environ.get("PORELAB_CACHE")
    return Cache(Path(given) if given else user_cache_path("porelab", appauthor=False) / "results")
