"""Sets of files, and folders, that appear whole or not at all: what core.atomic does for one open file."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from porelab_gui.core.atomic import as_write_error
from porelab_gui.core.errors import PorelabError
from porelab_gui.core.leftovers import half_written


@contextmanager
def whole_files(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Temporary paths, one per target, on the same disk; all are renamed at the end or all are removed.

    A path may become a file or a folder. PorelabError for a full disk, missing permission and the like.
    """
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=targets[0].parent))
        half_written(temporary)
        made = tuple(temporary / t.name for t in targets)
        yield made
        for path in made:
            _flush(path)
        for path, target in zip(made, targets, strict=True):
            _put(path, target)
    except Exception as error:
        cause = _os_error(error, targets[0].parent)
        if cause is None:
            raise
        raise as_write_error(cause, targets[0]) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """One temporary path that becomes ``target`` when the block ends well."""
    with whole_files(target) as (path,):
        yield path


def _os_error(error: BaseException, folder: Path) -> OSError | None:
    """The OSError at the root: libraries wrap a full disk in errors of their own, or lose its number."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, PorelabError):
        if isinstance(seen, OSError) and seen.errno:
            return seen
        seen = seen.__cause__ or seen.__context__
    full = folder.is_dir() and shutil.disk_usage(folder).free < 1 << 16
    return OSError(errno.ENOSPC, "full") if full and not isinstance(error, PorelabError) else None


def _flush(path: Path) -> None:
    """Force the bytes to disk, so that a full disk shows before the rename."""
    for file in path.rglob("*") if path.is_dir() else (path,):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def _put(path: Path, target: Path) -> None:
    if path.is_dir() and target.is_dir():
        target.rename(path.parent / f"{target.name}.old")
    path.replace(target)
