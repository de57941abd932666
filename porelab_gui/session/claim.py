"""The right to write into a folder: one holder at a time, given up when its process ends, however it ends."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".porelab.lock"


class Claim:
    """A held lock on a folder; ``release`` gives it up."""

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder, self._lock = folder, lock

    def release(self) -> None:
        """Give the folder to others."""
        self._lock.release()


def claim(folder: Path) -> Claim | None:
    """The claim on an existing folder, or None when another window holds it or nothing may be written there."""
    lock = FileLock(folder.resolve() / LOCK, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except (Timeout, OSError, NotImplementedError):
        return None
    return Claim(folder, lock)
