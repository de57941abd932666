"""PoreLab: from an image of a porous medium to its network, permeability and formation factor.

``read``, ``run`` and ``methods`` are the public Python interface. Nothing heavy is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from porelab_gui.core.method import Method
    from porelab_gui.core.nouns import Noun

__version__ = "0.1.0"
__all__ = ["__version__", "methods", "read", "run"]


def read(path: str | Path, voxel_size: float | tuple[float, float, float] | None = None) -> Noun:
    """Read an image or a network from a file or folder.

    ``voxel_size`` is in metres, one number or (z, y, x); it overrides what the file says.
    Raises ``PorelabError`` naming the file when it cannot be read.
    """
    from porelab_gui.core.api import read as _read

    return _read(path, voxel_size)


def run(method: str, /, *nouns: Noun, inputs: Mapping[str, Noun] | None = None, **params: Any) -> Mapping[str, Noun]:
    """Run one Method by name on nouns, in the order of its inputs or by their names in ``inputs``; outputs by name."""
    from porelab_gui.core.api import run as _run

    return _run(method, *nouns, inputs=inputs, **params)


def methods() -> Mapping[str, Method]:
    """Every registered Method by name, built-in and plugged in."""
    from porelab_gui.core.registry import methods as _methods

    return _methods()
