"""Round trips and tags of TIFF, slices, RAW, MetaImage and NumPy files."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile

from porelab_gui.core import hashing
from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.export.methods import IMAGE_WRITERS, export
from porelab_gui.core.image.formats import lazy
from porelab_gui.core.image.formats.base import DatasetNeeded, LayoutNeeded, Options, RawLayout, VoxelSizeNeeded
from porelab_gui.core.image.formats.dispatch import probe, read_any
from porelab_gui.core.image.formats.edited import edited
from porelab_gui.core.image.formats.folder import missing_slices
from porelab_gui.core.image.formats.raw import guess_raw, preview_raw
from porelab_gui.core.image.loading import LOAD
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent

ENDINGS = [*IMAGE_WRITERS, ".ome.tif"]
DTYPES = ("uint8", "uint16", "float32", "int16", "int32")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_written_and_read_back_the_same(tmp_path, grey, ending, dtype):
    stack = Stack(grey.data.astype(dtype), grey.voxel_size, name="grey")
    made = export(stack, tmp_path / f"image{ending}", silent)
    back = read_any(made[0])
    assert type(back) is Stack
    np.testing.assert_array_equal(back.array(), stack.data)
    assert back.data.dtype == stack.data.dtype
    np.testing.assert_allclose(back.voxel_size, grey.voxel_size, rtol=1e-6)


@pytest.mark.parametrize("ending", [e for e in ENDINGS if e not in (".mhd", ".nrrd")])
def test_labels_keep_names_and_void(tmp_path, phases, ending):
    back = read_any(export(phases, tmp_path / f"labels{ending}", silent)[0])
    assert isinstance(back, Labels)
    assert dict(back.phases) == dict(phases.phases)
    assert back.void == phases.void
    np.testing.assert_array_equal(back.array(), phases.data)


@pytest.mark.parametrize(
    ("unit", "metres"), [("micron", 1e-6), ("um", 1e-6), ("\\u00B5m", 1e-6), ("nm", 1e-9), ("mm", 1e-3)]
)
def test_imagej_units_and_spacing(tmp_path, grey, unit, metres):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path,
        grey.data,
        imagej=True,
        resolution=(1 / 0.5, 1 / 0.25),
        metadata={"axes": "ZYX", "spacing": 2.0, "unit": unit},
    )
    np.testing.assert_allclose(read_any(path).voxel_size, (2 * metres, 0.25 * metres, 0.5 * metres), rtol=1e-6)


def test_without_voxel_size_it_asks_with_what_is_known(tmp_path, grey):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, grey.data, imagej=True, resolution=(2, 4), metadata={"axes": "ZYX", "unit": "um"})
    info = probe(path)
    assert info.voxel_size is None
    assert info.shape == grey.shape
    np.testing.assert_allclose(info.hint, (0, 0.25e-6, 0.5e-6), rtol=1e-6)
    with pytest.raises(VoxelSizeNeeded, match=r"stack\.tif"):
        read_any(path)
    assert read_any(path, 5e-6).voxel_size == (5e-6,) * 3


@pytest.mark.parametrize("voxel", [0.0, -1e-6, float("nan"), (1e-6, 0.0, 1e-6)])
def test_impossible_voxel_size_is_refused(tmp_path, grey, voxel):
    path = tmp_path / "rock.npy"
    np.save(path, grey.data)
    with pytest.raises(InputError, match=r"rock\.npy.*positive lengths"):
        read_any(path, voxel)


def test_zero_voxel_size_in_the_file_is_named(tmp_path, grey):
    path = tmp_path / "rock.npz"
    np.savez(path, image=grey.data, voxel_size=0.0)
    with pytest.raises(FormatError, match=r"rock\.npz.*voxel_size array"):
        read_any(path)


def test_truncated_tiff_is_refused(tmp_path, grey):
    for kind, options in (("imagej", {"imagej": True}), ("plain", {}), ("packed", {"compression": "zlib"})):
        path = tmp_path / f"{kind}.tif"
        tifffile.imwrite(path, np.repeat(grey.data, 4, axis=1), photometric="minisblack", **options)
        whole = path.read_bytes()
        for part in (0.97, 0.6, 0.3):
            path.write_bytes(whole[: int(part * len(whole))])
            with pytest.raises(FormatError, match=rf"{kind}\.tif.*(truncated|damaged|holds only)"):
                read_any(path, 1e-6)


def test_pages_lost_from_a_plain_multipage_file(tmp_path, grey):
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as tif:
        for page in grey.data:
            tif.write(page, contiguous=False, metadata=None)
    assert read_any(path, 1e-6).shape == grey.shape
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FormatError, match="truncated or damaged"):
        read_any(path, 1e-6)


def write_slices(folder, data, ending=".png"):
    from PIL import Image

    folder.mkdir(exist_ok=True)
    for k, page in enumerate(data):
        Image.fromarray(page.astype(np.uint8)).save(folder / f"slice_{k + 1}{ending}")


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp"])
def test_folder_in_natural_order(tmp_path, ending):
    data = np.arange(12 * 4 * 6, dtype=np.uint8).reshape(12, 4, 6)
    write_slices(tmp_path / "s", data, ending)
    np.testing.assert_array_equal(read_any(tmp_path / "s", 1e-6).array(), data)


def test_missing_slices_are_named(tmp_path):
    write_slices(tmp_path / "s", np.zeros((12, 4, 6)))
    (tmp_path / "s" / "slice_4.png").unlink()
    (tmp_path / "s" / "slice_9.png").unlink()
    with pytest.raises(FormatError, match=r"2 slices are missing: slice_4\.png, slice_9\.png"):
        read_any(tmp_path / "s", 1e-6)
    assert read_any(tmp_path / "s", 1e-6, Options(missing_slices="close")).shape == (10, 4, 6)


def test_numbering_that_is_no_gap():
    assert missing_slices(["a_10.tif", "a_20.tif", "a_30.tif", "a_40.tif"]) == []
    assert missing_slices(["x.tif", "y.tif", "z.tif"]) == []
    assert missing_slices(["v2_s008.tif", "v2_s009.tif", "v2_s011.tif", "v2_s012.tif"]) == ["v2_s010.tif"]


def test_one_odd_slice_is_named(tmp_path):
    write_slices(tmp_path / "s", np.zeros((8, 4, 6)))
    write_slices(tmp_path / "t", np.zeros((5, 5, 6)))
    (tmp_path / "t" / "slice_5.png").replace(tmp_path / "s" / "slice_5.png")
    with pytest.raises(FormatError, match=r"slice_5\.png is 5x6 L where 7 others are 4x6 L"):
        read_any(tmp_path / "s", 1e-6)
    (tmp_path / "s" / "slice_5.png").write_bytes(b"not an image")
    with pytest.raises(FormatError, match=r"slice_5\.png"):
        read_any(tmp_path / "s", 1e-6)


def test_single_slice_is_refused(tmp_path):
    np.save(tmp_path / "flat.npy", np.zeros((6, 7), np.uint8))
    tifffile.imwrite(tmp_path / "flat.tif", np.zeros((6, 7), np.uint8))
    for name in ("flat.npy", "flat.tif"):
        with pytest.raises(FormatError, match=rf"{name}.*single 2D slice \(6 x 7\)"):
            read_any(tmp_path / name, 1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "voxel"),
    [
        ("berea_40x30x20_5.345um_uint8.raw", (20, 30, 40), "uint8", 5.345e-6),
        ("w40_h30_d20_18.4nm_16bit.raw", (20, 30, 40), "uint16", 18.4e-9),
        ("rock_40_30_20_2p25um_f32.raw", (20, 30, 40), "float32", 2.25e-6),
        ("cube_24cube_i16_be.raw", (24, 24, 24), "int16", None),
        ("plain.raw", (24, 24, 24), "uint8", None),
        ("shale 40×30×20 10 nm int32.raw", (20, 30, 40), "int32", 10e-9),
    ],
)  # fmt: skip
def test_raw_name_grammar(tmp_path, name, shape, dtype, voxel):
    path = tmp_path / name
    order = ">" if "_be" in name else "<"
    data = (np.arange(np.prod(shape)) % 101).astype(np.dtype(dtype).newbyteorder(order)).reshape(shape)
    data.tofile(path)
    best = guess_raw(path)[0]
    assert (best.shape, best.dtype) == (shape, dtype)
    assert best.voxel_size is None if voxel is None else np.allclose(best.voxel_size, voxel)
    np.testing.assert_array_equal(read_any(path, 1e-6).array(), data)
    np.testing.assert_array_equal(preview_raw(path, best), data[shape[0] // 2])


def test_raw_whose_size_does_not_match(tmp_path):
    path = tmp_path / "rock_40x30x20_uint8.raw"
    path.write_bytes(bytes(40 * 30 * 20 - 1))
    with pytest.raises(LayoutNeeded, match=r"23,999 bytes"):
        read_any(path, 1e-6)
    layout = RawLayout((20, 30, 40))
    with pytest.raises(FormatError, match=r"need 24,000 bytes and the file has 23,999"):
        read_any(path, 1e-6, Options(raw=layout))
    assert preview_raw(path, layout, 19).shape == (30, 40)


def test_raw_in_fortran_order_with_a_header(tmp_path, grey):
    path = tmp_path / "f.raw"
    path.write_bytes(b"x" * 17 + grey.data.astype(">u2").tobytes("F"))
    params = {
        "path": str(path), "voxel_size": (1e-6, 2e-6, 3e-6), "raw_shape": grey.shape, "raw_dtype": "uint16",
        "raw_byte_order": "big", "raw_axis_order": "xyz", "raw_header": 17,
    }  # fmt: skip
    np.testing.assert_array_equal(LOAD({}, params)["image"].array(), grey.data)


@pytest.mark.parametrize("key", ["ElementSpacing", "ElementSize"])
@pytest.mark.parametrize(
    ("note", "unit"), [("", 1e-3), ("// voxel size in micrometres", 1e-6), ("DistanceUnits = um", 1e-6)]
)
def test_metaimage_spacing(tmp_path, grey, key, note, unit):
    grey.data.tofile(tmp_path / "v.raw")
    text = (
        f"{note}\nNDims = 3\nDimSize = 11 7 5\n{key} = 1.5 2.5 3.5\nElementType = MET_USHORT\nElementDataFile = v.raw\n"
    )
    (tmp_path / "v.mhd").write_text(text)
    back = read_any(tmp_path / "v.mhd")
    np.testing.assert_array_equal(back.array(), grey.data)
    np.testing.assert_allclose(back.voxel_size, np.array([3.5, 2.5, 1.5]) * unit)


def test_metaimage_compressed_local_and_gz(tmp_path, grey):
    import gzip
    import zlib

    head = "NDims = 3\nDimSize = 11 7 5\nElementSpacing = 1 1 1\nElementType = MET_USHORT\n"
    big = head + "BinaryDataByteOrderMSB = True\nCompressedData = True\nElementDataFile = LOCAL\n"
    (tmp_path / "v.mha").write_bytes(big.encode() + zlib.compress(grey.data.astype(">u2").tobytes()))
    (tmp_path / "w.mhd").write_text(head + "ElementDataFile = w.raw\n")
    (tmp_path / "w.raw.gz").write_bytes(gzip.compress(grey.data.tobytes()))
    for name in ("v.mha", "w.mhd"):
        np.testing.assert_array_equal(read_any(tmp_path / name).array(), grey.data)


def test_boolean_is_void_and_integers_ask_which_value_is(tmp_path):
    pore = np.random.default_rng(0).random((6, 7, 8)) < 0.3
    np.savez(tmp_path / "b.npz", pore=pore)
    labels = read_any(tmp_path / "b.npz", 1e-6)
    assert isinstance(labels, Labels)
    assert labels.porosity() == pore.mean()
    np.save(tmp_path / "i.npy", np.where(pore, 0, 255).astype(np.uint8))
    assert type(read_any(tmp_path / "i.npy", 1e-6)) is Stack
    with pytest.raises(FormatError, match=r"\[0, 255\] are pore space is not said"):
        read_any(tmp_path / "i.npy", 1e-6, as_labels="yes")
    np.testing.assert_array_equal(read_any(tmp_path / "i.npy", 1e-6, void=(0,)).void_mask(), pore)


def test_several_data_sets_ask(tmp_path, grey):
    np.savez(tmp_path / "two.npz", a=grey.data, b=grey.data + 1)
    with pytest.raises(DatasetNeeded) as caught:
        read_any(tmp_path / "two.npz", 1e-6)
    assert caught.value.datasets == ("a", "b")
    np.testing.assert_array_equal(read_any(tmp_path / "two.npz", 1e-6, Options("b")).array(), grey.data + 1)


def test_objects_and_pickles_are_refused(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="could run code"):
        read_any(tmp_path / "o.npy", 1e-6)
    (tmp_path / "n.pnm").write_bytes(b"\x80\x04.")
    with pytest.raises(FormatError, match=r"Python pickle.*np\.savez"):
        read_any(tmp_path / "n.pnm")


def test_not_a_number_is_refused_or_zeroed(tmp_path, grey):
    data = grey.data.astype(np.float32)
    data[2, 3, 4] = np.nan
    np.save(tmp_path / "f.npy", data)
    params = {"path": str(tmp_path / "f.npy"), "voxel_size": (1e-6,) * 3}
    with pytest.raises(InputError, match=r"f\.npy: 1 voxels.*\(2, 3, 4\)"):
        LOAD({}, params)
    assert LOAD({}, params | {"nan": "zero"})["image"].array()[2, 3, 4] == 0


def test_absent_empty_unknown_and_unreadable_files(tmp_path, grey, as_stranger):
    with pytest.raises(FormatError, match="no such file"):
        read_any(tmp_path / "gone.tif", 1e-6)
    (tmp_path / "empty.tif").touch()
    with pytest.raises(FormatError, match="empty"):
        read_any(tmp_path / "empty.tif", 1e-6)
    (tmp_path / "a.xyz").write_text("1")
    with pytest.raises(FormatError, match=r"type \.xyz are not known"):
        read_any(tmp_path / "a.xyz", 1e-6)
    np.save(as_stranger.folder / "secret.npy", grey.data)
    (as_stranger.folder / "secret.npy").chmod(0)
    with as_stranger(), pytest.raises(FormatError, match=r"secret\.npy.*no permission"):
        read_any(as_stranger.folder / "secret.npy", 1e-6)


def test_large_plain_files_stay_on_disk(tmp_path, monkeypatch, grey):
    from porelab_gui.core.image.formats import folder, lazy, tiff

    for module in (folder, lazy, tiff):
        monkeypatch.setattr(module, "EAGER_BYTES", 10)
    monkeypatch.setattr(lazy, "SLAB_BYTES", 400)
    for ending in (".tif", ".mhd", ".nrrd", ".raw"):
        mapped = read_any(export(grey, tmp_path / f"m{ending}", silent)[0])
        assert mapped.data.chunks[0] == (2, 2, 1)
        np.testing.assert_array_equal(mapped.array(), grey.data)
        np.testing.assert_array_equal(np.asarray(mapped.data[:, :, 3]), grey.data[:, :, 3])
        assert len(pickle.dumps(mapped)) < 20_000
    tifffile.imwrite(tmp_path / "c.tif", grey.data, compression="zlib", photometric="minisblack")
    write_slices(tmp_path / "s", grey.data % 256)
    for name, truth in (("c.tif", grey.data), ("s", grey.data % 256)):
        lazy = read_any(tmp_path / name, 1e-6)
        assert hasattr(lazy.data, "dask")
        np.testing.assert_array_equal(lazy.array(), truth)


def test_real_berea(real_data):
    berea = read_any(real_data("berea/berea_z000-256_pore.npz"), 5.345e-6)
    assert berea.shape == (256, 400, 400)
    assert berea.porosity() == pytest.approx(0.201, abs=1e-3)


def test_sidecar_that_lies_is_named(tmp_path, grey):
    made = export(grey, tmp_path / "r.raw", silent)
    made[1].write_text(json.dumps({"shape_zyx": [5]}))
    with pytest.raises(FormatError, match=r"r\.raw\.json.*sidecar"):
        read_any(made[0])


def test_slices_tell_their_pixel_size_as_a_hint(tmp_path, grey):
    (tmp_path / "s").mkdir()
    for k, page in enumerate(grey.data):
        meta = {"unit": "nm"}
        tifffile.imwrite(tmp_path / "s" / f"a{k}.tif", page, imagej=True, resolution=(1 / 8, 1 / 6), metadata=meta)
    info = probe(tmp_path / "s")
    assert info.voxel_size is None
    np.testing.assert_allclose(info.hint, (0, 6e-9, 8e-9), rtol=1e-6)
    fei = b"[Scan]\r\nPixelWidth=5e-009\r\nPixelHeight=4e-009\r\n\x00"
    (tmp_path / "f").mkdir()
    for k, page in enumerate(grey.data):
        extra = [(34682, "s", 0, fei.decode(), True)]
        tifffile.imwrite(tmp_path / "f" / f"a{k}.tif", page, extratags=extra, metadata=None)
    np.testing.assert_allclose(probe(tmp_path / "f").hint, (0, 4e-9, 5e-9), rtol=1e-6)


def test_a_change_of_one_voxel_of_a_large_file_is_another_image(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "EAGER_BYTES", 1000)
    monkeypatch.setattr(hashing, "WHOLE_BYTES", 1000)
    path = tmp_path / "big_90x80x70_1um_uint8.raw"
    voxels = np.random.default_rng(0).integers(0, 9, (70, 80, 90)).astype(np.uint8)
    voxels.tofile(path)
    stack = read_any(path)
    known = stack.content_hash
    assert hasattr(stack.data, "dask") and read_any(path).content_hash == known
    windows = hash_windows(stack.data)
    time = path.stat().st_mtime_ns
    for z in range(70):  # until a voxel is found that no window sees
        voxels[z, -1, -1] ^= 1
        voxels.tofile(path)
        os.utime(path, ns=(time, time + 1000))
        if hash_windows(read_any(path).data) == windows:
            break
        voxels[z, -1, -1] ^= 1
    else:
        pytest.fail("every window sees every slice")
    assert read_any(path).content_hash != known and stack.content_hash != known
    copy = tmp_path / "other" / path.name
    copy.parent.mkdir()
    shutil.copy2(path, copy)
    assert read_any(copy).content_hash == read_any(path).content_hash, "a copy with its time kept is the same image"
    cut = replace(stack, data=stack.data[2:60])
    before = cut.content_hash
    os.utime(path, ns=(time, time + 2000))
    assert cut.content_hash != before, "a part of it follows"


def hash_windows(data):
    """The digest of the windows alone."""
    digest = hashlib.blake2b()
    hashing._sample(data, digest)
    return digest.hexdigest()


def test_strokes_that_no_window_sees_are_another_image(monkeypatch):
    monkeypatch.setattr(hashing, "WHOLE_BYTES", 1000)
    data = da.zeros((70, 80, 90), np.uint8, chunks=(10, 80, 90))
    made = [edited(data, np.array([place]), np.array([1], np.uint8)) for place in (90 * 80 * 70 - 1, 90 * 80 * 70 - 2)]
    assert len({Stack(d, 1e-6).content_hash for d in (data, *made)}) == 3


def test_cuts_of_a_plain_file_along_every_axis(tmp_path):
    from porelab_gui.core.image.formats.lazy import PlainArray

    data = np.random.default_rng(0).integers(0, 9000, (6, 40, 50)).astype(">u2")
    (tmp_path / "p.raw").write_bytes(b"head" + data.tobytes())
    plain = PlainArray(tmp_path / "p.raw", data.dtype, 4, data.shape)
    every = slice(None)
    for key in ((2,), (every, 3), (every, every, 7), (4, every, slice(3, 5)), (slice(1, 5, 2), slice(9, 39), 49),
                (slice(1, 3), slice(4, 6), slice(5, 6)), (every, every, every), (every, slice(3, 30, 9)), (4, 5, 6),
                (2, slice(0, 40, 13), slice(2, 9)), (slice(0, 6, 4), slice(0, 40, 16), slice(0, 50, 16)),
                (every, 38, 7), (every, slice(5, 8), 49), (every, slice(7, 7), every)):  # fmt: skip
        np.testing.assert_array_equal(plain[key], data[key])
