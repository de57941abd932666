"""Parts of a long computation kept in a folder while it runs, so that a stop costs one part."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from porelab_gui.core.atomic import writing


@dataclass(frozen=True)
class Kept:
    """JSON results by name in ``folder``; nothing is kept where it is None."""

    folder: Path | None = None

    def __call__(self, name: str, make: Callable[[], Any]) -> Any:
        """The result of that name: read where it is there, else made and written."""
        if self.folder is None:
            return make()
        path = self.folder / f"{name}.json"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            found = make()
            with writing(path, "w") as handle:
                json.dump(found, handle)
        return json.loads(path.read_text(encoding="utf-8"))

    def done(self) -> None:
        """Forget the parts: the next run computes all of them again."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def kept_for(name: str, *files: Path) -> Kept:
    """Parts that hold only for the present content of these files (weights, sources)."""
    from platformdirs import user_cache_path

    digest = sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return Kept(Path(user_cache_path("porelab")) / "scores" / f"{name}-{digest.hexdigest()[:12]}")
