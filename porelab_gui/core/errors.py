"""Errors whose text a user can act on: what was wrong, where, and what to try."""

from __future__ import annotations

from pathlib import Path


class PorelabError(Exception):
    """A refusal that names the place, the fault and the remedy.

    ``where`` is a file, a field or a pore; ``remedy`` a sentence that begins with a verb.
    """

    def __init__(self, what: str, *, where: str | Path | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = str(where) if where is not None else None
        self.remedy = remedy
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The whole message in one line."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        head = head.rstrip(". ") + "."
        return f"{head} {self.remedy}" if self.remedy else head

    def __reduce__(self) -> tuple[object, ...]:
        # keyword-only arguments do not survive the default pickling between processes
        return (_rebuild, (type(self), self.what, self.where, self.remedy))


def _rebuild(cls: type[PorelabError], what: str, where: str | None, remedy: str | None) -> PorelabError:
    return cls(what, where=where, remedy=remedy)


class InputError(PorelabError):
    """The data given to a Method cannot be used."""


class FormatError(PorelabError):
    """A file is not what it claims to be, or not complete."""


class NotConverged(PorelabError):
    """A solver stopped before its criterion; no number is given as if it had been met."""


class ParameterError(PorelabError):
    """A parameter is outside its range or unknown."""
