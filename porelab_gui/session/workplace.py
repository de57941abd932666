"""Where a worker process keeps what passes between it and the window, so that nothing stays when it is killed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from porelab_gui.core.leftovers import remove_leftovers

ROOM = 4 << 30  # bytes that must be free in memory for a parcel to go there
PREFIX = "porelab-work-"
SHARED = Path("/dev/shm")


@dataclass(frozen=True)
class Workplace:
    """A folder on disk, and one in memory where the system has such; both private to this program.

    Results that stay on disk live in the folder of their job until the lane ends.
    """

    disk: Path
    memory: Path | None

    @staticmethod
    def make() -> Workplace:
        """New folders, removed at the latest when this process ends."""
        _forget_the_dead()
        prefix = f"{PREFIX}{_host()}-{os.getpid()}-"
        memory = Path(tempfile.mkdtemp(prefix=prefix, dir=SHARED)) if SHARED.is_dir() else None
        made = Workplace(Path(tempfile.mkdtemp(prefix=prefix)), memory)
        weakref.finalize(made, _remove, made.disk, memory)
        return made

    def buffers(self) -> Path:
        """Where large arrays pass: in memory where there is room, else on disk."""
        if self.memory is not None:
            space = os.statvfs(self.memory)
            if space.f_bavail * space.f_frsize > ROOM:
                return self.memory
        return self.disk

    @property
    def journal(self) -> Path:
        """The list of half-written files that the running job has somewhere else."""
        return self.disk / "half-written"

    def job(self, number: int) -> Path:
        """The temporary folder of one job."""
        return self.disk / f"job-{number}"

    def after_kill(self, number: int) -> None:
        """Remove what the job of a killed process has left; arrays that are mapped already stay readable."""
        shutil.rmtree(self.job(number), ignore_errors=True)
        remove_leftovers(self.journal)
        for folder in filter(None, (self.disk, self.memory)):
            for path in folder.glob("*.buffers"):
                with suppress(PermissionError):  # Windows keeps what is mapped, until the end
                    path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything."""
        _remove(self.disk, self.memory)


def forget_openmp(pid: int) -> None:
    """Remove the mark that Intel's OpenMP keeps in shared memory, which a killed process leaves."""
    if SHARED.is_dir():
        (SHARED / f"__KMP_REGISTERED_LIB_{pid}_{os.getuid()}").unlink(missing_ok=True)


def _forget_the_dead() -> None:
    """Remove the folders of programs on this machine that were killed together with their worker."""
    import psutil

    for root in filter(Path.is_dir, (SHARED, Path(tempfile.gettempdir()))):
        for folder in root.glob(f"{PREFIX}{_host()}-*"):
            owner = folder.name.removeprefix(f"{PREFIX}{_host()}-").partition("-")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _host() -> str:
    """The name of this machine, without hyphens: containers that share a folder count processes each for themselves."""
    return re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:40]


def _remove(disk: Path, memory: Path | None) -> None:
    for folder in filter(None, (disk, memory)):
        shutil.rmtree(folder, ignore_errors=True)
