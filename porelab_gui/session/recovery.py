"""Unsaved work kept aside while a session lives, and what sessions that ended badly have left behind."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from porelab_gui.core.atomic import writing
from porelab_gui.core.image.correct import Edits, load_edits, save_edits
from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.recipe import Recipe
from porelab_gui.session import project
from porelab_gui.session.claim import Claim, claim

NOTE = "recovery.json"
MAX_NOTE_BYTES = 1 << 20
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Pending:
    """Labels on which voxels are painted that no step has taken up; ``edits()`` finds them, on any thread."""

    labels: str
    edits: Callable[[], Edits]


@dataclass(frozen=True)
class Left:
    """Work that a session has left behind: where, when it was written (s since 1970), of which project."""

    folder: Path
    written: float
    title: str
    project: str
    pending: Mapping[str, Path]


class Autosave:
    """The folder under ``root`` that holds the unsaved work of one session, made when it is first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._claim: Claim | None = None
        self._known: project.Known = {}

    @property
    def folder(self) -> Path | None:
        """Where the work is kept, or None when nothing is."""
        return None if self._claim is None else self._claim.folder

    def write(
        self,
        items: Mapping[str, Noun],
        recipe: Recipe,
        title: str = "",
        place: str = "",
        pending: Sequence[Pending] = (),
        progress: Progress = silent,
    ) -> None:
        """Keep everything as it is now; ``place`` is the project that it belongs to. Nothing is ever half-written."""
        folder = self._ready()
        if not (folder / NOTE).exists():
            _note(folder, title, place, {})
        project.save(folder, items, recipe, progress, self._known, refer_above=0)
        painted = {}
        for one in pending:
            edits = one.edits()
            if len(edits):
                painted[one.labels] = f"{project.EDITS}/pending-{edits.content_hash[:16]}.npz"
                save_edits(edits, folder / painted[one.labels])
        _note(folder, title, place, painted)
        for old in (folder / project.EDITS).glob("pending-*.npz"):
            if f"{project.EDITS}/{old.name}" not in painted.values():
                old.unlink(missing_ok=True)

    def forget(self) -> None:
        """The work is saved, or not wanted: remove what was kept."""
        if self._claim is not None:
            held, self._claim, self._known = self._claim, None, {}
            held.release()
            shutil.rmtree(held.folder, ignore_errors=True)

    def _ready(self) -> Path:
        if self._claim is None or not self._claim.folder.is_dir():
            self._known = {}
            folder = self.root / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{next(_numbers)}"
            folder.mkdir(parents=True)
            self._claim = claim(folder)
            if self._claim is None:
                raise OSError(f"{folder} cannot be locked")
        return self._claim.folder


def left_behind(root: Path) -> list[Left]:
    """What sessions whose process is gone have left, newest first."""
    found = []
    for folder in sorted(root.iterdir(), reverse=True) if root.is_dir() else []:
        held = claim(folder) if folder.is_dir() else None
        if held is None:
            continue
        left = _read(folder)
        held.release()
        if left is None:
            shutil.rmtree(folder, ignore_errors=True)  # it ended before anything was kept
        else:
            found.append(left)
    return found


def bring_back(left: Left, progress: Progress = silent) -> tuple[project.Opened, dict[str, Edits]]:
    """The data and recipe of a session that ended badly, and the voxels painted since its last step, by labels."""
    painted = {name: load_edits(path) for name, path in left.pending.items() if path.exists()}
    return project.open_project(left.folder, progress), painted


def discard(left: Left) -> None:
    """Remove what was left behind."""
    shutil.rmtree(left.folder, ignore_errors=True)


def _note(folder: Path, title: str, place: str, painted: Mapping[str, str]) -> None:
    body = {"written": time.time(), "title": title, "project": place, "pending": dict(painted)}
    with writing(folder / NOTE, "w") as handle:
        json.dump(body, handle)


def _read(folder: Path) -> Left | None:
    note = folder / NOTE
    try:
        if not project.is_project(folder) or note.stat().st_size > MAX_NOTE_BYTES:
            return None
        body = json.loads(note.read_text(encoding="utf-8"))
        pending = {str(k): folder / project.EDITS / Path(str(v)).name for k, v in body["pending"].items()}
        return Left(folder, float(body["written"]), str(body["title"]), str(body["project"]), pending)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
