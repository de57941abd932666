"""The report as one HTML page that carries its pictures with it."""

from __future__ import annotations

import base64
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.atomic import writing
from porelab_gui.core.describe import describe
from porelab_gui.core.image.correct import with_edits_beside
from porelab_gui.core.nouns import Labels, Network, Noun, Regions, Stack, Table
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.recipe import Recipe, RecipeStep, versions
from porelab_gui.core.registry import get
from porelab_gui.core.report.citations import Citation, bibtex, citations

ROWS = 20
TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True)
class Picture:
    """A PNG with the sentence under it."""

    name: str
    caption: str
    data: bytes


@dataclass(frozen=True)
class ShownTable:
    """A table as text: heads with units, rows, sentences."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything the page shows; ``pictures`` are referred to by name."""

    title: str
    made: str
    data: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[ShownTable, ...]
    physics: tuple[str, ...]
    sources: tuple[Citation, ...]
    recipe: Recipe
    versions: Mapping[str, str] = field(default_factory=versions)


def gather(
    items: Mapping[str, Noun],
    recipe: Recipe,
    title: str,
    views: Mapping[str, bytes] | None = None,
    progress: Progress = silent,
) -> Report:
    """The report of a session; ``views`` are pictures of the window by caption."""
    pictures = [Picture(f"view{k}.png", c, d) for k, (c, d) in enumerate((views or {}).items())]
    tables, data = [], []
    for done, (name, noun) in enumerate(items.items()):
        progress(done, len(items), name)
        data.append(_described(name, noun))
        pictures += _pictures(name, noun, len(pictures))
        if isinstance(noun, Table):
            tables.append(_shown(name, noun))
    made = time.strftime("%Y-%m-%d %H:%M")
    return Report(
        title, made, tuple(data), tuple(pictures), tuple(tables), _physics(items, recipe), citations(recipe), recipe
    )


def title_of(recipe: Recipe) -> str:
    """The title of a report: the images that it is about."""
    loaded = [n for s in recipe.steps if s.method == "load" for n in s.outputs.values()]
    return f"PoreLab report: {', '.join(loaded)}" if loaded else "PoreLab report"


def html(report: Report, embed: bool = True) -> str:
    """The page; with ``embed`` the pictures are inside it, else they are named."""
    from jinja2 import Environment

    def source(picture: Picture) -> str:
        return f"data:image/png;base64,{base64.b64encode(picture.data).decode()}" if embed else picture.name

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    steps = [(s, get(s.method).title, _params(s)) for s in report.recipe.steps]
    commands = [f"porelab run {shlex.quote('recipe.yaml')}", "python session.py"]
    return template.render(report=report, source=source, steps=steps, commands=commands, embed=embed)


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """``report.html``, ``references.bib``, ``recipe.yaml`` and ``session.py`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = with_edits_beside(report.recipe, folder / "recipe.yaml")
    recipe.save(folder / "recipe.yaml")
    texts = {"report.html": html(report), "references.bib": bibtex(report.sources), "session.py": recipe.as_script()}
    for name, text in texts.items():
        with writing(folder / name, "w") as handle:
            handle.write(text)
    return tuple(folder / n for n in (*texts, "recipe.yaml"))


def _described(name: str, noun: Noun) -> str:
    return f"{name}: table of {len(noun)} rows" if isinstance(noun, Table) else describe(name, noun)


def _pictures(name: str, noun: Noun, start: int) -> list[Picture]:
    from porelab_gui.core.report import pictures as draw

    made: list[tuple[str, bytes | None]] = []
    if isinstance(noun, Stack):
        kind = "Pore regions" if isinstance(noun, Regions) else "Phases" if isinstance(noun, Labels) else "Slice"
        made.append((f"{kind} of {name}.", draw.slice_picture(noun.renamed(name))))
    elif isinstance(noun, Network) and noun.n_throats:
        key = draw.colour_column(noun)
        made.append((f"Throats of {name}, coloured by {key}, seen along y.", draw.network_picture(noun.renamed(name))))
        made.append((f"Sizes and conductances of {name}.", draw.distributions(noun)))
    elif isinstance(noun, Table):
        made.append((f"{name}.", draw.curves(noun)))
    found = [(caption, data) for caption, data in made if data is not None]
    return [Picture(f"picture{start + k}.png", caption, data) for k, (caption, data) in enumerate(found)]


def _shown(name: str, table: Table) -> ShownTable:
    heads = tuple(f"{k} [{c.unit}]" if c.unit not in ("", "1") else k for k, c in table.columns.items())
    count = min(len(table), ROWS)
    rows = tuple(tuple(_text(c.values[i]) for c in table.columns.values()) for i in range(count))
    more = (f"{len(table) - ROWS} more rows are in the project.",) if len(table) > ROWS else ()
    return ShownTable(name, heads, rows, (*table.notes, *more))


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float | np.floating) else str(value)


def _physics(items: Mapping[str, Noun], recipe: Recipe) -> tuple[str, ...]:
    """Which law and which boundary treatment stand behind every number."""
    said = []
    for name, noun in items.items():
        if isinstance(noun, Table):
            for key in ("law", "boundary", "resolution"):
                if key in noun.columns:
                    words = ", ".join(dict.fromkeys(str(v) for v in noun[key]))
                    said.append(f"{name}: {key} {words}.")
        if isinstance(noun, Network):
            for key, column in noun.throats.items():
                if key.startswith(("g_hydraulic.", "g_diffusive.")):
                    known = ", ".join(f"{k} {v}" for k, v in column.meta.items() if isinstance(v, int | float | str))
                    said.append(f"{name}: {key} [{column.unit}]{f' with {known}' if known else ''}.")
    for step in recipe.steps:
        if "boundary" in step.params:
            said.append(f"Step {step.id}: faces held at {step.params['boundary']}.")
    return tuple(dict.fromkeys(said))


def _params(step: RecipeStep) -> str:
    return ", ".join(f"{k} = {v}" for k, v in step.params.items() if v not in ("", None, [], {}))
