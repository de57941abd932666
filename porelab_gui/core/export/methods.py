"""The Method ``export``: any noun to a file, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.export.whole import whole_files
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Column, Network, Noun, Stack, Table
from porelab_gui.core.progress import Progress

Targets = Callable[[Path], tuple[Path, ...]]


class ExportParams(Params):
    """Where to write."""

    path: str = param("", "File to write; its ending chooses the format.", widget="save")
    throat_table: bool = param(False, "A network as .csv: one table of throats instead of pores and throats.")


def _alone(path: Path) -> tuple[Path, ...]:
    return (path,)


def _with_sidecar(path: Path) -> tuple[Path, ...]:
    return (path, path.with_name(path.name + ".json"))


def _with_raw(path: Path) -> tuple[Path, ...]:
    return (path, path.with_suffix(".raw"))


def _two_tables(path: Path) -> tuple[Path, ...]:
    return (path.with_name(path.stem + "_pores.csv"), path.with_name(path.stem + "_throats.csv"))


def _four_files(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(f"{path.stem}_{part}.dat") for part in ("link1", "link2", "node1", "node2"))


def _image_writer(module: str, name: str) -> Callable[[Any, tuple[Path, ...], Progress], None]:
    def write(stack: Stack, paths: tuple[Path, ...], progress: Progress) -> None:
        import importlib

        getattr(importlib.import_module(f"porelab_gui.core.export.{module}"), name)(stack, paths[0], progress)

    return write


def _vtp(network: Network, paths: tuple[Path, ...], progress: Progress) -> None:
    from porelab_gui.core.export.vtp import write_vtp

    write_vtp(network, paths[0])


def _network_csv(network: Network, paths: tuple[Path, ...], progress: Progress) -> None:
    from porelab_gui.core.network.formats import csv_tables, npz

    csv_tables.write(network, paths[0], paths[1], npz.network_meta(network))


def _npz(network: Network, paths: tuple[Path, ...], progress: Progress) -> None:
    from porelab_gui.core.network.formats import npz

    npz.write(network, paths[0])


def _statoil(network: Network, paths: tuple[Path, ...], progress: Progress) -> None:
    from porelab_gui.core.network.formats import statoil

    statoil.write(network, dict(zip(statoil.PARTS, paths, strict=True)))


def _table_csv(table: Table, paths: tuple[Path, ...], progress: Progress) -> None:
    from porelab_gui.core.export.tables import write_csv

    write_csv(table, paths[0])


def _table_json(table: Table, paths: tuple[Path, ...], progress: Progress) -> None:
    from porelab_gui.core.export.tables import write_json

    write_json(table, paths[0])


def _table_parquet(table: Table, paths: tuple[Path, ...], progress: Progress) -> None:
    from porelab_gui.core.export.tables import write_parquet

    write_parquet(table, paths[0])


Writer = tuple[Targets, Callable[[Any, tuple[Path, ...], Progress], None]]
IMAGE_WRITERS: dict[str, Writer] = {
    ".tif": (_alone, _image_writer("images", "write_tiff")),
    ".tiff": (_alone, _image_writer("images", "write_tiff")),
    ".raw": (_with_sidecar, _image_writer("images", "write_raw")),
    ".mhd": (_with_raw, _image_writer("images", "write_mhd")),
    ".npz": (_alone, _image_writer("images", "write_npz")),
    ".nrrd": (_alone, _image_writer("volumes", "write_nrrd")),
    ".nc": (_alone, _image_writer("volumes", "write_netcdf")),
    ".zarr": (_alone, _image_writer("volumes", "write_ome_zarr")),
}
NETWORK_WRITERS: dict[str, Writer] = {
    ".vtp": (_alone, _vtp),
    ".csv": (_two_tables, _network_csv),
    ".npz": (_alone, _npz),
    ".dat": (_four_files, _statoil),
}
TABLE_WRITERS: dict[str, Writer] = {
    ".csv": (_alone, _table_csv),
    ".json": (_alone, _table_json),
    ".parquet": (_alone, _table_parquet),
}


def writers_for(noun: Noun) -> dict[str, Writer]:
    """Endings that a noun can be written as, with what writes them."""
    if isinstance(noun, Stack):
        return IMAGE_WRITERS
    if isinstance(noun, Network):
        return NETWORK_WRITERS
    return TABLE_WRITERS if isinstance(noun, Table) else {}


def export(noun: Noun, path: str | Path, progress: Progress) -> tuple[Path, ...]:
    """Write a noun; returns the files made. InputError for an unknown ending, PorelabError when the disk refuses."""
    path = Path(path)
    known = writers_for(noun)
    if path.suffix.lower() not in known:
        raise InputError(
            f"a {type(noun).__name__} cannot be written as {path.suffix or 'a file without ending'}",
            where=path,
            remedy=f"Use one of {', '.join(known) or 'nothing: this cannot be exported'}.",
        )
    targets, write = known[path.suffix.lower()]
    with whole_files(*targets(path)) as temporary:
        write(noun, temporary, progress)
    return targets(path)


def run(inputs: Inputs, params: ExportParams, progress: Progress) -> Outputs:
    """Write the file and list what was written."""
    if not params.path:
        raise InputError("no file is named", where="export", remedy="Give the path to write to.")
    noun = inputs["data"]
    if params.throat_table and isinstance(noun, Network):
        from porelab_gui.core.export.throat_table import throat_table

        noun = throat_table(noun)
    made = export(noun, params.path, progress)
    progress(1, 1, "written")
    sizes = [
        sum(f.stat().st_size for f in p.rglob("*") if f.is_file()) if p.is_dir() else p.stat().st_size for p in made
    ]
    files = Column(np.array([str(p) for p in made]), title="file")
    return {"files": Table({"file": files, "size": Column(np.array(sizes), "byte")}, name="written files")}


EXPORT = Method(
    name="export",
    title="Export",
    summary="Writes an image, a network or a table; the ending of the name chooses the format.",
    step="Export",
    citation="VTK: Schroeder, Martin and Lorensen (2006) The Visualization Toolkit, 4th edition",
    params=ExportParams,
    inputs={"data": Port(Noun, "What to write.")},
    outputs={"files": Table},
    function=run,
)
METHODS: tuple[Method, ...] = (EXPORT,)
