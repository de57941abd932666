"""A corpus of damaged files, and a child process that reads them under a limit of time and memory.

``python tests/core/image/reader_fuzz.py 2000 [SEED [READER ...]]`` makes that many damaged files for every reader,
reads them (or those of the readers that are named) and prints the outcome by reader.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

SECONDS = 10  # of the processor, so that a busy machine accuses nobody
WALL = 200
MEMORY = 1 << 30
VOXEL = (3e-9, 2e-9, 1e-9)


def seeds(folder: Path) -> dict[str, list[Path]]:
    """One or more sound files per reader; a name that ends in a slash stands for a folder."""
    import h5py
    import tifffile
    from scipy.io import netcdf_file, savemat

    from porelab_gui.core.export.methods import export
    from porelab_gui.core.image.review import recorded
    from porelab_gui.core.nouns import Labels, Stack
    from porelab_gui.core.progress import silent

    rng = np.random.default_rng(0)
    data = np.sort(rng.integers(0, 900, (6, 9, 13)).astype(np.uint16).ravel()).reshape(6, 9, 13)
    grey = Stack(data, VOXEL, name="grey")
    labels = Labels((data // 400).astype(np.uint8), VOXEL, {0: "matrix", 1: "pore", 2: "slit"}, (1,), name="labels")
    made: dict[str, list[Path]] = {}

    def add(reader: str, path: Path) -> Path:
        made.setdefault(reader, []).append(path)
        return path

    for reader, name in (("tiff", "i.tif"), ("tiff", "o.ome.tif"), ("numpy", "a.npz"), ("nrrd", "n.nrrd"),
                         ("netcdf", "c.nc"), ("metaimage", "m.mhd"), ("raw", "r.raw")):  # fmt: skip
        for noun, prefix in ((grey, "g"), (labels, "l")):
            add(reader, export(noun, folder / f"{prefix}_{name}", silent)[0])
    tifffile.imwrite(add("tiff", folder / "z.tif"), data, compression="zlib", predictor=True, photometric="minisblack")
    with tifffile.TiffWriter(add("tiff", folder / "pages.tif")) as tif:
        for page in data:
            tif.write(page, contiguous=False, metadata=None)
    np.save(add("numpy", folder / "a.npy"), data)
    head = "NDims = 3\nDimSize = 13 9 6\nElementSpacing = 1 2 3\nElementType = MET_USHORT\n"
    packed = (head + "CompressedData = True\nElementDataFile = LOCAL\n").encode() + zlib.compress(data.tobytes())
    add("metaimage", folder / "m.mha").write_bytes(packed)
    text = "NRRD0004\ntype: uint16\ndimension: 3\nsizes: 13 9 6\nspacings: 1 2 3\nencoding: gzip\nendian: little\n\n"
    add("nrrd", folder / "z.nrrd").write_bytes(text.encode() + zlib.compress(data.tobytes()))
    for name, options in (("h.h5", {}), ("z.h5", {"chunks": (2, 3, 4), "compression": "gzip"})):
        with h5py.File(add("hdf5", folder / name), "w") as file:
            file.create_dataset("image", data=data, **options).attrs["element_size_um"] = [3.0, 2.0, 1.0]
    for packed_mat in (False, True):
        path = add("matlab", folder / f"m{int(packed_mat)}.mat")
        savemat(path, {"rock": data, "voxel_size": [1e-6]}, do_compression=packed_mat)
    with netcdf_file(add("netcdf", folder / "k.nc"), "w") as file:
        for axis, count in zip("zyx", data.shape, strict=True):
            file.createDimension(axis, count)
            file.createVariable(axis, "f8", (axis,))[:] = np.arange(count) * 1e-3
        file.createVariable("rock", "i2", ("z", "y", "x"))[:] = data
    _mrc(add("mrc", folder / "m.mrc"), data)
    _dm(add("dm", folder / "d.dm3"), data)
    _avizo(add("avizo", folder / "b.am"), data, "BINARY-LITTLE-ENDIAN", data.tobytes(), "")
    text_body = " ".join(map(str, data.ravel())).encode()
    _avizo(add("avizo", folder / "t.am"), data, "3D ASCII", text_body, "")
    body = zlib.compress(data.tobytes())
    _avizo(add("avizo", folder / "z.am"), data, "BINARY-LITTLE-ENDIAN", body, f"(HxZip,{len(body)})")
    export(grey, add("ome_zarr", folder / "g.zarr"), silent)
    _zarr3(add("ome_zarr", folder / "n3.zarr"), data)
    reviewed = recorded(labels, np.where(data == data[2, 3, 4], 2, labels.data).astype(np.uint8), range(6))
    export(reviewed, add("ome_zarr", folder / "l.zarr"), silent)
    _slices(add("folder", folder / "slices"), data)
    _networks(folder, add)
    return made


def _mrc(path: Path, data: np.ndarray) -> None:
    import struct

    head = bytearray(1024)
    struct.pack_into("<10i", head, 0, *data.shape[::-1], 6, 0, 0, 0, *data.shape[::-1])
    struct.pack_into("<3f", head, 40, 13.0, 18.0, 18.0)
    head[208:216] = b"MAP DD\0\0"
    path.write_bytes(bytes(head) + data.tobytes())


def _dm(path: Path, data: np.ndarray) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("field_formats", Path(__file__).with_name("test_formats_field.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_bytes(module.dm3(data, (1.0, 2.0, 3.0)))


def _avizo(path: Path, data: np.ndarray, kind: str, body: bytes, packing: str) -> None:
    sizes = " ".join(map(str, data.shape[::-1]))
    head = (
        f"# Avizo {kind} 2.1\n\ndefine Lattice {sizes}\n\nParameters {{\n Units {{\n  Coordinates \"um\"\n }}\n"
        f" BoundingBox 0 12 0 8 0 5,\n CoordType \"uniform\"\n}}\n\nLattice {{ ushort Data }} @1{packing}\n\n@1\n"
    )  # fmt: skip
    path.write_bytes(head.encode() + body)


def _zarr3(path: Path, data: np.ndarray) -> None:
    import zarr

    group = zarr.open_group(str(path), mode="w", zarr_format=3)
    group.create_array("0", shape=data.shape, chunks=(3, 5, 7), dtype=data.dtype)[...] = data
    axes = [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"]
    scale = {"type": "scale", "scale": [3.0, 2.0, 1.0]}
    scene = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": [scale]}]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [scene]}


def _slices(folder: Path, data: np.ndarray) -> None:
    from PIL import Image

    folder.mkdir()
    for k, page in enumerate(data):
        Image.fromarray((page // 4).astype(np.uint8)).save(folder / f"s{k:03d}.png")


def _networks(folder: Path, add) -> None:
    from porelab_gui.core.export.methods import export
    from porelab_gui.core.nouns import Column, Network
    from porelab_gui.core.progress import silent

    rng = np.random.default_rng(0)
    network = Network(
        rng.random((20, 3)) * 1e-5,
        np.stack([np.arange(19), np.arange(1, 20)], axis=1),
        {"inscribed_diameter": Column(rng.random(20) * 1e-6, "m"), "face_x0": Column(np.arange(20) < 2)},
        {"inscribed_diameter": Column(rng.random(19) * 1e-6, "m")},
        name="net",
    )
    for reader, name in (("network_npz", "n.npz"), ("network_csv", "n.csv"), ("statoil", "n.dat")):
        add(reader, export(network, folder / name, silent)[0])
    head = "# Avizo 3D ASCII 3.0\ndefine VERTEX 20\ndefine EDGE 19\nVERTEX { float[3] VertexCoordinates } @1\n"
    rows = [" ".join(map(str, r)) for r in network.coords]
    ends = [" ".join(map(str, r)) for r in network.conns]
    lines = [head + "EDGE { int[2] EdgeConnectivity } @2\n\n@1", *rows, "@2", *ends, ""]
    add("network_avizo", folder / "n.am").write_text("\n".join(lines))
    pores = b"".join(
        np.array([k + 1], "<u4").tobytes() + b"\0" + np.array([1, (k + 1) % 20 + 1, k % 19 + 1], "<u4").tobytes()
        for k in range(20)
    )
    tail = np.array([*range(20), 5, 25, *range(20)], "<u4").tobytes()
    add("threedma", folder / "n.np2th").write_bytes(np.array([20, 19], "<u4").tobytes() + pores + tail)
    record = np.zeros(19, np.dtype([("a", "<u4"), ("b", "<f4"), ("c", "<u4", 3)]))
    (folder / "n.th2np").write_bytes(np.array([19], "<u4").tobytes() + record.tobytes())


HUGE = (
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\xff" * 8,
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\0" * 4,
)
NUMBERS = (b"99999999999", b"-1", b"0", b"2147483647", b"nan", b"1e308", b"", b"65536")


def damage(raw: bytes, rng: np.random.Generator) -> bytes:
    """One to four faults: flipped bits, cuts, absurd numbers in binary or text, doubled or lost pieces."""
    made = bytearray(raw)
    for _ in range(int(rng.choice([1, 1, 1, 2, 2, 4]))):
        if not made:
            break
        # faults in the first part of a file, where headers are, are the ones that matter
        reach = min(len(made), int(rng.choice([64, 400, 2000, len(made)])))
        at = int(rng.integers(0, max(1, reach)))
        kind = rng.choice([0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 6])
        if kind == 0:
            made[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            made[at] = int(rng.integers(0, 256))
        elif kind == 2:
            made = made[: int(rng.integers(0, len(made)))]
        elif kind == 3:
            huge = HUGE[int(rng.integers(0, len(HUGE)))]
            made[at : at + len(huge)] = huge
        elif kind == 4:
            found = list(re.finditer(rb"\d+", bytes(made[:4096])))
            if found:
                one = found[int(rng.integers(0, len(found)))]
                made[one.start() : one.end()] = NUMBERS[int(rng.integers(0, len(NUMBERS)))]
        elif kind == 5:
            stop = at + int(rng.integers(1, 40))
            made[at:at] = made[at:stop]
        else:
            del made[at : at + int(rng.integers(1, 40))]
    return bytes(made)


def corpus(folder: Path, per_reader: int, seed: int = 0) -> Counter:
    """Write damaged files into ``folder/READER/NNNNN/``, each beside the sound files that belong to it."""
    sound = folder / "sound"
    sound.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    count: Counter = Counter()
    for reader, paths in seeds(sound).items():
        for k in range(per_reader):
            path = paths[k % len(paths)]
            place = folder / "damaged" / reader / f"{k:05d}"
            place.mkdir(parents=True)
            _spoil(path, place, rng)
            (place / "OPEN").write_text(path.name)
            count[reader] += 1
    return count


def _family(path: Path) -> list[Path]:
    """The files that are read together."""
    stem = path.name.split(".")[0]
    for ending in ("_link1", "_pores"):
        stem = stem.removesuffix(ending)
    return sorted(p for p in path.parent.iterdir() if p.is_file() and re.match(re.escape(stem) + r"[._]", p.name))


def _spoil(path: Path, place: Path, rng: np.random.Generator) -> None:
    """A copy of the file (with its family), or of the folder, with one member damaged."""
    if path.is_dir():
        shutil.copytree(path, place / path.name)
        members = sorted(p for p in (place / path.name).rglob("*") if p.is_file())
    else:
        family = _family(path) if path.suffix in (".mhd", ".raw", ".csv", ".dat", ".np2th") else [path]
        members = [Path(shutil.copy(p, place / p.name)) for p in family]
    # the entry file is damaged half of the time, else any member
    entry = [p for p in members if p.name == path.name] or members
    victim = entry[0] if rng.random() < 0.5 else members[int(rng.integers(0, len(members)))]
    victim.write_bytes(damage(victim.read_bytes(), rng))


def read_all(folder: Path, reader: str = "*") -> dict[str, Counter]:
    """Read the corpus (of one reader, or all) in child processes; outcomes by reader."""
    places = sorted(p.parent for p in folder.glob(f"damaged/{reader}/*/OPEN"))
    done: dict[Path, str] = {}
    while len(done) < len(places):
        left = [p for p in places if p not in done]
        child = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        out, _ = child.communicate("\n".join(map(str, left)))
        said = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        done |= {Path(s["place"]): s["outcome"] for s in said}
        if len(said) < len(left):  # the child died at the next file
            late = child.returncode in (-signal.SIGALRM, -signal.SIGPROF)
            done[left[len(said)]] = "hung" if late else f"crashed {child.returncode}"
    outcomes: dict[str, Counter] = {}
    for place, outcome in done.items():
        outcomes.setdefault(place.parent.name, Counter())[outcome] += 1
    return outcomes


def read_one(place: Path) -> str:
    """ "read", "refused", or what went wrong."""
    from porelab_gui.core.errors import PorelabError
    from porelab_gui.core.image.formats.dispatch import read_any, readable
    from porelab_gui.core.nouns import Stack

    path = place / (place / "OPEN").read_text()
    try:
        noun = read_any(path, VOXEL)
        if isinstance(noun, Stack):
            with readable(path):
                np.asarray(noun.data[0]) if hasattr(noun.data, "dask") else noun.array()
        return "read"
    except PorelabError as error:
        if isinstance(error.__cause__, MemoryError):
            return "memory"
        return "refused" if place.name in str(error) else f"unnamed: {error}"
    except Exception as error:
        return f"escaped {type(error).__name__}: {error}"


def main() -> None:
    """Read what is listed on stdin under the limits."""
    import faulthandler
    import warnings

    warnings.simplefilter("ignore")
    faulthandler.disable()
    places = [Path(line.strip()) for line in sys.stdin if line.strip()]
    for module in ("h5py", "tifffile", "zarr", "dask.array", "scipy.io", "rsciio.digitalmicrograph"):
        __import__(module)
    used = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for place in places:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(WALL)
        outcome = read_one(place)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        print(json.dumps({"place": str(place), "outcome": outcome}), flush=True)


def run(per_reader: int, seed: int, wanted: list[str]) -> None:
    """Make a corpus and read it; one line per reader, as soon as it is done."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        for reader in (r for r in corpus(Path(name), per_reader, seed) if r in wanted or not wanted):
            found = read_all(Path(name), reader)[reader]
            print(json.dumps({"reader": reader, "files": sum(found.values()), **found}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3:])
    else:
        main()
