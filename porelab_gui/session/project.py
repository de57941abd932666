"""A project on disk: a folder that another program can read and that is never half-written.

``project.json`` names every item, its kind, its content hash and its file under ``data/``. Files are named by
content, so saving again writes only what changed; ``project.json`` is replaced last, in one step, and files that
nothing names any more are removed after that. A save that was broken off leaves the last good state. A large image
as it was read from a file stays there: the project refers to it by path and hash.
"""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from porelab_gui.core.atomic import as_write_error, writing
from porelab_gui.core.errors import FormatError, PorelabError
from porelab_gui.core.export.volumes import write_ome_zarr
from porelab_gui.core.export.whole import whole_file
from porelab_gui.core.image.correct import Edits, save_edits, with_edits
from porelab_gui.core.image.formats.base import check_memory
from porelab_gui.core.image.formats.ome_zarr import open_level
from porelab_gui.core.image.formats.zarr_edits import read_review
from porelab_gui.core.network.formats import npz
from porelab_gui.core.nouns import Column, Field, Labels, Network, Noun, Regions, Stack, Table, Weights
from porelab_gui.core.progress import Progress, silent, within
from porelab_gui.core.recipe import Recipe, RecipeStep, versions
from porelab_gui.core.recipe_files import missing_files, relative_to
from porelab_gui.core.registry import get

FORMAT = 1
INDEX, RECIPE, DATA, EDITS = "project.json", "recipe.yaml", "data", "edits"
REFERENCE_BYTES = 1 << 28  # a larger image that is read from disk as needed is not copied into the project
MAX_INDEX_BYTES = 1 << 26
TABLE_BYTES = 80  # memory per byte of a CSV while it is read
STACKS: dict[str, type[Stack]] = {"Stack": Stack, "Labels": Labels, "Regions": Regions, "Field": Field}
ENDINGS = {"Network": ".npz", "Table": ".csv", "Weights": ""}


@dataclass(frozen=True)
class Opened:
    """What a project holds, sentences about what could not be opened, and files of the recipe that are gone."""

    items: Mapping[str, Noun]
    recipe: Recipe
    notes: tuple[str, ...] = ()
    missing: tuple[Path, ...] = ()


Known = dict[int, tuple[Noun, dict[str, Any]]]


def save(
    folder: Path,
    items: Mapping[str, Noun],
    recipe: Recipe,
    progress: Progress = silent,
    known: Known | None = None,
    refer_above: int = REFERENCE_BYTES,
) -> None:
    """Write the items and their recipe; PorelabError naming the folder when it cannot be written.

    ``known`` keeps the entries of nouns between saves into the same folder, so that these are not hashed again.
    Images of more than ``refer_above`` bytes that are still as they were loaded are stored by reference.
    """
    try:
        for part in (DATA, EDITS):
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise as_write_error(error, folder) from error
    known = {} if known is None else known
    loads = _loads(recipe)
    entries = {}
    for done, (name, noun) in enumerate(items.items()):
        step = within(progress, done / len(items), (done + 1) / len(items), name)
        if id(noun) not in known or known[id(noun)][0] is not noun:
            known[id(noun)] = (noun, _store(folder, name, noun, step, loads.get(name), refer_above))
        entries[name] = known[id(noun)][1]
    relative_to(_with_edits(recipe, folder), folder).save(folder / RECIPE)
    body = {"porelab_project": FORMAT, "versions": versions(), "items": entries}
    with writing(folder / INDEX, "w") as handle:
        json.dump(body, handle, indent=2, default=_plain)
    _forget_unnamed(folder, {e["file"] for e in entries.values() if e.get("file")})
    for gone in known.keys() - {id(noun) for noun in items.values()}:
        del known[gone]
    progress(1, 1, "saved")


def open_project(folder: Path, progress: Progress = silent) -> Opened:
    """Read a project; FormatError when it is none, of a newer format, or names a file outside its folder."""
    body = _index(folder)
    items: dict[str, Noun] = {}
    notes: list[str] = []
    for done, (name, entry) in enumerate(body["items"].items()):
        progress(done, len(body["items"]), name)
        try:
            items[name] = _load(folder, name, entry)
        except (PorelabError, OSError, LookupError, ValueError, TypeError, AttributeError, BadZipFile) as error:
            reason = error.what if isinstance(error, PorelabError) else " ".join(str(error).split())[:120]
            notes.append(f"{name} could not be opened: {reason}.")
    recipe = Recipe.load(folder / RECIPE) if (folder / RECIPE).exists() else Recipe()
    if body["items"] and not items and not missing_files(recipe):
        raise FormatError("none of its data can be opened", where=folder, remedy="Restore the folder from a copy.")
    return Opened(items, recipe, tuple(notes), missing_files(recipe))


