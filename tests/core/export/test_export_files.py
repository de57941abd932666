"""Exports are whole or absent, and say why they are absent."""

from __future__ import annotations

import csv
import errno
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from porelab_gui.core import atomic
from porelab_gui.core.errors import InputError, PorelabError
from porelab_gui.core.export import whole
from porelab_gui.core.export.methods import EXPORT, export
from porelab_gui.core.export.throat_table import write_throat_table
from porelab_gui.core.nouns import Column, Network, Stack, Table
from porelab_gui.core.progress import Cancelled, silent


@pytest.fixture
def network():
    """Four pores in a row with results."""
    coords = np.array([[0, 0, 1.0], [0, 0, 2], [0, 1, 3], [1, 1, 4]]) * 1e-6
    return Network(
        coords,
        [[0, 1], [1, 2], [2, 3]],
        {"inscribed_diameter": Column([1e-6, 2e-6, 3e-6, 4e-6], "m"), "face_x0": Column([True, False, False, False])},
        {
            "inscribed_diameter": Column([1e-7, 2e-7, 3e-7], "m"),
            "g_hydraulic.cylinder": Column([1e-18, 2e-18, 3e-18], "m3/(Pa s)", meta={"viscosity": 1e-3}),
            "g_hydraulic.valvatne_blunt": Column([1.5e-18, 2.5e-18, 3.5e-18], "m3/(Pa s)"),
        },
        size=(2e-6, 3e-6, 5e-6),
        name="row",
    )


@pytest.fixture
def stack():
    return Stack(np.random.default_rng(0).integers(0, 255, (40, 50, 60)).astype(np.uint8), 1e-6, name="noise")


NOUNS = [
    ("stack", "a.tif"), ("stack", "a.ome.tif"), ("stack", "a.raw"), ("stack", "a.mhd"), ("stack", "a.npz"),
    ("network", "n.vtp"), ("network", "n.csv"), ("network", "n.npz"), ("network", "n.dat"),
]  # fmt: skip


@pytest.fixture
def tiny_disk():
    """A real file system of 16 KiB, where mounting is allowed."""
    with tempfile.TemporaryDirectory() as name:
        if (
            os.geteuid() != 0
            or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", name], capture_output=True, check=False
            ).returncode
        ):
            pytest.skip("mounting a small disk is not allowed here")
        yield Path(name)
        subprocess.run(["umount", name], check=True)


@pytest.mark.parametrize(("kind", "name"), NOUNS)
def test_full_disk_leaves_nothing(tiny_disk, request, kind, name):
    (tiny_disk / "filler").write_bytes(bytes(12288))
    noun = request.getfixturevalue(kind)
    if kind == "network":
        noun = _grown(noun)
    with pytest.raises(PorelabError, match="the disk is full"):
        export(noun, tiny_disk / name, silent)
    assert sorted(p.name for p in tiny_disk.iterdir()) == ["filler"]


def _grown(network: Network) -> Network:
    """Enough pores to overflow a small disk."""
    rng = np.random.default_rng(0)
    count = 5000
    return Network(
        rng.random((count, 3)),
        rng.integers(0, count, (count, 2)),
        {"inscribed_diameter": Column(rng.random(count), "m")},
        {"inscribed_diameter": Column(rng.random(count), "m")},
        name="big",
    )


@pytest.mark.parametrize(("kind", "name"), NOUNS)
def test_full_disk_at_the_last_moment_keeps_the_old_file(tmp_path, monkeypatch, request, kind, name):
    noun = request.getfixturevalue(kind)
    made = export(noun, tmp_path / name, silent)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(whole.os, "fsync", full)
    with pytest.raises(PorelabError, match=rf"{made[0].name[0]}.*the disk is full.*Free some space"):
        export(noun, tmp_path / name, silent)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_cancel_leaves_nothing(tmp_path, stack):
    def stop(done, total, message="", /, **metrics):
        raise Cancelled

    with pytest.raises(Cancelled):
        export(stack, tmp_path / "a.tif", stop)
    assert list(tmp_path.iterdir()) == []


