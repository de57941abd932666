"""RAW files: guessed from name and size, checked against the size, previewed before anything is read."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.gui.dialogs.raw_import import RawDialog

pytestmark = pytest.mark.gui


@pytest.fixture
def raw(tmp_path):
    image = np.random.default_rng(0).integers(0, 60000, (6, 8, 10), dtype=np.uint16)
    path = tmp_path / "rock_10x8x6_2.25um_u16_be.raw"
    image.astype(">u2").tofile(path)
    return path, image


@pytest.fixture
def dialog(qtbot, raw):
    made = RawDialog(None, raw[0])
    qtbot.addWidget(made)
    made.show()
    return made


def test_name_and_size_fill_the_form(dialog):
    assert [int(b.text()) for b in dialog.shape] == [6, 8, 10]
    assert dialog.dtype.currentText() == "uint16"
    assert dialog.byte_order.currentText() == "big"
    assert dialog.voxel.voxel() == (2.25e-6,) * 3
    assert dialog.ok.isEnabled()


def test_the_middle_slice_is_drawn_and_follows_the_layout(dialog):
    first = dialog.picture.pixmap().toImage()
    dialog.byte_order.setCurrentText("little")
    assert dialog.picture.pixmap().toImage() != first
    assert dialog.caption.text().startswith("slice 3 ")


def test_a_layout_that_does_not_fit_says_by_how_much_and_cannot_be_imported(dialog):
    dialog.shape[0].lineEdit().setText("7")
    assert not dialog.ok.isEnabled()
    assert "1,120 bytes, 160 more than the 960" in dialog.verdict.text()
    dialog.shape[0].lineEdit().setText("many")
    assert "not a number" in dialog.verdict.text()


def test_the_voxel_size_is_asked_for_too(dialog):
    dialog.voxel.boxes[0].lineEdit().setText("")
    assert not dialog.ok.isEnabled()


def test_import_gives_the_image(qtbot, porelab, raw):
    path, image = raw
    porelab.run_files([path])
    dialog = porelab.opener.dialog
    assert isinstance(dialog, RawDialog)
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    noun = porelab.context.session.items[path.stem]
    assert np.array_equal(noun.array(), image)
    assert noun.voxel_size == (2.25e-6,) * 3


def test_several_images_in_one_file_are_offered(qtbot, porelab, tmp_path):
    path = tmp_path / "two.npz"
    np.savez(path, first=np.zeros((4, 4, 4), np.uint8), second=np.ones((4, 4, 4), np.uint8))
    porelab.run_files([path])
    porelab.wait(60)
    dialog = porelab.opener.dialog
    dialog.names.setCurrentRow(1)
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    porelab.opener.dialog.row.boxes[0].lineEdit().setText("3")
    qtbot.mouseClick(porelab.opener.dialog.ok, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert (porelab.context.session.items["two"].array() == 1).all()
