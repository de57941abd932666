"""Finds every Method through the entry-point group ``porelab.methods``: built-in and strangers' alike."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.method import Method

GROUP = "porelab.methods"
log = logging.getLogger(__name__)


def _load(point: EntryPoint) -> Iterable[Method]:
    """The Methods behind one entry point; a stranger's package that fails to load is logged and left out."""
    try:
        found = point.load()
    except Exception:
        if point.value.startswith(("porelab_gui.", "porelab_methods.")):
            raise
        log.exception("the plugin %r could not be loaded and is left out", point.name)
        return ()
    return (found,) if isinstance(found, Method) else tuple(found)


@cache
def methods() -> Mapping[str, Method]:
    """Every registered Method by name; the built-in one wins a name."""
    points = sorted(entry_points(group=GROUP), key=lambda p: not p.value.startswith("porelab_"))
    found: dict[str, Method] = {}
    for point in points:
        for method in _load(point):
            if method.name in found:
                log.warning("a second Method named %r from %r is left out", method.name, point.value)
                continue
            found[method.name] = method
    return MappingProxyType(found)


def get(name: str) -> Method:
    """The Method of that name; ParameterError listing those with a similar name."""
    known = methods()
    if name in known:
        return known[name]
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3) or sorted(known)
    raise ParameterError(f"there is no Method {name!r}", remedy=f"Try {', '.join(close)}.")
