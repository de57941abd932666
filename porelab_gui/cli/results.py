"""What a command made, as files for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from porelab_gui.core.describe import describe as describe
from porelab_gui.core.errors import PorelabError
from porelab_gui.core.export.methods import export
from porelab_gui.core.nouns import Network, Noun, Stack, Table
from porelab_gui.core.progress import silent


def write_outputs(outputs: Mapping[str, Noun], path: Path, folder: bool = False) -> list[Path]:
    """One output to the file, several to a folder under their own names; the paths written."""
    if len(outputs) == 1 and path.suffix and not folder:
        return list(export(next(iter(outputs.values())), path, silent))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "Name a folder, for example --out results."
        raise PorelabError("several outputs need a folder here", where=path, remedy=remedy) from error
    written: list[Path] = []
    for name, noun in outputs.items():
        for ending in _endings(noun):
            written += export(noun, path / f"{name}{ending}", silent)
    return written


def _endings(noun: Noun) -> tuple[str, ...]:
    if isinstance(noun, Network):
        return (".vtp", ".csv", ".npz")
    if isinstance(noun, Stack):
        return (".tif",)
    return (".csv",) if isinstance(noun, Table) else ()
