"""Files as the noun that a Method asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.api import read
from porelab_gui.core.errors import InputError
from porelab_gui.core.image.formats.base import check_memory
from porelab_gui.core.nouns import Labels, Noun, Regions, Stack, Table, Weights

TABLE_BYTES = 40  # memory per byte of a CSV while it is read


def read_as(kind: type[Noun], path: Path, voxel_size: float | tuple[float, float, float] | None = None) -> Noun:
    """Read a file as a Stack, Labels, Regions, Network, Table or Weights; InputError when it is another thing."""
    if kind is Table:
        return read_table(path)
    if kind is Weights:
        return Weights(path, name=path.name, source=str(path))
    return converted(read(path, voxel_size), kind, path)


def converted(noun: Noun, kind: type[Noun], path: Path | str) -> Noun:
    """The same data as another noun, where that loses nothing."""
    if isinstance(noun, kind):
        return noun
    if isinstance(noun, Stack) and noun.data.dtype.kind in "iub" and issubclass(kind, Stack):
        named: dict[str, Any] = {"name": noun.name, "source": noun.source}
        if kind is Regions:
            return Regions(noun.data, noun.voxel_size, **named)
        if kind is Labels:
            return _as_labels(noun, named)
    raise InputError(f"this holds a {type(noun).__name__}, not a {kind.__name__}", where=path)


def _as_labels(stack: Stack, named: dict[str, Any]) -> Labels:
    if stack.data.dtype.kind == "b":
        return Labels(stack.array().astype(np.uint8), stack.voxel_size, **named)
    values = np.unique(stack.array())
    phases = {int(v): "pore" if v == 1 else f"phase {v}" for v in values}
    return Labels(stack.data, stack.voxel_size, phases=phases, void=(1,), **named)


def read_table(path: Path) -> Table:
    """A CSV with a header ``name [unit]`` per column."""
    import pandas as pd

    from porelab_gui.core.nouns import Column

    try:
        check_memory(path, TABLE_BYTES * path.stat().st_size)
        frame = pd.read_csv(path, compression=None)  # a packed file could be of any size
    except (OSError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the table cannot be read ({reason})", where=path, remedy="Save it as CSV.") from error
    columns: dict[str, Any] = {}
    for header in frame.columns:
        name, _, unit = str(header).partition(" [")
        columns[name] = Column(frame[header].to_numpy(), unit.rstrip("]"))
    return Table(columns, name=path.stem, source=str(path))
