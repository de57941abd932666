"""Which reader opens which file; the border at which a library's exception becomes a sentence."""

from __future__ import annotations

import importlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError, InputError, PorelabError
from porelab_gui.core.image.formats.base import FileInfo, Image, Options, VoxelSizeNeeded
from porelab_gui.core.image.formats.lazy import resident, strided
from porelab_gui.core.image.formats.raw import voxel_from_name
from porelab_gui.core.nouns import Labels, Network, Noun, Pyramid, Stack, VoxelSize, check_voxel_size
from porelab_gui.core.progress import Cancelled
from porelab_gui.core.scheduler import use_threads

READERS = {
    "tiff": (".tif", ".tiff", ".btf", ".tf8"),
    "raw": (".raw", ".bin", ".vol"),
    "metaimage": (".mhd", ".mha"),
    "numpy_files": (".npy", ".npz"),
    "nrrd": (".nrrd", ".nhdr"),
    "netcdf": (".nc", ".nc4", ".cdf"),
    "hdf5": (".h5", ".hdf5", ".hdf", ".he5"),
    "matlab": (".mat",),
    "mrc": (".mrc", ".mrcs", ".map", ".rec", ".ali", ".st"),
    "dm": (".dm3", ".dm4"),
    "avizo": (".am",),
}
TITLES = {
    "tiff": "TIFF", "raw": "RAW", "metaimage": "MetaImage", "numpy_files": "NumPy", "folder": "folder of slices",
    "nrrd": "NRRD", "hdf5": "HDF5", "matlab": "MATLAB", "netcdf": "NetCDF", "mrc": "MRC", "dm": "DigitalMicrograph",
    "ome_zarr": "OME-Zarr", "avizo": "Avizo",
}  # fmt: skip


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn whatever a reader raises at a stranger's bytes into one FormatError that names the file."""
    try:
        yield
    except (PorelabError, Cancelled, KeyboardInterrupt):
        raise
    except FileNotFoundError as error:
        raise FormatError("there is no such file", where=path, remedy="Check the path.") from error
    except PermissionError as error:
        raise FormatError(
            "it may not be read (no permission)",
            where=path,
            remedy="Ask its owner, or copy it to a folder of yours.",
        ) from error
    except MemoryError as error:
        raise FormatError(
            "it does not fit in memory", where=path, remedy="Crop it, or convert it to OME-Zarr."
        ) from error
    except ImportError as error:
        raise FormatError(
            f"its format needs the package {error.name}",
            where=path,
            remedy="pip install 'porelab-gui[formats]'.",
        ) from error
    except Exception as error:  # a parser may raise anything at damaged bytes; the user gets one sentence
        raise FormatError(
            f"it cannot be read: the file is damaged or not what its name says ({type(error).__name__}: {error})",
            where=path,
            remedy="Copy or export it again.",
        ) from error


def kind_of(path: Path) -> str:
    """Name of the reader for a path; FormatError listing the known types."""
    name = path.name.lower()
    if path.is_dir():
        return "ome_zarr" if name.endswith(".zarr") or _is_zarr(path) else "folder"
    for kind, suffixes in READERS.items():
        if name.endswith(suffixes):
            return kind
    every = ", ".join(s for suffixes in READERS.values() for s in suffixes)
    raise FormatError(
        f"files of the type {path.suffix or '(none)'} are not known", where=path, remedy=f"Known are {every}."
    )


def _is_zarr(folder: Path) -> bool:
    return any((folder / name).exists() for name in (".zattrs", ".zgroup", ".zarray", "zarr.json"))


def open_image(path: str | Path, options: Options = Options()) -> Image:  # noqa: B008 (frozen)
    """Open an image as lazily as its format allows; every fault is a FormatError."""
    path = Path(path)
    with readable(path):
        if not path.exists():
            raise FileNotFoundError(path)
        if path.is_file():
            if not os.access(path, os.R_OK):
                raise PermissionError(path)
            if path.stat().st_size == 0:
                raise FormatError("the file is empty", where=path, remedy="Copy or export it again.")
        module = importlib.import_module(f"porelab_gui.core.image.formats.{kind_of(path)}")
        image: Image = module.open_image(path, options)
        dtype = np.dtype(image.data.dtype)
        if dtype.kind not in "biuf":
            raise FormatError(f"its values are {dtype}, not grey levels", where=path, remedy="Save real numbers.")
    if image.voxel_size is None and image.hint is None:
        image = replace(image, hint=voxel_from_name(path.stem))
    return image