def is_project(folder: Path) -> bool:
    """Whether a folder was written by ``save``."""
    return (folder / INDEX).is_file()


def _index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise FormatError("the index of the project is larger than 64 MB", where=path)
        body = json.loads(path.read_text(encoding="utf-8"))
        found = body["porelab_project"]
        if not isinstance(body["items"], dict):
            raise TypeError("items")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "Choose a folder that PoreLab saved as a project."
        raise FormatError("this is not a project", where=folder, remedy=remedy) from error
    if not isinstance(found, int) or found > FORMAT:
        raise FormatError(
            f"the project has format {found}, this program reads up to {FORMAT}", where=folder, remedy="Update PoreLab."
        )
    return body


def _loads(recipe: Recipe) -> dict[str, RecipeStep]:
    """The step that loaded an item, by the item's name, where nothing made it anew since."""
    made: dict[str, RecipeStep] = {}
    for step in recipe.steps:
        for name in step.outputs.values():
            made.pop(name, None)
            if step.method == "load":
                made[name] = step
    return made


def _refers(noun: Noun, entry: Mapping[str, Any], load: RecipeStep | None, above: int) -> bool:
    """Whether an item can be read from its own file again, and is worth it."""
    if load is None or not isinstance(noun, Stack) or load.hashes.get("image") != entry["hash"]:
        return False
    size = int(np.prod(noun.shape)) * np.dtype(noun.data.dtype).itemsize
    lazy = hasattr(noun.data, "dask") or isinstance(noun.data, np.memmap)
    path = load.params.get("path")  # a script may have put an image under the name of a load that never was
    return size > above and (lazy or above == 0) and path is not None and Path(str(path)).exists()


