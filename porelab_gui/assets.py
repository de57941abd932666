"""The only finder of resources: the editable tree's resources/ or the wheel's porelab_gui/_resources."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from porelab_gui.core.errors import PorelabError

_HERE = Path(__file__).resolve().parent


@cache
def resources() -> Path:
    """The folder of resources; PorelabError when the installation lacks it."""
    for folder in (_HERE / "_resources", _HERE.parent / "resources"):
        if (folder / "registry.toml").is_file():
            return folder
    raise PorelabError("the resources of PoreLab are missing", where=_HERE, remedy="Install porelab-gui again.")


def find(*parts: str) -> Path:
    """A file or folder among the resources; PorelabError naming it when it is absent."""
    path = resources().joinpath(*parts)
    if not path.exists():
        raise PorelabError(
            f"the resource {'/'.join(parts)} is missing", where=path, remedy="Install porelab-gui again."
        )
    return path


def sample(name: str) -> Path:
    """A shipped sample by its file name or stem; PorelabError listing those there are."""
    known = {p.stem: p for p in samples()} | {p.name: p for p in samples()}
    if name not in known:
        listed = ", ".join(p.stem for p in samples())
        raise PorelabError(f"there is no sample {name!r}", remedy=f"Choose among {listed}.")
    return known[name]


def samples() -> tuple[Path, ...]:
    """The shipped sample images, by name."""
    return tuple(sorted(p for p in find("samples").iterdir() if p.suffix in (".tif", ".npz")))


def registry() -> dict[str, dict[str, Any]]:
    """Public data sets by key: title, DOI, licence, size, files and checksum as far as known."""
    import tomllib

    return tomllib.loads(find("registry.toml").read_text(encoding="utf-8"))["dataset"]  # type: ignore[no-any-return]
