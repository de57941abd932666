"""The Python interface behind ``porelab_gui.read`` and ``porelab_gui.run``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.method import Method
from porelab_gui.core.nouns import Noun
from porelab_gui.core.registry import get


def read(path: str | Path, voxel_size: float | tuple[float, float, float] | None = None) -> Noun:
    """Read a stack, labels or a network; see ``porelab_gui.read``."""
    params: dict[str, Any] = {"path": str(path)}
    if voxel_size is not None:
        params["voxel_size"] = (float(voxel_size),) * 3 if isinstance(voxel_size, int | float) else tuple(voxel_size)
    return next(iter(run("load", **params).values()))


def run(name: str, /, *nouns: Noun, inputs: Mapping[str, Noun] | None = None, **params: Any) -> Mapping[str, Noun]:
    """Run a Method on nouns in the order of its inputs, or by name in ``inputs``; see ``porelab_gui.run``."""
    method = get(name)
    return method({**bind(method, nouns), **(inputs or {})}, params)


def bind(method: Method, nouns: tuple[Noun, ...]) -> dict[str, Noun]:
    """Nouns to input names: in order, each to the first free port that takes its type."""
    bound: dict[str, Noun] = {}
    for noun in nouns:
        fits = [k for k, port in method.inputs.items() if k not in bound and isinstance(noun, port.noun)]
        if not fits:
            wants = ", ".join(f"{k}: {p.noun.__name__}" for k, p in method.inputs.items()) or "no input"
            raise ParameterError(f"{method.title} takes {wants}, and cannot use a {type(noun).__name__}")
        bound[fits[0]] = noun
    return bound