def _with_edits(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with its files of painted voxels copied into the project."""

    def copied(edits: Edits) -> Path:
        target = folder.resolve() / EDITS / f"{edits.content_hash[:16]}.npz"
        if not target.exists():
            save_edits(edits, target)
        return target

    return with_edits(recipe, copied)


def _store(
    folder: Path, name: str, noun: Noun, progress: Progress, load: RecipeStep | None, above: int
) -> dict[str, Any]:
    """Write one item unless its content is there already; its entry in the index."""
    kind = type(noun).__name__
    entry: dict[str, Any] = {"kind": kind, "hash": noun.content_hash, "source": noun.source}
    if isinstance(noun, Weights):
        return {**entry, "folder": str(noun.folder.resolve())}
    if load is not None and _refers(noun, entry, load, above):
        return {**entry, "load": dict(load.params)}
    ending = ".ome.zarr" if isinstance(noun, Stack) else ENDINGS[kind]
    entry["file"] = f"{DATA}/{re.sub(r'[^A-Za-z0-9]+', '-', name)[:40]}-{entry['hash'][:16]}{ending}"
    path = folder / entry["file"]
    if not path.exists():
        _write(noun, path, progress)
    return {**entry, **_extras(noun)}


def _write(noun: Noun, path: Path, progress: Progress) -> None:
    with whole_file(path) as temporary:
        if isinstance(noun, Stack):
            write_ome_zarr(_countable(noun), temporary, progress)
        elif isinstance(noun, Network):
            npz.write(noun, temporary)
        elif isinstance(noun, Table):
            _write_table(noun, temporary)


def _countable(stack: Stack) -> Stack:
    """OME-Zarr has no booleans: they are stored as bytes and come back by the dtype in the index."""
    return replace(stack, data=stack.data.astype(np.uint8)) if stack.data.dtype == bool else stack


def _extras(noun: Noun) -> dict[str, Any]:
    """What the file of an item does not say."""
    if isinstance(noun, Stack):
        extra: dict[str, Any] = {"dtype": np.dtype(noun.data.dtype).str, "voxel_size": list(noun.voxel_size)}
        if isinstance(noun, Labels):
            extra |= {"phases": {str(k): v for k, v in noun.phases.items()}, "void": list(noun.void)}
            extra["colours"] = {str(k): v for k, v in noun.colours.items()}
        if isinstance(noun, Field):
            extra |= {"unit": noun.unit, "quantity": noun.quantity}
        return extra
    if isinstance(noun, Table):
        columns = {
            k: {"unit": c.unit, "title": c.title, "meta": dict(c.meta), "dtype": c.values.dtype.str}
            for k, c in noun.columns.items()
        }
        return {"columns": columns, "notes": list(noun.notes)}
    return {}


def _load(folder: Path, name: str, entry: Mapping[str, Any]) -> Noun:
    kind, named = entry["kind"], {"name": name, "source": str(entry.get("source", ""))}
    if kind == "Weights":
        place = Path(entry["folder"])
        if not place.is_dir():
            raise FormatError("its folder of weights is gone", where=place)
        return Weights(place, **named)
    if "load" in entry:
        return read_source(entry["load"], str(entry["hash"])).renamed(name)  # type: ignore[no-any-return]
    path = _inside(folder, str(entry["file"]))
    if kind in STACKS:
        return _load_stack(STACKS[kind], path, entry, named)
    if kind == "Network":
        return npz.read(path).renamed(name)  # type: ignore[no-any-return]
    if kind == "Table":
        return _read_table(path, entry, named)
    raise FormatError(f"its kind {kind!r} is not known to this program")


def read_source(params: Mapping[str, Any], digest: str) -> Noun:
    """What ``load`` reads with these parameters; FormatError when the file is gone or is not the one of ``digest``."""
    path = Path(str(params.get("path", "")))
    if not path.exists():
        raise FormatError("its source file has moved", where=path, remedy="Say where it is now.")
    noun = get("load")({}, params)["image"]
    if digest and noun.content_hash != digest:
        raise FormatError("its source file has changed since", where=path, remedy="Load it anew, or bring it back.")
    return noun


def _inside(folder: Path, file: str) -> Path:
    """A path of the index, which must not lead out of the project."""
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise FormatError("its file lies outside the project", where=file)
    if not path.exists():
        raise FormatError("its file is missing", where=file)
    return path


def _load_stack(kind: type[Stack], path: Path, entry: Mapping[str, Any], named: dict[str, str]) -> Stack:
    array = open_level(path, "0")
    dtype = np.dtype(str(entry["dtype"]))
    if dtype.kind not in "biuf" or array.ndim != 3:
        raise FormatError("it is not a stack of numbers", where=path)
    check_memory(path, math.prod(array.shape) * (array.dtype.itemsize + dtype.itemsize))
    data = np.asarray(array.compute(scheduler="threads")).astype(dtype, copy=False)
    voxel = tuple(float(v) for v in entry["voxel_size"])
    if kind is Labels:
        phases = {int(k): str(v) for k, v in entry["phases"].items()}
        void = tuple(int(v) for v in entry["void"])
        more: dict[str, Any] = {"colours": entry.get("colours", {}), "review": read_review(path, data.shape), **named}
        return Labels(data, voxel, phases, void, **more)  # type: ignore[arg-type]
    if kind is Field:
        return Field(data, voxel, unit=str(entry["unit"]), quantity=str(entry["quantity"]), **named)  # type: ignore[arg-type]
    return kind(data, voxel, **named)  # type: ignore[arg-type]


def _write_table(table: Table, path: Path) -> None:
    """CSV with Python's shortest exact numbers, one header line."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(table.columns)
        lists = [c.values.tolist() for c in table.columns.values()]
        writer.writerows([repr(v) if isinstance(v, float) else v for v in row] for row in zip(*lists, strict=True))


def _read_table(path: Path, entry: Mapping[str, Any], named: dict[str, str]) -> Table:
    check_memory(path, TABLE_BYTES * path.stat().st_size)
    with path.open(encoding="utf-8", newline="") as handle:
        head, *rows = list(csv.reader(handle))
    columns = {}
    for i, key in enumerate(head):
        known = entry["columns"][key]
        dtype = np.dtype(str(known["dtype"]))
        words = [row[i] for row in rows]
        if dtype.kind not in "biufU" or dtype.itemsize > 4 * max(4, *map(len, words), len(key)):
            raise FormatError("a column of the table is not of numbers or text", where=path)
        values = np.array([w == "True" for w in words]) if dtype.kind == "b" else np.array(words).astype(dtype)
        columns[key] = Column(values, known["unit"], known["title"], known["meta"])
    return Table(columns, tuple(entry.get("notes", ())), **named)  # type: ignore[arg-type]


def _forget_unnamed(folder: Path, named: set[str]) -> None:
    for path in (folder / DATA).iterdir():
        if f"{DATA}/{path.name}" not in named:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
