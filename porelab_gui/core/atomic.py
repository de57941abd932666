"""Writing files so that a reader sees the old one or the new one, never half of either."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.leftovers import half_written


@contextmanager
def writing(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """An open file under a temporary name, renamed to ``path`` when the block ends well, removed otherwise.

    Raises PorelabError naming the file when the folder is missing, not writable or full.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        temporary = Path(name)
        half_written(temporary)
        with os.fdopen(descriptor, mode, encoding=None if "b" in mode else "utf-8") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise as_write_error(error, path) from error
    finally:
        if temporary is not None and temporary.exists():
            temporary.unlink()


def as_write_error(error: OSError, path: Path) -> PorelabError:
    """The sentence for an operating-system error while writing ``path``."""
    what, remedy = {
        errno.ENOSPC: ("the disk is full, nothing was written", "Free some space or choose another folder."),
        errno.EDQUOT: ("your disk quota is used up, nothing was written", "Free some space or choose another folder."),
        errno.EACCES: ("there is no permission to write here", "Choose a folder that you may write to."),
        errno.EPERM: ("there is no permission to write here", "Choose a folder that you may write to."),
        errno.EROFS: ("this file system is read-only", "Choose another folder."),
        errno.ENOENT: ("the folder does not exist", "Create it or choose another one."),
        errno.ENOTDIR: ("the folder does not exist", "Create it or choose another one."),
    }.get(error.errno or 0, (f"the file cannot be written ({error.strerror or error})", "Choose another place."))
    return PorelabError(what, where=path, remedy=remedy)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
