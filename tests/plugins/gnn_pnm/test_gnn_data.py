"""The data set: parts that share no medium, a build that goes on, duplicates, targets of zero, throat flows."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from porelab_methods.gnn_pnm import data
from porelab_methods.gnn_pnm.labels import Sample, as_labels, extract, label, throat_flows
from porelab_methods.gnn_pnm.learn import collect
from porelab_methods.gnn_pnm.media import MAKERS, Spec, make

from porelab_gui.core.errors import InputError
from porelab_gui.core.progress import Cancelled
from porelab_gui.core.transport.stokes.flow import Flow


def test_no_medium_is_in_two_parts():
    specs = data.specs(data.Plan())
    keys = [s.key for s in specs]
    assert len(set(keys)) == len(keys)
    assert {s.role for s in specs if s.family == "bubbles"} == {"unseen_family"}
    assert {s.role for s in specs if s.family == "berea"} == {"unseen_rock"}
    for rock in ("sandstone300", "leopard"):
        boxes = [s for s in specs if s.family == rock]
        for a in boxes:
            for b in boxes:
                apart = any(abs(p - q) >= a.size for p, q in zip(a.corner, b.corner, strict=True))
                assert a is b or apart
    first = specs[: len(specs) // 3]
    assert all(sum(s.family == f for s in first) > 60 for f in data.SEEN)


@pytest.mark.parametrize("family", list(MAKERS))
def test_media_come_from_their_seed(family):
    spec = Spec(family, 24, 7, "train", (0,))
    void = make(spec)
    assert void.shape == (24,) * 3 and 0.1 < void.mean() < 0.9
    assert np.array_equal(void, make(spec)) and not np.array_equal(void, make(replace(spec, seed=8)))


def test_a_build_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_generated", lambda i, size, seed: Spec("blobs", 20, seed + i, "train", (0,)))
    plan = data.Plan(networks=3, wide=0, unseen=0, growth=0, rocks=False)

    def stop(done, total, message="", /, **_):
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        data.build(plan, tmp_path, solver="fv", progress=stop)
    kept = {p: os.stat(p).st_mtime_ns for p in tmp_path.glob("*.npz")}
    assert len(kept) == 2
    assert data.build(plan, tmp_path, solver="fv") == {}
    assert len(list(tmp_path.glob("*.npz"))) == 3 and all(os.stat(p).st_mtime_ns == t for p, t in kept.items())
    sample = data.load(tmp_path)[0]
    assert sample.family == "blobs" and sample.void.shape == (20,) * 3 and np.isfinite(sample.f).all()
    assert np.isnan(sample.k[1:]).all() and sample.k[0] >= 0
    next(iter(kept)).write_bytes(b"half a file")
    with pytest.raises(InputError, match="no sample"):
        data.load(tmp_path)


def test_a_rock_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="berea"):
        make(Spec("berea", 64, 0, "unseen_rock", (0,)), tmp_path)


def test_duplicates_stay_where_they_test(samples):
    double = replace(samples[0], role="test", network=samples[0].network.renamed("again"))
    kept, left = data.without_duplicates([*samples, double])
    assert left == [samples[0].network.name]
    assert [s.role for s in kept].count("test") == 1 and len(kept) == len(samples)


def test_a_target_of_zero_is_left_out_and_a_folder_of_them_refused(samples, tmp_path):
    dead = replace(samples[0], k=np.zeros(3))
    assert data.usable([dead, samples[1]]) == ([samples[1]], [dead.network.name])
    shape = (36,) * 3
    data.write(tmp_path / "dead.npz", replace(dead, void=np.zeros(shape, bool)))
    with pytest.raises(InputError, match="permeability of zero"):
        collect(tmp_path)
    with pytest.raises(InputError, match="no sample"):
        collect(tmp_path / "nowhere")


def test_flow_through_a_duct_passes_every_throat():
    void = np.zeros((30, 12, 12), bool)
    void[:, 3:9, 3:9] = True
    void[9:12, 3:5], void[18:21, 7:9] = False, False  # two constrictions part it in pores
    regions, network = extract(as_labels(void), 1)
    velocity = np.zeros((3, *void.shape), np.float32)
    area = void.sum(axis=(1, 2)).astype(np.float32)
    velocity[0] = void / area[:, None, None]  # the same flow of 1 through every section
    flow = Flow(np.array([1 / 144, 0, 0]), velocity, np.zeros(void.shape, np.float32), 1, 0.0, True)
    shares = throat_flows(regions, network, flow, 0)
    along = np.abs(network.coords[network.conns[:, 0], 0] - network.coords[network.conns[:, 1], 0]) > 2e-6
    assert along.sum() >= 3
    assert np.abs(shares[along]) == pytest.approx(1, abs=0.25)
    assert np.abs(shares[~along]).max(initial=0) < 0.05


def test_labels_of_a_slit_are_those_of_the_closed_form():
    void = np.zeros((16, 18, 16), bool)
    void[:, 5:13] = True
    regions, sample = label(void, (0,), solver="fv")
    assert isinstance(sample, Sample) and regions.shape == void.shape
    assert sample.f[0] == pytest.approx(18 / 8, rel=1e-3)
    # sealed sides 16 voxels apart: a rectangular duct of 8 x 16
    n = np.arange(1, 40, 2)
    duct = (1 - 192 / np.pi**5 * 0.5 * np.sum(np.tanh(n * np.pi) / n**5)) * 64 / 12 * 8 / 18
    assert sample.k[0] / 1e-12 == pytest.approx(duct, rel=0.03)


def test_what_enters_and_leaves_through_throats_is_the_whole_flow():
    """Seams that extraction leaves between boundary pores lose no flow (parts of a face too small for a pore would)."""
    from scipy.ndimage import gaussian_filter

    void = gaussian_filter(np.random.default_rng(0).standard_normal((36, 36, 36)), 3.5, mode="wrap") > -0.01
    _, sample = label(void, (0,), f_axes=(0,), solver="fv")
    network, shares = sample.network, sample.shares[0]
    for side, sign in (("face_z0", 1), ("face_z1", -1)):
        ends = network.pore(side).astype(bool) & network.pore("boundary").astype(bool)
        through = shares[ends[network.conns[:, 0]]].sum() - shares[ends[network.conns[:, 1]]].sum()
        assert sign * through == pytest.approx(1, abs=0.02)
    inside = ~network.pore("boundary").astype(bool)
    net = np.zeros(network.n_pores)
    np.add.at(net, network.conns[:, 0], shares)
    np.add.at(net, network.conns[:, 1], -shares)
    assert np.abs(net[inside]).max() < 0.05


def test_conduits_of_the_training_media_are_simulated_on_demand_and_learned_from(tmp_path):
    from porelab_methods.gnn_pnm.systems import prepare

    spec = data.specs(data.Plan(networks=1, wide=0, unseen=0, growth=0, rocks=False))[0]
    assert not data.build(data.Plan(), tmp_path, chosen=[replace(spec, size=28)], conduits=True)
    (sample,) = data.load(tmp_path)
    g = sample.network.throat("g_hydraulic.dns")
    assert np.isfinite(g).mean() > 0.9
    ready = prepare(sample, "full")
    assert ready is not None and np.isfinite(ready.dns).mean() > 0.9
    assert np.median(np.abs(ready.dns[:, 0] - ready.graph.base[:, 0])) < 1.5  # of the size of the cone law, as ln
