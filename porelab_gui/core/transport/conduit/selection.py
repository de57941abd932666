"""Which throats a direct simulation is asked for."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import ParameterError


def chosen_throats(n_throats: int, listed: str, count: int, seed: int) -> NDArray[np.int64]:
    """Throat numbers: those ``listed`` ("0-99, 120"; empty: all), of which ``count`` drawn at random (0: all)."""
    numbers = _parse(listed, n_throats) if listed.strip() else np.arange(n_throats)
    if count and count < len(numbers):
        drawn = np.random.default_rng(seed).choice(numbers, size=count, replace=False)
        return np.sort(drawn)
    return numbers


def _parse(listed: str, n_throats: int) -> NDArray[np.int64]:
    found: set[int] = set()
    for part in filter(None, re.split(r"[\s,;]+", listed.strip())):
        match = re.fullmatch(r"(\d{1,12})(?:-(\d{1,12}))?", part)
        if match is None:
            raise _refusal(f"{part!r} is neither a throat number nor a range such as 0-99")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last >= n_throats:
            raise _refusal(f"{part!r} is outside the {n_throats} throats, which count from 0")
        found.update(range(first, last + 1))
    return np.array(sorted(found), dtype=np.int64)


def _refusal(what: str) -> ParameterError:
    return ParameterError(what, where="conductance_dns.throats", remedy="Write throat numbers such as 0-99, 120.")
