"""The field's other formats: written by their own libraries (or byte by byte), read here, on an anisotropic image."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from porelab_gui.core.errors import FormatError
from porelab_gui.core.export.methods import export
from porelab_gui.core.image.formats import lazy, ome_zarr
from porelab_gui.core.image.formats.amira import unpack_rle
from porelab_gui.core.image.formats.base import DatasetNeeded, Options, VoxelSizeNeeded
from porelab_gui.core.image.formats.dispatch import probe, read_any
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent


def same(back, grey, rtol=1e-6):
    np.testing.assert_array_equal(back.array(), grey.array())
    np.testing.assert_allclose(back.voxel_size, grey.voxel_size, rtol=rtol)


def test_nrrd_by_pynrrd_and_for_pynrrd(tmp_path, grey):
    nrrd = pytest.importorskip("nrrd")
    x, y, z = (v * 1e6 for v in grey.voxel_size[::-1])
    for encoding in ("raw", "gzip", "ascii"):
        head = {"spacings": [x, y, z], "units": ["um", "um", "um"], "encoding": encoding}
        nrrd.write(str(tmp_path / f"{encoding}.nrrd"), grey.data.T, head)
        same(read_any(tmp_path / f"{encoding}.nrrd"), grey)
    nrrd.write(str(tmp_path / "d.nhdr"), grey.data.T, {"spacings": [x, y, z], "units": ["um"] * 3, "encoding": "raw"})
    same(read_any(tmp_path / "d.nhdr"), grey)
    theirs, head = nrrd.read(str(export(grey, tmp_path / "ours.nrrd", silent)[0]))
    np.testing.assert_array_equal(theirs.T, grey.data)
    np.testing.assert_allclose(np.diag(head["space directions"]), np.array([x, y, z]) * 1e-3)


@pytest.mark.parametrize("limit", [1 << 28, 10])
def test_hdf5_with_choice_and_fiji_voxel(tmp_path, grey, limit, monkeypatch):
    import h5py

    monkeypatch.setattr(lazy, "EAGER_BYTES", limit)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        data = file.create_dataset("t0/channel0", data=grey.data, chunks=(2, 3, 4), compression="gzip")
        data.attrs["element_size_um"] = np.array(grey.voxel_size) * 1e6
        file.create_dataset("other", data=grey.data + 1)
        file.create_dataset("table", data=np.zeros((3, 4)))
    with pytest.raises(DatasetNeeded) as caught:
        read_any(tmp_path / "f.h5")
    assert set(caught.value.datasets) == {"other", "t0/channel0"}
    back = read_any(tmp_path / "f.h5", options=Options("t0/channel0"))
    assert hasattr(back.data, "dask") == (limit == 10)
    same(back, grey)
    with pytest.raises(VoxelSizeNeeded):
        read_any(tmp_path / "f.h5", options=Options("other"))
    assert probe(tmp_path / "f.h5", Options("other")).datasets == ("other", "t0/channel0")


def test_lazy_hdf5_travels_between_processes(tmp_path, grey, monkeypatch):
    import pickle

    import h5py

    monkeypatch.setattr(lazy, "EAGER_BYTES", 10)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["image"] = grey.data
    back = pickle.loads(pickle.dumps(read_any(tmp_path / "f.h5", 1e-6)))
    np.testing.assert_array_equal(back.array(), grey.data)


def test_matlab_5_rows_columns_slices(tmp_path, grey):
    from scipy.io import savemat

    z, y, x = grey.voxel_size
    stored = grey.data.transpose(1, 2, 0)
    savemat(tmp_path / "m.mat", {"rock": stored, "voxel_size": [y, x, z], "note": "text"}, do_compression=True)
    same(read_any(tmp_path / "m.mat"), grey)
    savemat(tmp_path / "b.mat", {"bin": stored > 500})
    labels = read_any(tmp_path / "b.mat", 1e-6)
    assert isinstance(labels, Labels)
    np.testing.assert_array_equal(labels.void_mask(), grey.data > 500)
    savemat(tmp_path / "two.mat", {"a": stored, "b": stored})
    with pytest.raises(DatasetNeeded, match=r"two\.mat.*a, b"):
        read_any(tmp_path / "two.mat", 1e-6)


def test_matlab_73(tmp_path, grey):
    import h5py

    z, y, x = grey.voxel_size
    with h5py.File(tmp_path / "m.mat", "w", userblock_size=512) as file:
        # MATLAB stores A(row, column, slice) with its axes reversed
        file["rock"] = grey.data.transpose(1, 2, 0).transpose(2, 1, 0)
        file["rock"].attrs["MATLAB_class"] = np.bytes_("uint16")
        file["voxel_size"] = np.array([[y], [x], [z]])
    raw = bytearray((tmp_path / "m.mat").read_bytes())
    raw[:19] = b"MATLAB 7.3 MAT-file"
    (tmp_path / "m.mat").write_bytes(raw)
    same(read_any(tmp_path / "m.mat"), grey)


def test_netcdf_as_geoslicer_writes_it(tmp_path, grey, phases):
    netcdf = pytest.importorskip("netCDF4")
    with netcdf.Dataset(tmp_path / "g.nc", "w") as file:
        for axis, count, edge in zip("zyx", grey.shape, grey.voxel_size, strict=True):
            file.createDimension(axis, count)
            file.createVariable(axis, "f8", (axis,))[:] = 7.0 + np.arange(count) * edge * 1e3
        file.createVariable("ct", "u2", ("z", "y", "x"))[:] = grey.data
        segmented = file.createVariable("ct_segmented", "u1", ("z", "y", "x"))
        segmented[:] = phases.data
        segmented.type = "labelmap"
        segmented.labels = ["Name,Index,Color", "Organic pore,1,#ff0000", "Slit,2,#00ff00"]
        file.geoslicer_version = "2.4"
    same(read_any(tmp_path / "g.nc"), grey)
    labels = read_any(tmp_path / "g.nc", options=Options("ct_segmented"))
    assert isinstance(labels, Labels)
    assert dict(labels.phases) == {0: "background", 1: "Organic pore", 2: "Slit"} and labels.void == (1,)


def test_netcdf_for_the_netcdf_library(tmp_path, grey, phases):
    netcdf = pytest.importorskip("netCDF4")
    export(grey, tmp_path / "g.nc", silent)
    with netcdf.Dataset(tmp_path / "g.nc") as file:
        assert file["image"].dimensions == ("z", "y", "x")
        np.testing.assert_array_equal(file["image"][:], grey.data)
        np.testing.assert_allclose(np.diff(file["y"][:]), grey.voxel_size[1] * 1e3)
        assert file["y"].units == "mm"
    export(phases, tmp_path / "l.nc", silent)
    with netcdf.Dataset(tmp_path / "l.nc") as file:
        assert file["labels"].type == "labelmap"
        assert list(file["labels"].labels)[:2] == ["Name,Index,Color", "organic pore,1,#1f77b4"]


def test_netcdf_classic(tmp_path, grey):
    from scipy.io import netcdf_file

    with netcdf_file(tmp_path / "c.nc", "w") as file:
        for axis, count, edge in zip("zyx", grey.shape, grey.voxel_size, strict=True):
            file.createDimension(axis, count)
            scale = file.createVariable(axis, "f8", (axis,))
            scale[:] = np.arange(count) * edge * 1e6
            scale.units = "um"
        file.createVariable("rock", "i2", ("z", "y", "x"))[:] = grey.data
    same(read_any(tmp_path / "c.nc"), grey)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int8", "float32"])
def test_mrc(tmp_path, grey, dtype):
    mrcfile = pytest.importorskip("mrcfile")
    stack = Stack((grey.data % 100).astype(dtype), grey.voxel_size)
    with mrcfile.new(tmp_path / "m.mrc", stack.data) as file:
        file.voxel_size = tuple(v * 1e10 for v in grey.voxel_size[::-1])
    same(read_any(tmp_path / "m.mrc"), stack)


def test_mrc_big_endian_with_an_extended_header(tmp_path, grey):
    head = bytearray(1024)
    struct.pack_into(">10i", head, 0, 11, 7, 5, 6, 0, 0, 0, 11, 7, 5)
    struct.pack_into(">3f", head, 40, *(n * v * 1e10 for n, v in zip((11, 7, 5), grey.voxel_size[::-1], strict=True)))
    struct.pack_into(">i", head, 92, 64)
    head[208:216] = b"MAP \x11\x11\0\0"
    (tmp_path / "b.rec").write_bytes(bytes(head) + bytes(64) + grey.data.astype(">u2").tobytes())
    same(read_any(tmp_path / "b.rec"), grey)


def dm3(data, voxel_nm):
    """A minimal DM3 file: one image with its calibration (x, y, z), little-endian tags."""

    def name(text):
        return struct.pack(">H", len(text)) + text.encode()

    def group(entries):
        return b"\x01\x00" + struct.pack(">I", len(entries)) + b"".join(entries)

    def directory(text, entries):
        return b"\x14" + name(text) + group(entries)

    def tag(text, info, payload):
        return b"\x15" + name(text) + b"%%%%" + struct.pack(f">I{len(info)}I", len(info), *info) + payload

    def number(text, value):
        return tag(text, (3,), struct.pack("<i", value))

    def real(text, value):
        return tag(text, (6,), struct.pack("<f", value))

    def words(text, value):
        return tag(text, (20, 4, len(value)), value.encode("utf-16-le"))

    dims = [directory("", [real("Origin", 0.0), real("Scale", s), words("Units", "nm")]) for s in voxel_nm[::-1]]
    flat = data.astype("<u2").tobytes()
    image = directory("", [directory("ImageData", [
        directory("Calibrations", [directory("Dimension", dims)]),
        tag("Data", (20, 4, data.size), flat),
        number("DataType", 10),
        directory("Dimensions", [number("", n) for n in data.shape[::-1]]),
        number("PixelDepth", 2),
    ]), words("Name", "rock"), directory("ImageTags", [])])  # fmt: skip
    root = group([directory("ImageList", [image]), number("InImageMode", 0)])
    return struct.pack(">III", 3, len(root), 1) + root + bytes(8)


def test_dm3_through_rosettasciio(tmp_path, grey):
    pytest.importorskip("rsciio.digitalmicrograph")
    voxel = (10.0, 20.0, 30.0)
    (tmp_path / "s.dm3").write_bytes(dm3(grey.data, voxel))
    same(read_any(tmp_path / "s.dm3"), Stack(grey.data, tuple(v * 1e-9 for v in voxel)))


def test_ome_zarr_levels_and_other_writers(tmp_path, grey):
    rng = np.random.default_rng(0)
    big = Stack(rng.integers(0, 200, (40, 150, 140)).astype(np.uint8), grey.voxel_size, name="big")
    export(big, tmp_path / "b.zarr", silent)
    image = ome_zarr.open_image(tmp_path / "b.zarr", Options())
    assert [level.shape for level in image.levels] == [(40, 150, 140), (20, 75, 70)]
    whole = big.data.reshape(20, 2, 75, 2, 70, 2).mean(axis=(1, 3, 5))
    assert np.abs(np.asarray(image.levels[1]) - whole).max() <= 0.5
    ngff = pytest.importorskip("ome_zarr.io")
    from ome_zarr.reader import Multiscales

    location = ngff.parse_url(str(tmp_path / "b.zarr"))
    assert location is not None and Multiscales.matches(location)


def test_ome_zarr_05_with_channels_and_a_way_out(tmp_path, grey):
    import zarr

    group = zarr.open_group(str(tmp_path / "n.zarr"), mode="w", zarr_format=3)
    group.create_array("s0", shape=(1, *grey.shape), dtype="u2")[...] = grey.data[None]
    axes = [{"name": "c", "type": "channel"}] + [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"]
    scale = [1.0, *(v * 1e9 for v in grey.voxel_size)]
    entry = {"path": "s0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [entry]}]}
    same(read_any(tmp_path / "n.zarr"), grey)
    entry["path"] = "../n.zarr/s0/../../elsewhere"
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [entry]}]}
    with pytest.raises(FormatError, match="outside the folder"):
        read_any(tmp_path / "n.zarr")


def amira(grey, body, field="ushort Data", packing="", kind="BINARY-LITTLE-ENDIAN", more=""):
    """An Avizo image file."""
    z, y, x = (v * 1e6 * (n - 1) for v, n in zip(grey.voxel_size, grey.shape, strict=True))
    head = (
        f"# Avizo {kind} 2.1\n\n\ndefine Lattice 11 7 5\n\nParameters {{\n"
        '    Units {\n        Coordinates "µm"\n    }\n'
        f'{more}    BoundingBox 0 {x} 0 {y} 0 {z},\n    CoordType "uniform"\n}}\n\n'
        f"Lattice {{ {field} }} @1{packing}\n\n# Data section follows\n@1\n"
    )
    return head.encode() + body


def test_avizo_images(tmp_path, grey):
    import zlib

    raw = grey.data.tobytes()
    (tmp_path / "r.am").write_bytes(amira(grey, raw + b"\n"))
    (tmp_path / "z.am").write_bytes(amira(grey, zlib.compress(raw), packing=f"(HxZip,{len(zlib.compress(raw))})"))
    text = " ".join(map(str, grey.data.ravel())).encode()
    (tmp_path / "t.am").write_bytes(amira(grey, text, kind="3D ASCII"))
    for name in ("r.am", "z.am", "t.am"):
        same(read_any(tmp_path / name), grey)


def test_avizo_labels_packed_in_runs(tmp_path, phases):
    flat = phases.data.ravel()
    packed = b"".join(bytes([1, v]) for v in flat[:200]) + bytes([128 + 100]) + flat[200:300].tobytes()
    packed += b"".join(bytes([1, v]) for v in flat[300:])
    more = (
        "    Materials {\n        Exterior { Id 1 }\n        Pore { Color 1 0 0, Id 2 }\n        Clay { Id 3 }\n    }\n"
    )
    data = amira(phases, packed, "byte Labels", f"(HxByteRLE,{len(packed)})", more=more)
    (tmp_path / "l.am").write_bytes(data)
    labels = read_any(tmp_path / "l.am")
    assert isinstance(labels, Labels)
    np.testing.assert_array_equal(labels.array(), phases.data)
    assert dict(labels.phases) == {0: "Exterior", 1: "Pore", 2: "Clay"} and labels.void == (1,)
    with pytest.raises(FormatError, match="end after"):
        unpack_rle(tmp_path, packed[:50], 385)


def test_geoslicer_attribute_that_is_nonsense(tmp_path, grey):
    import h5py

    export(grey, tmp_path / "g.nc", silent)
    with h5py.File(tmp_path / "g.nc", "r+") as file:
        file["image"].attrs["labels"] = "nothing useful"
        file["x"][3] = 99.0
    with pytest.raises(FormatError, match="does not run evenly"):
        read_any(tmp_path / "g.nc")
    assert read_any(export(grey, tmp_path / "h.nc", silent)[0]).shape == grey.shape


def test_damaged_sidecar_json_of_zarr(tmp_path, grey):
    export(grey, tmp_path / "b.zarr", silent)
    (tmp_path / "b.zarr" / ".zattrs").write_text(json.dumps({"multiscales": [{"datasets": [{"path": "9"}]}]}))
    with pytest.raises(FormatError, match=r"b\.zarr"):
        read_any(tmp_path / "b.zarr", 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_levels_are_the_means_of_eight_voxels(dtype):
    from porelab_gui.core.export.volumes import _halved

    block = np.random.default_rng(0).integers(0, 200, (5, 6, 7)).astype(dtype)
    wide = np.pad(block, [(0, n % 2) for n in block.shape], mode="edge").astype(float)
    mean = wide.reshape(3, 2, 3, 2, 4, 2).mean(axis=(1, 3, 5))
    np.testing.assert_array_equal(_halved(block, False), (mean if dtype == np.float32 else np.rint(mean)).astype(dtype))


def test_a_fast_copy_holds_the_same_voxels_and_levels(tmp_path, monkeypatch):
    from porelab_gui.core.image import fast_copy
    from porelab_gui.core.image.formats import lazy

    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path / "cache" / "results"))
    monkeypatch.setattr(lazy, "EAGER_BYTES", 0)
    monkeypatch.setattr(fast_copy, "GIB", 1000)
    data = np.random.default_rng(0).integers(0, 255, (70, 150, 300)).astype(np.uint8)
    (tmp_path / "big_300x150x70_1um_uint8.raw").write_bytes(data.tobytes())
    stack = read_any(tmp_path / "big_300x150x70_1um_uint8.raw")
    assert fast_copy.has_slow_axes(stack) and [lv.shape for lv in stack.levels] == [(70, 150, 300), (35, 75, 150)]
    np.testing.assert_array_equal(np.asarray(stack.levels[1]), data[::2, ::2, ::2])
    made = fast_copy.FAST_COPY({"image": stack}, {"keep": 1e6})["image"]
    assert not fast_copy.has_slow_axes(made) and made.source == stack.source
    np.testing.assert_array_equal(made.array(), data)
    assert made.content_hash == stack.content_hash
    assert [lv.shape for lv in made.levels] == [(70, 150, 300), (35, 75, 150), (18, 38, 75)]
    before = sorted(fast_copy.copies_folder().iterdir())
    fast_copy.FAST_COPY({"image": stack}, {"keep": 1e6})
    assert sorted(fast_copy.copies_folder().iterdir()) == before and len(before) == 1
    other = fast_copy.FAST_COPY({"image": read_any(tmp_path / "big_300x150x70_1um_uint8.raw", 2e-6)}, {"keep": 1.0})
    assert len(list(fast_copy.copies_folder().iterdir())) == 1, "the oldest copy makes room"
    assert other["image"].voxel_size == (2e-6,) * 3