def test_no_permission_no_folder_no_such_ending(tmp_path, stack, network):
    with pytest.raises(PorelabError, match="folder does not exist"):
        export(stack, tmp_path / "gone" / "a.tif", silent)
    with pytest.raises(InputError, match=r"Network cannot be written as \.tif.*\.vtp"):
        export(network, tmp_path / "n.tif", silent)
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o555)
        user = os.geteuid()
        os.seteuid(65534 if user == 0 else user)
        try:
            with pytest.raises(PorelabError, match="no permission to write"):
                export(stack, Path(name) / "a.tif", silent)
        finally:
            os.seteuid(user)
            os.chmod(name, 0o755)


def test_refusals_are_the_ones_of_the_house():
    assert "full" in str(atomic.as_write_error(OSError(errno.ENOSPC, ""), Path("x")))


def test_throat_table_has_every_conductance(tmp_path, network):
    write_throat_table(network, tmp_path / "t.csv")
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert len(rows) == network.n_throats
    assert [float(r["g_hydraulic.valvatne_blunt [m3/(Pa s)]"]) for r in rows] == [1.5e-18, 2.5e-18, 3.5e-18]
    assert [[int(r["pore_1"]), int(r["pore_2"])] for r in rows] == network.conns.tolist()
    assert float(rows[0]["middle_x [m]"]) == pytest.approx(1.5e-6)


def test_method_lists_what_it_wrote(tmp_path, network):
    files = EXPORT({"data": network}, {"path": str(tmp_path / "n.csv")})["files"]
    assert [Path(p).name for p in files["file"]] == ["n_pores.csv", "n_throats.csv"]
    assert all(files["size"] > 0)


def test_table_as_csv_and_json(tmp_path):
    table = Table(
        {"depth": Column([0.5, np.nan], "m"), "name": Column(np.array(["a", "b"]))}, notes=("a note",), name="t"
    )
    export(table, tmp_path / "t.csv", silent)
    export(table, tmp_path / "t.json", silent)
    assert (tmp_path / "t.csv").read_text() == "# a note\ndepth [m],name\n0.5,a\nnan,b\n"
    known = json.loads((tmp_path / "t.json").read_text())
    assert known["columns"]["depth"] == {"unit": "m", "title": "", "values": [0.5, None]}


def test_vtp_is_read_by_vtk(tmp_path, network):
    vtk = pytest.importorskip("vtk")
    from vtk.util.numpy_support import vtk_to_numpy

    export(network, tmp_path / "n.vtp", silent)
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "n.vtp"))
    reader.Update()
    poly = reader.GetOutput()
    np.testing.assert_array_equal(vtk_to_numpy(poly.GetPoints().GetData()), network.coords[:, ::-1])
    assert poly.GetNumberOfLines() == 3
    g = vtk_to_numpy(poly.GetCellData().GetArray("g_hydraulic.cylinder [m3/(Pa s)]"))
    np.testing.assert_array_equal(g, network.throat("g_hydraulic.cylinder"))
    assert [poly.GetCell(2).GetPointId(k) for k in (0, 1)] == [2, 3]


def test_parquet_keeps_values_units_and_notes(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = Table(
        {"K": Column(np.array([1 / 3, np.nan]), "m2", "permeability"), "axis": Column(np.array(["z", "y"])),
         "n": Column(np.array([1, 2])), "ok": Column(np.array([True, False]))},
        ("A note.",), name="K and F",
    )  # fmt: skip
    export(table, tmp_path / "t.parquet", silent)
    frame = pandas.read_parquet(tmp_path / "t.parquet")
    assert list(frame.columns) == ["K [m2]", "axis", "n", "ok"]
    assert np.array_equal(frame["K [m2]"], [1 / 3, np.nan], equal_nan=True) and list(frame["axis"]) == ["z", "y"]
    assert frame["n"].dtype == np.int64 and frame["ok"].dtype == bool
    assert frame.attrs["notes"] == ["A note."] and frame.attrs["columns"]["K [m2]"]["title"] == "permeability"


def test_without_pyarrow_the_sentence_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(PorelabError, match=r"porelab-gui\[tables\].*\.csv"):
        export(Table({"n": Column(np.array([1]))}), tmp_path / "t.parquet", silent)
    assert list(tmp_path.iterdir()) == []
