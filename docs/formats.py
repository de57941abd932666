"""Writes the tables of docs/formats.md from the tables of readers and writers; the words about each are here.

``python docs/formats.py`` writes the page, ``python docs/formats.py --check`` says whether it is current. A reader or
an ending of a writer without words, or words without a test of that name, is an error.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from porelab_gui.core.export.methods import IMAGE_WRITERS, NETWORK_WRITERS
from porelab_gui.core.generated import filled
from porelab_gui.core.image.formats.dispatch import READERS, TITLES
from porelab_gui.core.image.formats.folder import SUFFIXES

PAGE = Path(__file__).with_name("formats.md")
TESTS = PAGE.parents[1] / "tests" / "core"
WRITTEN = "test_written_and_read_back_the_same"


@dataclass(frozen=True)
class Words:
    """What a row says beyond its endings. ``test`` is the name of its round-trip test."""

    read: str
    voxel: str
    lazily: str
    test: str
    written: str = ""
    files: str = ""
    endings: tuple[str, ...] = ()


IMAGES = {
    "tiff": Words(
        read="first series; one channel, one time step; any compression that tifffile knows",
        voxel="ImageJ: resolution tags and `spacing`, `unit` in any spelling; OME: PhysicalSize and its unit",
        lazily="plain: by slabs; packed: page by page",
        test=WRITTEN,
        written="ImageJ; OME for other types, above 4 GB, or as .ome.tif",
    ),
    "folder": Words(
        read="natural order; gaps in the numbering and slices of another size or type are named and refused",
        voxel="asked for",
        lazily="slice by slice above 256 MB",
        test="test_folder_in_natural_order",
        files=" ".join(SUFFIXES),
    ),
    "raw": Words(
        read=(
            "dimensions and type from the sidecar `NAME.raw.json`, else from name and size, else asked for; both "
            "byte orders and axis orders, any header length"
        ),
        voxel="sidecar; the name (`5.345um`, `2p25um`, `18nm`)",
        lazily="by slabs",
        test=WRITTEN,
        written="little-endian, x fastest, with sidecar",
    ),
    "metaimage": Words(
        read="raw, zlib, .raw.gz beside the header, local data; comments",
        voxel="ElementSpacing, else ElementSize; millimetres unless a unit or a comment says micrometres",
        lazily="raw: by slabs",
        test=WRITTEN,
        written="with .raw (mm)",
    ),
    "nrrd": Words(
        read="raw, gzip, text; detached data",
        voxel="space directions or spacings; units as given, else mm as in 3D Slicer",
        lazily="raw: by slabs",
        test=WRITTEN,
        written="raw (mm)",
    ),
    "numpy_files": Words(
        read="plain arrays; never objects",
        voxel="array `voxel_size` (m), `voxel_size_um`, `voxel_size_nm`",
        lazily=".npy: by slabs",
        test=WRITTEN,
        written="with `voxel_size`, `void`, `phases`",
    ),
    "hdf5": Words(
        read=(
            "any data set with three dimensions; of several a well-known name, else you choose (the window offers"
            " the others)"
        ),
        voxel=("attributes `element_size_um` (Fiji), `voxel_size`, `voxel_size_um`, ... of the data set or its groups"),
        lazily="by its chunks",
        test="test_hdf5_with_choice_and_fiji_voxel",
    ),
    "matlab": Words(
        read="numeric and logical arrays; A(row, column, slice) becomes z = slice, y = row, x = column",
        voxel="variable `voxel_size` (m; one value, or row, column, slice)",
        lazily="7.3: by chunks",
        test="test_matlab_5_rows_columns_slices",
    ),
    "netcdf": Words(
        read="4 as GeoSlicer writes it, with its `labels` attribute; 3",
        voxel="coordinates z, y, x in their units, else mm",
        lazily="4: by chunks",
        test=WRITTEN,
        written="version 4, as GeoSlicer reads it (mm, `labels`)",
    ),
    "mrc": Words(
        read="modes 0, 1, 2, 6, 12; both byte orders; IMOD's unsigned bytes",
        voxel="cell in angstrom",
        lazily="by slabs",
        test="test_mrc",
    ),
    "dm": Words(
        read="stacks, through RosettaSciIO (`pip install 'porelab-gui[formats]'`)",
        voxel="calibration",
        lazily="",
        test="test_dm3_through_rosettasciio",
    ),
    "ome_zarr": Words(
        read="NGFF 0.4 and 0.5; levels are kept for display (`ome_zarr.open_image(...).levels`); plain Zarr arrays",
        voxel="coordinate transformations",
        lazily="by its chunks",
        test=WRITTEN,
        written="NGFF 0.4 with levels",
        files=".zarr folder",
        endings=(".zarr",),
    ),
    "avizo": Words(
        read="uniform lattices, binary, text, zip, run-length bytes; materials become phases",
        voxel="BoundingBox (centre to centre) and Units; without a unit: asked for, with a guess",
        lazily="",
        test="test_avizo_images",
    ),
}
NETWORKS = {
    "OpenPNM, PoreSpy": Words(
        files=".npz",
        read="yes",
        voxel=(
            "names as in OpenPNM; OpenPNM's x is our x. PoreSpy's own dictionaries are in array order (its x is "
            "axis 0, our z) and are told by their columns"
        ),
        lazily="",
        test="test_openpnm_reads_what_we_write",
        endings=(".npz",),
        written="with units under the key `porelab`",
    ),
    "CSV": Words(
        files="NAME_pores.csv + NAME_throats.csv; OpenPNM's single table",
        read="yes",
        voxel="units in the heads",
        lazily="",
        test="test_openpnm_csv",
        endings=(".csv",),
        written="two tables",
    ),
    "Statoil": Words(
        files="NAME_link1/link2/node1/node2.dat",
        read="yes",
        voxel="inlet and outlet throats get virtual pores on the x faces, and become throat ends -1 and 0 again",
        lazily="",
        test="test_statoil_round_trip",
        endings=(".dat",),
        written="four files",
    ),
    "VTP": Words(
        files=".vtp",
        read="",
        voxel="",
        lazily="",
        test="test_vtp_is_read_by_vtk",
        endings=(".vtp",),
        written="points are pores, lines are throats; for ParaView",
    ),
    "Avizo, PerGeos": Words(
        files=".am",
        read="yes",
        voxel="micrometres unless a unit is named",
        lazily="",
        test="test_avizo_network_by_openpnm",
    ),
    "3DMA-Rock": Words(
        files=".np2th + .th2np",
        read="yes",
        voxel="in voxels: give `voxel_size`",
        lazily="",
        test="test_3dma_agrees_with_its_second_file",
    ),
    "OpenPNM project": Words(
        files=".pnm",
        read="refused",
        voxel=(
            "it is a pickle, and reading one can run any code hidden in it. Convert it in OpenPNM: "
            "`np.savez('network.npz', **{k: v for k, v in pn.items()})`"
        ),
        lazily="",
        test="test_objects_and_pickles_are_refused",
    ),
}


def image_table() -> str:
    """A row per reader; what is written is asked of the writers."""
    rows = []
    for name, title in TITLES.items():
        words = IMAGES[name]
        endings = READERS.get(name, words.endings)
        made = [e for e in IMAGE_WRITERS if e in endings]
        written = f"{' '.join(made)}: {words.written}" if made else ""
        shown = words.files or " ".join(endings)
        rows.append((title, shown, words.read, written, words.voxel, words.lazily, f"`{words.test}`"))
    head = ("format", "endings", "read", "written", "voxel size from", "stays on disk", "round-trip test")
    return _table(head, rows)


def network_table() -> str:
    """A row per network format."""
    rows = []
    for title, words in NETWORKS.items():
        made = [e for e in words.endings if e in NETWORK_WRITERS]
        written = f"{' '.join(made)}: {words.written}" if made else ""
        rows.append((title, words.files, words.read, written, words.voxel, f"`{words.test}`"))
    return _table(("format", "files", "read", "written", "unit and axes", "test"), rows)


def problems() -> list[str]:
    """Readers, endings of writers and tests that the words do not match."""
    told = {e for name in TITLES for e in READERS.get(name, IMAGES[name].endings if name in IMAGES else ())}
    nets = {e for words in NETWORKS.values() for e in words.endings}
    tests = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    asked = [words.test for words in (*IMAGES.values(), *NETWORKS.values())]
    return [
        *[f"no words for the reader {name}" for name in {*TITLES, *READERS} - set(IMAGES)],
        *[f"words for {name}, which is no reader" for name in set(IMAGES) - set(TITLES)],
        *[f"no row has the image writer {e}" for e in set(IMAGE_WRITERS) - told],
        *[f"no row has the network writer {e}" for e in set(NETWORK_WRITERS) - nets],
        *[f"there is no test {name}" for name in asked if f"def {name}(" not in tests],
    ]


def page(text: str) -> str:
    """The page with its tables as they are now."""
    return filled(filled(text, "images", f"\n{image_table()}\n"), "networks", f"\n{network_table()}\n")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Write the page, or with ``--check`` only compare."""
    wrong = problems()
    now = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv[1:] and page(now) != now:
        wrong.append("docs/formats.md is not current: run python docs/formats.py")
    if not wrong:
        PAGE.write_text(page(now), encoding="utf-8")
    sys.stdout.write("\n".join(wrong or ["docs/formats.md is current"]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
