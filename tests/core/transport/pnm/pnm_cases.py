"""Networks that the tests of the solver share."""

import numpy as np

from porelab_gui.core.nouns import Column, Network


def faces_of(coords, size, depth):
    """face_<axis><side> columns: pores whose centre is within ``depth`` of a face."""
    return {
        f"face_{axis}{side}": np.abs(coords[:, k] - side * size[k]) <= depth
        for k, axis in enumerate("zyx")
        for side in (0, 1)
    }


def cubic_network(seed=0, shape=(6, 7, 8), spacing=1e-4, spread=1.0, keep=1.0):
    """Lattice with random conductances over ``spread`` decades (standard deviation); ``keep`` thins the throats."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, 3)
    index = np.arange(len(grid)).reshape(shape)
    conns = np.concatenate(
        [
            np.c_[index[:-1].ravel(), index[1:].ravel()],
            np.c_[index[:, :-1].ravel(), index[:, 1:].ravel()],
            np.c_[index[:, :, :-1].ravel(), index[:, :, 1:].ravel()],
        ]
    )
    conns = conns[rng.random(len(conns)) < keep]
    coords, size = (grid + 0.5) * spacing, tuple(float(n) * spacing for n in shape)
    hydraulic = 1e-13 * 10 ** (spread * rng.normal(size=len(conns)))
    diffusive = 1e-14 * 10 ** (spread * rng.normal(size=len(conns)))
    return Network(
        coords,
        conns,
        pores={
            "inscribed_diameter": rng.uniform(0.3, 0.7, len(coords)) * spacing,
            **faces_of(coords, size, 0.6 * spacing),
        },
        throats={
            "g_hydraulic.test": Column(hydraulic, "m3/(Pa s)", meta={"viscosity": 1.3e-3}),
            "g_diffusive.test": Column(diffusive, "m3/s", meta={"diffusivity": 2e-9}),
        },
        size=size,
        porosity=0.2,
        name="lattice",
    )


def with_conductance(network, g, key="g_hydraulic.test"):
    """``network`` with other values in one conductance column."""
    old = network.throats[key]
    return network.with_throats({key: Column(g, old.unit, meta=old.meta)})


def chain(conductances, spacing=1e-4):
    """Pores in a row along z, joined by the given conductances."""
    n = len(conductances) + 1
    coords = np.c_[np.arange(n) + 0.5, np.full((n, 2), 0.5)] * spacing
    size = (n * spacing, spacing, spacing)
    return Network(
        coords,
        np.c_[np.arange(n - 1), np.arange(1, n)],
        pores={"inscribed_diameter": np.full(n, spacing / 2), **faces_of(coords, size, 0.6 * spacing)},
        throats={"g_hydraulic.test": Column(conductances, "m3/(Pa s)", meta={"viscosity": 1e-3})},
        size=size,
        name="chain",
    )
