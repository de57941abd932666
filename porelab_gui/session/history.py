"""How far undo reaches: a number of states, and the memory that they hold beyond what is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from porelab_gui.core.nouns import Network, Noun, Stack, Table

if TYPE_CHECKING:
    from porelab_gui.session.session import Snapshot

MOST = 50  # states that can be taken back
SHARE = 0.25  # of the computer's memory


def kept(past: Sequence[Snapshot], now: Mapping[str, Noun], most: int = MOST, budget: int | None = None) -> int:
    """How many of the newest states of ``past`` to keep, at least one where there is one.

    ``budget`` (bytes) bounds the data that only the past holds; by default a quarter of the memory.
    """
    limit = _budget() if budget is None else budget
    seen = {id(a) for a in _arrays(now.values())}
    held = 0
    for count, state in enumerate(reversed(past)):
        for array in _arrays(state.items.values()):
            if id(array) not in seen:
                seen.add(id(array))
                held += array.nbytes
        if count == most or (held > limit and count > 0):
            return count
    return len(past)


def _arrays(nouns: Iterable[Noun]) -> list[Any]:
    """The arrays in memory of these nouns; what is read from disk as needed does not count."""
    found: list[Any] = []
    for noun in nouns:
        if isinstance(noun, Stack):
            found += [] if hasattr(noun.data, "dask") else [noun.data]
        elif isinstance(noun, Network):
            columns = (*noun.pores.values(), *noun.throats.values())
            found += [noun.coords, noun.conns, *(c.values for c in columns)]
        elif isinstance(noun, Table):
            found += [c.values for c in noun.columns.values()]
    return found


def _budget() -> int:
    import psutil

    return int(SHARE * psutil.virtual_memory().total)
