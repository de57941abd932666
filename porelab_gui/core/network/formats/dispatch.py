"""Which reader opens which network file."""

from __future__ import annotations

from pathlib import Path

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.dispatch import is_npz_network
from porelab_gui.core.nouns import Network


def is_network(path: Path) -> bool:
    """Whether the file holds a network; looks into it where the name does not tell."""
    from porelab_gui.core.network.formats import avizo, csv_tables, statoil

    if path.is_dir():
        return False
    suffix = path.suffix.lower()
    if suffix in (".pnm", ".np2th", ".th2np") or statoil.files_of(path):
        return True
    if suffix == ".csv":
        return csv_tables.is_network(path)
    if suffix == ".am":
        return avizo.is_network(path)
    return is_npz_network(path)


def read_network(path: str | Path, voxel_size: float | None = None) -> Network:
    """Read a network; a .pnm (a pickle) is refused with the way around it.

    ``voxel_size`` (metres) is needed by 3DMA files only, which are in voxels.
    """
    from porelab_gui.core.network.formats import avizo, csv_tables, npz, statoil, threedma

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".pnm":
        raise FormatError(
            "an OpenPNM .pnm file is a Python pickle, and reading one can run any code hidden in it",
            where=path,
            remedy="In OpenPNM, save the dictionary instead: np.savez('network.npz', **{k: v for k, v in pn.items()}).",
        )
    if suffix == ".csv":
        return csv_tables.read(path)
    if suffix == ".npz":
        return npz.read(path)
    if suffix == ".am":
        return avizo.read(path)
    if suffix in (".np2th", ".th2np"):
        return threedma.read(path, voxel_size)
    return statoil.read(path)