def probe(path: str | Path, options: Options = Options()) -> FileInfo:  # noqa: B008 (frozen)
    """Shape, type and voxel size (None when the file is silent) for a dialog."""
    path = Path(path)
    image = open_image(path, options)
    shape, dtype = tuple(int(n) for n in image.data.shape), np.dtype(image.data.dtype)
    return FileInfo(
        str(path), TITLES[kind_of(path)], shape, str(dtype), int(np.prod(shape)) * dtype.itemsize, image.voxel_size,
        image.voxel_from, image.datasets, image.phases is not None or dtype.kind == "b", image.hint,
        image.name,
    )  # fmt: skip


def _voxel(path: Path, image: Image, given: VoxelSize | None) -> VoxelSize:
    voxel = given or image.voxel_size
    if voxel is not None:
        return voxel
    guess = ""
    if image.hint:
        guess = " (a guess: z {}, y {}, x {} um)".format(*(f"{v * 1e6:.6g}" if v else "?" for v in image.hint))
    raise VoxelSizeNeeded(
        f"it does not say its voxel size{guess}",
        where=path,
        remedy="Give voxel_size along z, y and x in metres, for example 5.345e-06.",
    )


def read_any(
    path: str | Path,
    voxel_size: float | VoxelSize | None = None,
    options: Options = Options(),  # noqa: B008 (frozen)
    as_labels: str = "auto",
    void: tuple[int, ...] = (),
    name: str = "",
) -> Noun:
    """Read a Stack, Labels or Network from a file or folder.

    ``voxel_size`` in metres overrides the file's; VoxelSizeNeeded when neither is there. Boolean images become
    Labels with True = void; integers become Labels when the file says so or ``as_labels`` is "yes" with ``void``.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FormatError("it is not a file: reading it would wait for ever", where=path, remedy="Choose a file.")
    given = None if voxel_size is None else check_voxel_size(voxel_size, f"voxel size for {path.name}")
    network = _network(path, given)
    if network is not None:
        return network
    image = open_image(path, options)
    voxel = _voxel(path, image, given)
    with readable(path):
        return make_noun(path, image, voxel, as_labels, void, name or path.stem)


def _network(path: Path, voxel: VoxelSize | None) -> Network | None:
    """The network in the file, when it is one."""
    from porelab_gui.core.network.formats.dispatch import is_network, read_network

    if not path.exists():
        return None
    try:
        with readable(path):
            return read_network(path, min(voxel) if voxel else None) if is_network(path) else None
    except InputError as error:  # a Network that its own arrays contradict
        raise FormatError(error.what, where=path, remedy="Copy or export it again.") from error


def _pyramid(image: Image) -> Pyramid | None:
    """Coarser versions of a lazy image: its own, else every n-th voxel."""
    if not hasattr(image.data, "dask"):
        return None
    use_threads()
    levels = resident(image.levels)[1:] or strided(image.data)
    return Pyramid(image.data, levels) if levels else None


def make_noun(path: Path, image: Image, voxel: VoxelSize, as_labels: str, void: tuple[int, ...], name: str) -> Stack:
    """The noun that an opened image becomes."""
    kind = np.dtype(image.data.dtype).kind
    told = image.phases is not None and image.void is not None
    pyramid = _pyramid(image)
    if as_labels == "no" or (as_labels == "auto" and kind != "b" and not told and not void):
        return Stack(image.data, voxel, name=name, source=str(path), pyramid=pyramid)
    if told and not void:
        more: dict[str, Any] = {"colours": image.colours, "review": image.review, "pyramid": pyramid}
        return Labels(image.data, voxel, image.phases or {}, image.void or (), name=name, source=str(path), **more)
    if kind == "b":
        return Labels(image.data, voxel, {0: "solid", 1: "pore"}, (1,), name=name, source=str(path))
    if kind == "f":
        raise FormatError(
            f"its values are {image.data.dtype}, not labels",
            where=path,
            remedy="Segment the grey image first.",
        )
    return _stated_labels(path, image, voxel, void, name)


def _stated_labels(path: Path, image: Image, voxel: VoxelSize, void: tuple[int, ...], name: str) -> Labels:
    values: list[int] = sorted({int(v) for k in range(0, image.data.shape[0], 64) for v in _distinct(image.data, k)})
    if len(values) > 256:
        raise FormatError(
            f"it has {len(values)} different values, not a few phases",
            where=path,
            remedy="Open it as grey levels.",
        )
    if not void or not set(void) <= set(values):
        raise FormatError(
            f"which of its values {values} are pore space is not said",
            where=path,
            remedy="Give void, for example void=0.",
        )
    phases = {v: (f"pore {v}" if len(void) > 1 else "pore") if v in void else f"phase {v}" for v in values}
    return Labels(image.data, voxel, phases, void, name=name, source=str(path))


def _distinct(data: Any, start: int) -> Any:
    return np.unique(np.asarray(data[start : start + 64]))


def is_npz_network(path: Path) -> bool:
    """Whether an .npz holds a network rather than an image."""
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(n.startswith("throat.conns") for n in archive.namelist())
