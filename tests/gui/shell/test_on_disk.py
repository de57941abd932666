"""Large images on disk in the window: slow slices come coarse at once and sharp from a thread, neighbours unread."""

from __future__ import annotations

import gc
import threading

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.core.image.formats.lazy import strided
from porelab_gui.core.nouns import Labels, Pyramid, Stack
from porelab_gui.core.registry import get
from porelab_gui.gui.on_disk import SliceReader

pytestmark = pytest.mark.gui
SHAPE = (40, 512, 480)


class Disk:
    """Voxels that are only read while ``gate`` is open; ``asked`` are the sizes of what was."""

    shape, ndim, dtype = SHAPE, 3, np.dtype(np.uint8)

    def __init__(self, top=250):
        self.voxels = np.random.default_rng(0).integers(0, top, SHAPE).astype(np.uint8)
        self.gate, self.asked, self.fault = threading.Event(), [], None
        self.gate.set()

    def __getitem__(self, key):
        assert self.gate.wait(20)
        if self.fault:
            raise self.fault
        made = self.voxels[key]
        self.asked.append(made.size)
        return made


def opened(porelab, kind=Stack, top=250):
    disk = Disk(top)
    data = da.from_array(disk, chunks=(8, *SHAPE[1:]), name=False)
    stack = kind(data, 1e-6, pyramid=Pyramid(data, strided(data)))
    session = porelab.context.session
    session.put(get("load"), {}, {}, {"image": stack}, {"image": "big"}, {"image": "hash"})
    layer = porelab.context.layers.layer("big")
    porelab.viewer.dims.order = (2, 0, 1)
    porelab.viewer.fit_to_view()
    return disk, layer


@pytest.fixture
def across_x(porelab):
    yield porelab
    porelab.viewer.dims.order = (0, 1, 2)


def sharp(disk, layer, x):
    """Whether the canvas shows every voxel of the level that it draws."""
    step = 2**layer.data_level
    corner = layer.corner_pixels
    page = disk.voxels[::step, ::step, ::step][
        corner[0, 0] : corner[1, 0] + 1, corner[0, 1] : corner[1, 1] + 1, round(x / step)
    ]
    return layer.loaded and np.array_equal(layer._slice.image.raw, page)


