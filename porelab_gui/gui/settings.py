"""What the program remembers between sessions: versioned, and tolerant of a file that someone has edited."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path, user_log_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from porelab_gui.core.atomic import writing

VERSION = 1
RECENT = 8
log = logging.getLogger(__name__)


class Settings(BaseModel):
    """Preferences; every field has a default, so an older file is always readable."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    version: int = VERSION
    recent: list[str] = Field(default_factory=list)
    last_folder: str = ""
    show_plots: bool = True
    theme: str = "dark"
    scheduler: str = ""

    def remember(self, path: str | Path) -> None:
        """Put a file at the head of the recent ones."""
        text = str(Path(path))
        self.recent = [text, *(p for p in self.recent if p != text)][:RECENT]
        self.last_folder = str(Path(text).parent)


def settings_path() -> Path:
    """Where the settings are kept; the variable PORELAB_CONFIG names another folder."""
    return own(user_config_path("porelab", appauthor=False)) / "settings.json"


def log_path() -> Path:
    """Where the log of errors is kept."""
    return own(user_log_path("porelab", appauthor=False)) / "porelab.log"


def edits_folder() -> Path:
    """Where painted voxels are kept until a recipe takes them along."""
    return own(user_data_path("porelab", appauthor=False)) / "edits"


def own(usual: Path) -> Path:
    """The folder that the variable PORELAB_CONFIG names, else the usual one."""
    return Path(os.environ.get("PORELAB_CONFIG") or usual)


def load(path: Path | None = None) -> Settings:
    """Settings from the file; what cannot be read takes its default, and the odd file is set aside."""
    path = path or settings_path()
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError):
        log.warning("the settings in %s cannot be read; defaults are used", path)
        return Settings()
    return tolerant(body if isinstance(body, dict) else {})


def tolerant(body: dict[str, Any]) -> Settings:
    """Settings from a mapping, field by field."""
    kept: dict[str, Any] = {}
    for name in Settings.model_fields:
        if name not in body or name == "version":
            continue
        try:
            Settings(**{name: body[name]})
        except ValidationError:
            log.warning("the setting %r has an odd value and is left at its default", name)
            continue
        kept[name] = body[name]
    return Settings(**kept)


def save(settings: Settings, path: Path | None = None) -> None:
    """Write the file whole or not at all; a folder that cannot be written is logged, not fatal."""
    path = path or settings_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path, "w") as handle:
            handle.write(json.dumps(settings.model_dump(), indent=1))
    except Exception:
        log.warning("the settings could not be saved in %s", path, exc_info=True)
