"""A list of half-written files and folders, so that whoever kills a process knows what to remove after it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

OURS = re.compile(r"\.writing-.+|\..+\.part")  # the names of core.atomic and core.export.whole
_journal: Path | None = None


def keep_journal(path: Path | None) -> None:
    """From now on this process writes down its half-written files in ``path`` (None: it does not)."""
    global _journal
    _journal = path


def half_written(path: Path) -> None:
    """``path`` is being written and must go if this process is killed."""
    if _journal is not None:
        with _journal.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(str(path.resolve())) + "\n")


def remove_leftovers(journal: Path) -> None:
    """Remove what a journal names, as far as it has a temporary name, and the journal."""
    if not journal.is_file():
        return
    for line in journal.read_text(encoding="utf-8").splitlines(keepends=True):
        path = Path(json.loads(line)) if line.endswith("\n") else Path()
        if OURS.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    journal.unlink(missing_ok=True)