@pytest.mark.parametrize("kind", [Stack, Labels])
def test_a_slow_slice_is_shown_coarse_and_then_sharp(qtbot, across_x, kind):
    disk, layer = opened(across_x, kind, top=5)
    qtbot.waitUntil(lambda: layer.loaded, timeout=5000)
    disk.gate.clear()
    across_x.viewer.dims.set_current_step(2, 300)
    assert not layer.loaded, "it is still read"
    small = layer.data[-1]
    assert (
        layer._slice.image.raw.shape[0] <= small.shape[0]
        and np.isin(layer._slice.image.raw, np.asarray(small)[:, :, 300 * small.shape[2] // SHAPE[2]]).all()
    )
    disk.gate.set()
    qtbot.waitUntil(lambda: sharp(disk, layer, 300), timeout=5000)


def test_neighbours_are_read_along_and_a_newer_slice_ends_the_reading(qtbot, across_x):
    disk, layer = opened(across_x)
    dims = across_x.viewer.dims
    dims.set_current_step(2, 257)
    qtbot.waitUntil(lambda: sharp(disk, layer, 257), timeout=5000)
    disk.asked.clear()
    for x in (259, 263, 290):
        dims.set_current_step(2, x)
        qtbot.waitUntil(lambda x=x: sharp(disk, layer, x), timeout=5000)
    assert not disk.asked, "columns of the same block are there"
    disk.gate.clear()
    dims.set_current_step(2, 20)
    dims.set_current_step(2, 470)
    disk.gate.set()
    qtbot.waitUntil(lambda: sharp(disk, layer, 470), timeout=5000)
    pieces = len(disk.asked)
    dims.set_current_step(2, 20)
    qtbot.waitUntil(lambda: sharp(disk, layer, 20), timeout=5000)
    assert pieces < len(disk.asked) < 2 * pieces, "the first was given up, and what it had read is not read again"


def test_a_slice_that_cannot_be_read_is_told_and_the_next_is_shown(qtbot, across_x):
    disk, layer = opened(across_x)
    qtbot.waitUntil(lambda: layer.loaded, timeout=5000)
    disk.gate.clear()
    disk.fault = OSError("the disk is gone")
    across_x.viewer.dims.set_current_step(2, 100)
    with qtbot.captureExceptions() as raised:
        disk.gate.set()
        qtbot.waitUntil(lambda: bool(raised), timeout=5000)
    assert "the disk is gone" in str(raised[0][1]) and layer.loaded
    disk.fault = None
    across_x.viewer.dims.set_current_step(2, 400)
    qtbot.waitUntil(lambda: sharp(disk, layer, 400), timeout=5000)


def test_the_lane_ends_with_its_layer(qtbot, across_x):
    disk, layer = opened(across_x)
    qtbot.waitUntil(lambda layer=layer: layer.loaded, timeout=5000)
    thread = layer.lane._thread
    assert thread.is_alive()
    del disk, layer
    across_x.context.session.clear()

    def ended():
        gc.collect()
        return not thread.is_alive()

    qtbot.waitUntil(ended, timeout=10000)


def write_several(path, first, second):
    """Two images in one file, the first under a well-known name; 2 and 3 micrometres where the format can tell."""
    import h5py
    from scipy.io import savemat

    if path.suffix == ".mat":
        savemat(path, {"image": first.transpose(1, 2, 0), "other": second.transpose(1, 2, 0), "voxel_size": [3e-6]})
        return
    with h5py.File(path, "w") as file:
        file["image"], file["other"] = first, second
        file["image"].attrs["voxel_size_um"] = 2.0
        file["other"].attrs["voxel_size_um"] = 3.0


@pytest.mark.parametrize("ending", [".h5", ".mat"])
def test_the_other_data_sets_of_a_file_are_one_click_away(qtbot, porelab, tmp_path, ending):
    path = tmp_path / f"several{ending}"
    first, second = (np.random.default_rng(k).integers(0, 99, (5, 6, 7)).astype(np.uint8) for k in (0, 1))
    write_several(path, first, second)
    session, opener = porelab.context.session, porelab.opener
    opener.open_one(path)
    porelab.wait(60)
    assert np.array_equal(session.items["several"].array(), first)

    def offers():
        return [t for t in porelab.toasts.shown if "holds 2 data sets; image was opened" in t.text]

    qtbot.waitUntil(lambda: bool(offers()), timeout=5000)
    qtbot.mouseClick(offers()[0].act, Qt.MouseButton.LeftButton)
    dialog = opener.dialog
    qtbot.waitExposed(dialog)
    assert [dialog.names.item(k).text() for k in range(2)] == ["image", "other"]
    place = dialog.names.visualItemRect(dialog.names.item(1)).center()
    qtbot.mouseClick(dialog.names.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert not dialog.isVisible()
    other = session.items["several"]
    assert np.array_equal(other.array(), second) and other.voxel_size == pytest.approx((3e-6,) * 3)
    assert np.array_equal(porelab.context.layers.layer("several").data, second)
    assert session.recipe.steps[-1].params["dataset"] == "other"
    qtbot.wait(100)
    assert not offers(), "what was chosen is not asked again"


def test_cubes_are_read_whole_once(qtbot, across_x):
    """A stack in cubes: eight neighbours come with a slice, and no cube is cut into pieces."""
    disk = Disk()
    data = da.from_array(disk, chunks=(8, 8, 8), name=False)
    reader = SliceReader(data)
    for axis, place in ((0, 21), (1, 300), (2, 77)):
        disk.asked.clear()
        for k in range(place // 8 * 8, place // 8 * 8 + 8):
            key = (*[slice(None)] * axis, k)
            assert np.array_equal(np.asarray(reader[key]), disk.voxels[key])
        assert sum(disk.asked) == 8 * disk.voxels.size // SHAPE[axis], "each voxel once"
        assert all(n % 512 == 0 for n in disk.asked)
