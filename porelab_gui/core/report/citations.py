"""Who is to be cited for the Methods that ran, as sentences and as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from porelab_gui.core.recipe import Recipe
from porelab_gui.core.registry import get

YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
DOI = re.compile(r"\b10\.\d{4,9}/[^\s;,()]+")


@dataclass(frozen=True)
class Citation:
    """One source, and the titles of the Methods that rest on it."""

    text: str
    methods: tuple[str, ...]

    @property
    def year(self) -> str:
        """The year of publication, or nothing where none is said."""
        found = YEAR.findall(self.text)
        return found[-1] if found else ""

    @property
    def doi(self) -> str:
        """The DOI, or nothing."""
        found = DOI.search(self.text)
        return found.group().rstrip(".") if found else ""

    @property
    def authors(self) -> str:
        """The names at the head of the sentence."""
        named = re.sub(r"^[A-Za-z ]+:\s*", "", self.text)  # what it is cited for
        head = re.split(r"[,(:]|\s(?=\d)", named, maxsplit=1)[0]
        return head.replace("et al.", "and others").strip(" .")


def citations(recipe: Recipe) -> tuple[Citation, ...]:
    """Every source of the Methods of a recipe, each once, in the order in which they ran."""
    found: dict[str, list[str]] = {}
    for step in recipe.steps:
        method = get(step.method)
        for text in _split(method.citation):
            titles = found.setdefault(text, [])
            if method.title not in titles:
                titles.append(method.title)
    return tuple(Citation(text, tuple(titles)) for text, titles in found.items())


def bibtex(sources: Iterable[Citation]) -> str:
    """The sources that have a year, as BibTeX; the whole sentence stands in ``note``."""
    taken: set[str] = set()
    entries = []
    for one in sources:
        if one.year:
            fields = {"author": one.authors, "year": one.year, "doi": one.doi, "note": one.text}
            lines = [f"  {key} = {{{_escaped(value)}}}" for key, value in fields.items() if value]
            entries.append(f"@misc{{{_key(one, taken)},\n" + ",\n".join(lines) + "\n}\n")
    return "\n".join(entries)


def _split(text: str) -> list[str]:
    return [part.strip().rstrip(".") for part in text.split(";") if part.strip()]


def _key(one: Citation, taken: set[str]) -> str:
    words = re.findall(r"[A-Za-z]+", one.authors) or ["source"]
    key, number = f"{words[0].lower()}{one.year}", 1
    while (name := key if number == 1 else f"{key}{chr(96 + number)}") in taken:
        number += 1
    taken.add(name)
    return name


def _escaped(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", text)
