"""One recipe for many settings or many images: a row per case, with what came out as numbers with units."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError, ParameterError, PorelabError
from porelab_gui.core.image.formats.dispatch import kind_of
from porelab_gui.core.nouns import Column, Labels, Network, Noun, Table
from porelab_gui.core.progress import Progress, show, silent, within
from porelab_gui.core.recipe import Memo, Recipe, Replay, replay
from porelab_gui.core.recipe_files import with_files

MAX_CASES = 10_000
MAX_ROWS = 12  # a longer table is data, not a result
RUN = "run"  # what results are drawn against where no setting was swept


@dataclass(frozen=True)
class Case:
    """Settings (and an image) for one run of a recipe."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    image: Path | None = None


def span(word: str) -> list[float | int] | None:
    """``start:stop:step`` as numbers, the stop included where it is met; None when the word is nothing of the kind."""
    parts = word.split(":")
    if len(parts) != 3:
        return None
    try:
        start, stop, step = (Decimal(p.strip()) for p in parts)
    except InvalidOperation:
        return None
    if not all(n.is_finite() for n in (start, stop, step)) or step == 0 or (stop - start) / step < 0:
        raise ParameterError(f"{word!r} leads nowhere", remedy="Give start:stop:step with a step towards the stop.")
    count = int((stop - start) / step) + 1
    if count > MAX_CASES:
        raise ParameterError(f"{word!r} has {count} values, more than {MAX_CASES}", remedy="Choose a larger step.")
    whole = all(n == n.to_integral_value() and "." not in p for n, p in zip((start, stop, step), parts, strict=True))
    values = [start + k * step for k in range(count)]
    return [int(v) if whole else float(v) for v in values]


def several(text: str) -> list[Any]:
    """What a person types for a sweep: ``start:stop:step``, or values separated by commas; ParameterError for none."""
    import yaml

    found = span(text)
    if found is not None:
        return list(found)
    try:
        values = [yaml.safe_load(part) for part in text.split(",") if part.strip()]
    except yaml.YAMLError as error:
        raise ParameterError(f"{text!r} are no values", remedy="Give start:stop:step, or values and commas.") from error
    if not values:
        raise ParameterError("no values are given", remedy="Give start:stop:step, or values separated by commas.")
    return values


def images_in(folder: Path) -> list[Path]:
    """The images in a folder, by name; ParameterError where there are none."""
    if not folder.is_dir():
        raise ParameterError("this is not a folder of images", where=str(folder), remedy="Choose a folder.")
    found = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and _is_image(p)]
    if not found:
        raise ParameterError("no image lies in this folder", where=str(folder), remedy="Name a folder of images.")
    return found


def _is_image(path: Path) -> bool:
    try:
        kind_of(path)
    except FormatError:
        return False
    return True


def sweep(fixed: Mapping[str, Any], spans: Mapping[str, Sequence[Any]], images: Sequence[Path] = ()) -> list[Case]:
    """Every combination of the spans, for every image."""
    combinations = itertools.product(*spans.values())
    found = [{**fixed, **dict(zip(spans, values, strict=True))} for values in combinations]
    cases = [Case(settings, image) for image in (images or (None,)) for settings in found]
    if len(cases) > MAX_CASES:
        raise ParameterError(f"these are {len(cases)} runs, more than {MAX_CASES}", remedy="Choose fewer values.")
    return cases


def on_image(recipe: Recipe, image: Path, voxel_size: Any = None) -> Recipe:
    """The recipe with its first image replaced; ParameterError when no step loads one."""
    from dataclasses import replace

    first = next((k for k, s in enumerate(recipe.steps) if s.method == "load"), None)
    if first is None:
        raise ParameterError("the recipe loads no image that could be replaced", remedy="Add a load step.")
    steps = list(recipe.steps)
    head = with_files(Recipe((steps[first],)), lambda _: image.resolve()).steps[0]
    if voxel_size is not None:
        size = [float(v) for v in (voxel_size if isinstance(voxel_size, list | tuple) else [voxel_size] * 3)]
        head = replace(head, params={**head.params, "voxel_size": size})
    steps[first] = head
    return replace(recipe, steps=tuple(steps))


def scalars(items: Mapping[str, Noun]) -> dict[str, tuple[float, str]]:
    """Results as numbers with units: short tables by row, porosities, sizes of networks."""
    found: dict[str, tuple[float, str]] = {}
    for name, noun in items.items():
        if isinstance(noun, Labels):
            found[f"{name}.porosity"] = (noun.porosity(), "1")
        elif isinstance(noun, Network):
            found |= {f"{name}.pores": (noun.n_pores, "1"), f"{name}.throats": (noun.n_throats, "1")}
        elif isinstance(noun, Table) and len(noun) <= MAX_ROWS:
            found |= _rows(name, noun)
    return found


