"""Networks of other programs, there and back."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import FormatError
from porelab_gui.core.export.methods import export
from porelab_gui.core.image.formats.dispatch import read_any
from porelab_gui.core.network.formats.names import to_openpnm
from porelab_gui.core.nouns import Column, Network
from porelab_gui.core.progress import silent


@pytest.fixture
def network():
    """Random pores in a box with three different edges, z shortest."""
    rng = np.random.default_rng(3)
    size = np.array([1e-6, 5e-6, 9e-6])
    count = 40
    conns = np.array([[k, k + 1] for k in range(count - 1)] + [[0, 7], [3, 30]])
    return Network(
        rng.random((count, 3)) * size,
        conns,
        {
            "inscribed_diameter": Column(rng.random(count) * 1e-7, "m"),
            "volume": Column(rng.random(count) * 1e-20, "m3"),
            "region": Column(np.arange(1, count + 1)),
            "face_x0": Column(np.arange(count) < 4),
            "face_z1": Column(np.arange(count) > 35),
        },
        {
            "inscribed_diameter": Column(rng.random(len(conns)) * 1e-8, "m"),
            "total_length": Column(1e-7 + rng.random(len(conns)) * 1e-7, "m"),
            "g_hydraulic.cylinder": Column(rng.random(len(conns)), "m3/(Pa s)", "by Poiseuille", {"viscosity": 1e-3}),
        },
        size=tuple(size),
        voxel_size=1e-8,
        porosity=0.21,
        extraction={"method": "snow2"},
        name="box",
    )


@pytest.mark.parametrize("name", ["n.npz", "n.csv"])
def test_own_files_keep_everything(tmp_path, network, name):
    back = read_any(export(network, tmp_path / name, silent)[0])
    assert back.content_hash == network.content_hash
    assert (back.size, back.voxel_size, back.porosity) == (network.size, network.voxel_size, network.porosity)
    for mine, theirs in ((network.pores, back.pores), (network.throats, back.throats)):
        assert {k: (c.unit, c.title, c.meta) for k, c in mine.items()} == {
            k: (c.unit, c.title, c.meta) for k, c in theirs.items()
        }


def test_openpnm_reads_what_we_write(tmp_path, network):
    op = pytest.importorskip("openpnm")
    export(network, tmp_path / "n.npz", silent)
    with np.load(tmp_path / "n.npz") as stored:
        pn = op.network.Network(coords=stored["pore.coords"], conns=stored["throat.conns"])
        pn.update({k: stored[k] for k in stored.files if k != "porelab"})
    np.testing.assert_array_equal(pn["pore.coords"][:, 0], network.coords[:, 2])
    np.testing.assert_array_equal(pn.pores("xmin"), [0, 1, 2, 3])
    np.testing.assert_array_equal(pn["throat.total_length"], network.throat("total_length"))


def test_openpnm_csv(tmp_path, network):
    op = pytest.importorskip("openpnm")
    stored = to_openpnm(network)
    pn = op.network.Network(coords=stored["pore.coords"], conns=stored["throat.conns"])
    pn.update(stored)
    op.io.network_to_csv(pn, str(tmp_path / "o.csv"))
    back = read_any(tmp_path / "o.csv")
    np.testing.assert_allclose(back.coords, network.coords)
    np.testing.assert_array_equal(back.conns, network.conns)
    np.testing.assert_allclose(back.throat("inscribed_diameter"), network.throat("inscribed_diameter"))


def test_porespy_npz_is_in_array_order(tmp_path):
    np.savez(
        tmp_path / "p.npz",
        **{
            "pore.coords": np.array([[1.0, 2, 3], [4, 5, 6]]),
            "throat.conns": np.array([[0, 1]]),
            "pore.region_label": np.array([1, 2]),
            "pore.xmin": np.array([True, False]),
        },
    )
    back = read_any(tmp_path / "p.npz")
    np.testing.assert_array_equal(back.coords[0], [1, 2, 3])
    np.testing.assert_array_equal(back.pore("face_z0"), [True, False])
    np.testing.assert_array_equal(back.pore("region"), [1, 2])


def test_statoil_round_trip(tmp_path, network):
    once = read_any(export(network, tmp_path / "one.dat", silent)[0])
    inlets = once.pore("boundary") & once.pore("face_x0")
    assert inlets.sum() == 4
    assert once.n_throats == network.n_throats + 4
    np.testing.assert_allclose(once.coords[:40], network.coords, rtol=1e-9)
    np.testing.assert_allclose(
        once.throat("total_length")[: network.n_throats], network.throat("total_length"), rtol=1e-9
    )
    np.testing.assert_allclose(once.size, network.size)
    assert (once.coords[inlets, 2] == 0).all()
    twice = read_any(export(once, tmp_path / "two.dat", silent)[3])
    assert twice.n_pores == once.n_pores
    for key, column in once.throats.items():
        np.testing.assert_allclose(twice.throat(key), column.values, rtol=1e-8, err_msg=key)


def test_statoil_real(real_data, tmp_path):
    sand = read_any(real_data("networks/F42A/F42A_link1.dat"))
    boundary = sand.pore("boundary")
    assert np.count_nonzero(~boundary) == 1246
    assert sand.size == (3e-3, 3e-3, 3e-3)
    assert sand.coords[0].tolist() == [1.90e-3, 2.81e-3, 1.20e-4]
    assert sand.throat("inscribed_diameter")[0] == pytest.approx(2 * 7.8337e-6)
    assert sand.throat("conduit_lengths.throat")[0] == pytest.approx(1e-5)
    assert sand.throat("volume")[0] == pytest.approx(1e-15)
    inner = sand.conns[0, 0]
    assert sand.pore("face_x1")[sand.conns[0, 1]] and inner == 1240
    back = read_any(export(sand, tmp_path / "f.dat", silent)[0])
    np.testing.assert_array_equal(back.conns, sand.conns)


def test_statoil_with_a_file_missing_or_short(tmp_path, network):
    made = export(network, tmp_path / "n.dat", silent)
    made[1].unlink()
    with pytest.raises(FormatError, match=r"n_link2\.dat.*missing"):
        read_any(made[0])
    made = export(network, tmp_path / "n.dat", silent)
    made[0].write_text("\n".join(made[0].read_text().splitlines()[:-5]))
    with pytest.raises(FormatError, match=r"rows are there of 45 promised"):
        read_any(made[0])


def test_csv_with_a_bad_cell_is_named(tmp_path, network):
    pores, _ = export(network, tmp_path / "n.csv", silent)
    pores.write_text(pores.read_text().replace("\n3,", "\nthree,"))
    with pytest.raises(FormatError, match=r"n_pores\.csv.*column 'pore'"):
        read_any(pores)


def test_avizo_network_by_openpnm(tmp_path, network):
    op = pytest.importorskip("openpnm")
    stored = to_openpnm(network)
    pn = op.network.Network(coords=stored["pore.coords"] * 1e6, conns=stored["throat.conns"])
    pn["pore.EqRadius"] = network.pore("inscribed_diameter") * 1e6
    pn["throat.Area"] = network.throat("inscribed_diameter") * 1e12
    op.io.network_to_pergeos(pn, str(tmp_path / "a.am"))
    back = read_any(tmp_path / "a.am")
    np.testing.assert_allclose(back.coords, network.coords)
    np.testing.assert_array_equal(back.conns, network.conns)
    np.testing.assert_allclose(back.pore("equivalent_diameter"), 2 * network.pore("inscribed_diameter"))
    np.testing.assert_allclose(back.throat("cross_sectional_area"), network.throat("inscribed_diameter"))


def test_avizo_network_in_binary_with_its_unit(tmp_path, network):
    head = (
        "# Avizo BINARY-LITTLE-ENDIAN 3.0\n\n"
        f"define VERTEX {network.n_pores}\ndefine EDGE {network.n_throats}\n\n"
        'Parameters {\n    Units {\n        Coordinates "nm"\n    }\n    ContentType "HxPoreNetworkModel"\n}\n\n'
        "VERTEX { float[3] VertexCoordinates } @1\nEDGE { int[2] EdgeConnectivity } @2\n"
        "EDGE { float ChannelLength } @3\n\n# Data section follows\n"
    )
    parts = (
        (network.coords[:, ::-1] * 1e9).astype("<f4"), network.conns.astype("<i4"),
        (network.throat("total_length") * 1e9).astype("<f4"),
    )  # fmt: skip
    body = b"".join(b"@%d\n" % (k + 1) + p.tobytes() + b"\n\n" for k, p in enumerate(parts))
    (tmp_path / "b.am").write_bytes(head.encode() + body)
    back = read_any(tmp_path / "b.am")
    np.testing.assert_allclose(back.coords, network.coords, rtol=1e-6)
    np.testing.assert_array_equal(back.conns, network.conns)
    np.testing.assert_allclose(back.throat("total_length"), network.throat("total_length"), rtol=1e-6)


def test_3dma_agrees_with_its_second_file(real_data):
    path = real_data("networks/castlegate_3dma/castle_cln.np2th")
    with pytest.raises(FormatError, match="in voxels"):
        read_any(path)
    net = read_any(path, 5e-6)
    record = np.dtype([("number", "<u4"), ("area", "<f4"), ("voxels", "<i4"), ("ends", "<i4", 2)])
    raw = path.with_suffix(".th2np").read_bytes()
    count = int(np.frombuffer(raw, "<u4", 1)[0])
    listed = np.frombuffer(raw, record, count, 4)
    ends = np.sort(listed["ends"], axis=1) - 1
    kept = ends[:, 0] != ends[:, 1]
    assert net.n_throats <= count and net.n_pores == 9915
    mine = {tuple(c) for c in net.conns.tolist()}
    theirs = {tuple(c) for c in ends[kept].tolist() if c[0] >= 0}
    assert mine == theirs
    real = kept & (ends[:, 0] >= 0)
    np.testing.assert_array_equal(net.conns, ends[real])
    np.testing.assert_allclose(net.throat("cross_sectional_area"), listed["area"][real] * 25e-12, rtol=1e-6)
    assert (net.coords > 0).all() and (net.coords < np.array(net.size)).all()


def test_3dma_cut_short(tmp_path, real_data):
    source = real_data("networks/castlegate_3dma/castle_cln.np2th")
    raw = source.read_bytes()
    (tmp_path / "c.np2th").write_bytes(raw[: len(raw) // 3])
    (tmp_path / "c.th2np").write_bytes(source.with_suffix(".th2np").read_bytes())
    with pytest.raises(FormatError, match=r"c\.np2th.*amid a record"):
        read_any(tmp_path / "c.np2th", 1e-6)
