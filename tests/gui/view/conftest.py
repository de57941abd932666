"""One napari window for all tests of the network view, small made networks, and a context around them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Column, Network


def make_network(shape=(4, 4, 4), spacing=10e-6, seed=0, gap=False):
    """A cubic lattice with random sizes, faces, and two conductances; ``gap`` cuts it across the y axis."""
    rng = np.random.default_rng(seed)
    index = np.arange(np.prod(shape)).reshape(shape)
    pairs = [(index[:-1], index[1:]), (index[:, :-1], index[:, 1:]), (index[:, :, :-1], index[:, :, 1:])]
    if gap:
        kept = np.arange(shape[1] - 1) != shape[1] // 2 - 1
        pairs[1] = (index[:, :-1][:, kept], index[:, 1:][:, kept])
    conns = np.concatenate([np.stack([a.ravel(), b.ravel()], 1) for a, b in pairs])
    place = np.stack(np.unravel_index(np.arange(index.size), shape), 1)
    pores = {
        "inscribed_diameter": Column(rng.uniform(3, 6, index.size) * 1e-6, "m", "largest sphere"),
        "region": Column(np.arange(1, index.size + 1)),
        "pressure.z": Column(1 - place[:, 0] / (shape[0] - 1), "Pa", "pressure, flow along z"),
    }
    for k, axis in enumerate("zyx"):
        pores[f"face_{axis}0"] = Column(place[:, k] == 0)
        pores[f"face_{axis}1"] = Column(place[:, k] == shape[k] - 1)
    g = rng.lognormal(-34, 1, len(conns))
    throats = {
        "inscribed_diameter": Column(rng.uniform(1, 2.5, len(conns)) * 1e-6, "m", "largest sphere in the throat"),
        "total_length": Column(np.full(len(conns), spacing), "m", "centre to centre"),
        "g_hydraulic.cylinder": Column(
            g, "m3/(Pa s)", "hydraulic conductance, cylinder", {"law": "cylinder", "viscosity": 1e-3}
        ),
        "g_hydraulic.valvatne_blunt": Column(g * rng.lognormal(0, 0.2, len(conns)), "m3/(Pa s)", "by Valvatne-Blunt"),
    }
    size = tuple(float(n * spacing) for n in shape)
    return Network(place * spacing, conns, pores, throats, size=size, voxel_size=1e-6, porosity=0.2, name="network")


@pytest.fixture
def network():
    return make_network()


@pytest.fixture(scope="session")
def window():
    """A napari window; opened once, since that is what takes time."""
    napari = pytest.importorskip("napari")
    viewer = napari.Viewer()
    viewer.window.resize(760, 560)  # without a graphics card the size of the canvas is what takes time
    yield viewer
    viewer.close()


@pytest.fixture
def context(window, qapp):
    """A context with an empty session around the shared window; ``put(name=noun)`` makes items."""
    from porelab_gui.gui.context import Context, Selection
    from porelab_gui.gui.layers import Layers
    from porelab_gui.gui.workers import Bridge
    from porelab_gui.session.jobs import JobQueue
    from porelab_gui.session.session import Session

    session, selection = Session(JobQueue(deliver=Bridge(window.window._qt_window))), Selection()
    layers = Layers(window, session, selection)
    said = []
    made = Context(window, session, layers, lambda *a, **k: said.append(a), lambda *a, **k: said.append(a), selection)
    made.said = said
    made.put = lambda **items: put(session, items)
    yield made
    session.queue.close()
    layers.close()
    window.layers.clear()
    window.dims.ndisplay = 2


def put(session, items):
    """Items into a session as if a step had made them."""
    kinds = {k: type(v) for k, v in items.items()}
    step = Method("made_in_test", "Made in a test", "", "Load", "", Params, {}, kinds, lambda *a: {})
    session.put(step, {}, {}, items)


@pytest.fixture
def lattice():
    """The maker of networks, for tests that want another one."""
    return SimpleNamespace(make=make_network)