def _rows(name: str, table: Table) -> dict[str, tuple[float, str]]:
    axis = table.columns.get("axis")
    words = axis.values if axis is not None and axis.values.dtype.kind in "US" else None
    ends = [f"_{w}" for w in words] if words is not None else [f"_{i}" for i in range(len(table))]
    ends = [""] if len(table) == 1 and words is None else ends
    if len(set(ends)) < len(ends):
        ends = [f"{e}_{i}" for i, e in enumerate(ends)]
    numeric = {k: c for k, c in table.columns.items() if c.values.dtype.kind in "iuf"}
    return {
        f"{name}.{k}{end}": (float(c.values[i]), c.unit or "1")
        for k, c in numeric.items()
        for i, end in enumerate(ends)
    }


def run_cases(
    recipe: Recipe,
    cases: Sequence[Case],
    progress: Progress = silent,
    voxel_size: Any = None,
    after: Callable[[int, Case, Replay], None] | None = None,
) -> Table:
    """Run every case; steps that two cases share run once. A case that fails has a sentence instead of numbers.

    The table so far is shown under the name ``runs`` after every case.
    """
    memo: Memo = {}
    rows: list[dict[str, tuple[float, str]]] = []
    failures: list[str] = []
    for k, case in enumerate(cases):
        part = within(progress, k / len(cases), (k + 1) / len(cases), f"run {k + 1} of {len(cases)}")
        try:
            mine = recipe if case.image is None else on_image(recipe, case.image, voxel_size)
            result = replay(mine.changed(case.settings), progress=part, memo=memo)
            rows.append(scalars(result.items))
            failures.append("")
            if after:
                after(k, case, result)
        except PorelabError as error:
            rows.append({})
            failures.append(error.sentence)
        show(progress, "runs", _table(cases[: k + 1], rows, failures))
    return _table(cases, rows, failures)


def _table(cases: Sequence[Case], rows: Sequence[Mapping[str, tuple[float, str]]], failures: Sequence[str]) -> Table:
    columns: dict[str, Column] = {}
    if any(c.image for c in cases):
        columns["image"] = Column(np.array([c.image.name if c.image else "" for c in cases]))
    for key in dict.fromkeys(k for c in cases for k in c.settings):
        columns[key] = Column(np.array([c.settings.get(key) for c in cases]), "", "setting", {"setting": True})
    for key in dict.fromkeys(k for r in rows for k in r):
        unit = next(r[key][1] for r in rows if key in r)
        columns[key] = Column(np.array([r[key][0] if key in r else np.nan for r in rows]), unit)
    if any(failures):
        columns["failure"] = Column(np.array(failures))
    return Table(columns, tuple(f for f in dict.fromkeys(failures) if f), name="runs")


def setting_of(table: Table) -> str:
    """The first setting with more than one value; "" where there is none."""
    settings = [k for k, c in table.columns.items() if c.meta.get("setting")]
    return next((k for k in settings if len(set(table[k].tolist())) > 1), "")


def across(table: Table) -> tuple[str, NDArray[Any]]:
    """What the results are drawn against: the setting that varies where it is a number, else the number of the run."""
    setting = setting_of(table)
    if setting and table[setting].dtype.kind in "iuf":
        return setting, table[setting]
    return RUN, np.arange(1, len(table) + 1)


def results_of(table: Table) -> list[str]:
    """The results that are not the same in every run."""
    numeric = [k for k, c in table.columns.items() if not c.meta.get("setting") and c.values.dtype.kind in "iuf"]
    return [k for k in numeric if _varies(table[k]) and ".residual" not in k]


def _varies(values: NDArray[Any]) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 1 and bool(np.ptp(known) > 1e-6 * np.abs(known).max())


def plot_cases(table: Table, path: Path) -> None:
    """Each result against the first setting with more than one value (else the number of the run), as PNG or PDF.

    Results that stay the same in every run are left out.
    """
    from matplotlib.figure import Figure

    title, x = across(table)
    shown = results_of(table)[:24]
    figure = Figure(figsize=(9, 2.3 * max(1, (len(shown) + 2) // 3)), layout="constrained")
    for k, key in enumerate(shown):
        axes = figure.add_subplot(-(-len(shown) // 3), 3, k + 1)
        axes.plot(x, table[key], "o-", ms=4, lw=1)
        unit = table.columns[key].unit
        axes.set_title(f"{key} [{unit}]" if unit not in ("", "1") else key, fontsize=8)
        axes.set_xlabel(title, fontsize=8)
        axes.tick_params(labelsize=7)
    figure.savefig(path, dpi=130)
