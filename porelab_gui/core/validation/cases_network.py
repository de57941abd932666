"""Network solves against closed forms, quadrature, OpenPNM, exact fractions and voxel truth on Berea."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial

import numpy as np

from porelab_gui.core.nouns import AXES, Column, Labels, Network, Table
from porelab_gui.core.validation.case import Case, data_file, read_reference

GROUP = "network"
ROUNDING = "closed form; only rounding is between the two"
SPACING, MU, D0 = 1e-4, 1.3e-3, 2e-9
BEREA, BEREA_K, BEREA_VOXEL = "berea/berea_z000-256_pore.npz", "berea/reference_K_FF_128.csv", 5.345e-6


def lattice(n: int = 8, spread: float = 0.0, seed: int = 0) -> Network:
    """A cube of n^3 pores with conductances 1e-13 * 10^N(0, spread) for flow and for diffusion."""
    index = np.arange(n**3).reshape(n, n, n)
    pairs = [(index[:-1], index[1:]), (index[:, :-1], index[:, 1:]), (index[:, :, :-1], index[:, :, 1:])]
    conns = np.concatenate([np.c_[a.ravel(), b.ravel()] for a, b in pairs])
    cells = np.stack(np.unravel_index(np.arange(n**3), (n, n, n)), axis=1)
    g = 1e-13 * 10 ** (spread * np.random.default_rng(seed).normal(size=len(conns)))
    faces = {f"face_{a}{s}": Column(cells[:, k] == s * (n - 1)) for k, a in enumerate(AXES) for s in (0, 1)}
    return Network(
        np.asarray((cells + 0.5) * SPACING, np.float64),
        conns,
        {"inscribed_diameter": Column(np.full(n**3, SPACING / 2), "m"), **faces},
        {
            "g_hydraulic.given": Column(g, "m3/(Pa s)", meta={"viscosity": MU}),
            "g_diffusive.given": Column(g, "m3/s", meta={"diffusivity": D0}),
        },
        size=(n * SPACING,) * 3,
        porosity=0.25,
    )


def _flow(network: Network, **options: str) -> Table:
    from porelab_gui.core.transport.pnm.solve import solve_flow

    return solve_flow(network, "given", axes=("z",), **options)[1]  # type: ignore[arg-type]


def _uniform(boundary: str) -> float:
    return float(_flow(lattice(), boundary=boundary)["K_m2"][0])


def _uniform_expected(boundary: str, n: int = 8) -> float:
    """n^2 equal chains side by side; with reservoirs two half tubes of d = spacing / 2 more in each."""
    half = np.pi * (SPACING / 2) ** 4 / (128 * MU * SPACING / 2)
    resistance = (n - 1) / 1e-13 + (2 / half if boundary == "reservoirs" else 0.0)
    return MU * n**2 / resistance / (n * SPACING)


def _openpnm() -> float:
    """K of a random lattice by OpenPNM, pore centres held."""
    import openpnm as op

    network = lattice(8, 1.0, 3)
    pn = op.network.Network(coords=network.coords, conns=network.conns)
    phase = op.phase.Phase(network=pn)
    phase["throat.hydraulic_conductance"] = network.throat("g_hydraulic.given")
    flow = op.algorithms.StokesFlow(network=pn, phase=phase)
    inlet = np.flatnonzero(network.pore("face_z0"))
    flow.set_value_BC(pores=inlet, values=1.0)
    flow.set_value_BC(pores=np.flatnonzero(network.pore("face_z1")), values=0.0)
    flow.run(solver=op.solvers.ScipySpsolve(), verbose=False)
    return MU * abs(float(flow.rate(pores=inlet)[0])) / network.size[0]


def _random(boundary: str = "centres") -> float:
    return float(_flow(lattice(8, 1.0, 3), boundary=boundary)["K_m2"][0])


def _chain(conductances: tuple[float, ...]) -> float:
    """Outflow of pores in a row per unit drop, centres held."""
    n = len(conductances) + 1
    places = np.c_[np.arange(n) + 0.5, np.full((n, 2), 0.5)] * SPACING
    ends = {"face_z0": Column(np.arange(n) == 0), "face_z1": Column(np.arange(n) == n - 1)}
    g = Column(np.array(conductances), meta={"viscosity": MU})
    conns = np.c_[np.arange(n - 1), np.arange(1, n)]
    network = Network(places, conns, ends, {"g_hydraulic.given": g}, size=(n * SPACING, SPACING, SPACING))
    return float(_flow(network, boundary="centres")["flow_out"][0])


def _chain_expected(conductances: tuple[float, ...]) -> float:
    return float(1 / sum(1 / Fraction(g) for g in conductances))


def _balance() -> float:
    table = _flow(lattice(12, 1.0, 5))
    return float(abs(table["flow_in"][0] / table["flow_out"][0] - 1))


def _gradient_error() -> float:
    """Worst gap between closed-form gradient and central differences, over the largest gradient."""
    from porelab_gui.core.transport.pnm.axis import network_system
    from porelab_gui.core.transport.pnm.kinds import FLOW

    network = lattice(5, 1.0, 1)
    system = network_system(network, "given", "z", "reservoirs", FLOW)
    g = network.throat("g_hydraulic.given").astype(float)
    system.solve(g)
    exact = system.gradient

    def slope(e: int) -> float:
        values = []
        for sign in (1, -1):
            moved = g.copy()
            moved[e] *= 1 + sign * 1e-4
            values.append(system.solve(moved).value)
        return (values[0] - values[1]) / (2e-4 * g[e])

    chosen = np.random.default_rng(0).choice(len(g), 8, replace=False)
    return float(max(abs(slope(int(e)) - exact[e]) for e in chosen) / exact.max())


def _conduit(law: str, kind: str) -> float:
    """Size factor of one conduit, pores of 60 and 40 um, throat of 15 um, 90 um apart."""
    from porelab_gui.core.transport.laws.assign import assign

    network = Network(
        [[0, 0, 0], [9e-5, 0, 0]],  # type: ignore[arg-type]
        [[0, 1]],  # type: ignore[arg-type]
        {"inscribed_diameter": Column([6e-5, 4e-5])},  # type: ignore[arg-type]
        {"inscribed_diameter": Column([1.5e-5])},  # type: ignore[arg-type]
    )
    made = assign(
        network,
        [law],
        viscosity=1.0,
        diffusivity=1.0,
        pore_diameter="inscribed",
        throat_diameter="inscribed",
        length="direct",
    )
    return float(made.throat(f"g_{kind}.{law}")[0])


def _conduit_quadrature(law: str, kind: str) -> float:
    """The same by integrating dx / A (diffusive) or 8 pi dx / A^2 (hydraulic) numerically over the parts."""
    from scipy.integrate import quad

    d1, dt, d2, length = 6e-5, 1.5e-5, 4e-5, 9e-5
    reach = [d / 2 if law == "cones_and_cylinders" else np.sqrt(d**2 - dt**2) / 2 for d in (d1, d2)]

    def diameter(d: float, end: float, x: float) -> float:
        if law == "cones_and_cylinders":
            return d + (dt - d) * x / end
        return float(np.sqrt(d**2 - 4 * x**2))

    def per_length(width: float) -> float:
        area = np.pi / 4 * width**2
        return float(1 / area if kind == "diffusive" else 8 * np.pi / area**2)

    total = (length - sum(reach)) * per_length(dt)
    for d, end in zip((d1, d2), reach, strict=True):
        # in units of the half pore, so that quadrature sees numbers of order 1
        total += end * quad(lambda u, d=d, end=end: per_length(diameter(d, end, u * end)), 0, 1, epsrel=1e-12)[0]
    return 1 / total


@cache
def _berea_network(z: int, y: int, x: int) -> Network:
    from porelab_gui.core.registry import get

    path = data_file(BEREA)
    assert path is not None
    with np.load(path, allow_pickle=False) as file:
        pore = file[file.files[0]][z : z + 128, y : y + 128, x : x + 128]
    labels = Labels(pore.astype(np.uint8), (BEREA_VOXEL,) * 3)
    network = get("extract_network")({"labels": labels}, {})["network"]
    made = get("conductance_analytic")({"network": network}, {})["network"]
    assert isinstance(made, Network)
    return made


def _berea(block: tuple[int, int, int], quantity: str) -> float:
    """Geometric mean over the three axes of K [m2] or F under spheres and cylinders."""
    from porelab_gui.core.transport.pnm.solve import solve_diffusion, solve_flow

    solve = solve_flow if quantity == "K_m2" else solve_diffusion
    table = solve(_berea_network(*block), "spheres_and_cylinders")[1]
    return float(np.exp(np.log(table[quantity].astype(float)).mean()))


def _closed_forms() -> list[Case]:
    made = [
        Case(f"uniform lattice, {way}", GROUP, partial(_uniform, way), partial(_uniform_expected, way), 1e-10, ROUNDING,
             "equal chains side by side", "8^3 pores", "m2")
        for way in ("centres", "reservoirs")
    ]  # fmt: skip
    chains: dict[str, tuple[float, ...]] = {
        "three throats": (1e-13, 3e-13, 2e-14),
        "a rigid pair between weak throats, 20 decades": (1e-20, 1.0, 1e-20),
        "a descent over 20 decades": tuple(10.0**-k for k in range(0, 21, 2)),
    }
    made += [
        Case(f"chain: {name}", GROUP, partial(_chain, g), partial(_chain_expected, g), 1e-8,
             "joints 1e9 times stiffer than what leaves them count as rigid", "sum of resistances in exact fractions",
             f"{len(g) + 1} pores", "m3/s")
        for name, g in chains.items()
    ]  # fmt: skip
    for law in ("cones_and_cylinders", "spheres_and_cylinders"):
        for kind in ("hydraulic", "diffusive"):
            made.append(
                Case(f"{law}, {kind}", GROUP, partial(_conduit, law, kind), partial(_conduit_quadrature, law, kind),
                     1e-8, "adaptive quadrature to 1e-12 of a smooth integrand", "integral of dx/A or 8 pi dx/A^2",
                     "one conduit", "m3" if kind == "hydraulic" else "m")
            )  # fmt: skip
    return made


def _solver_cases() -> list[Case]:
    return [
        Case("random lattice against OpenPNM", GROUP, _random, _openpnm, 1e-8,
             "same conductances, same boundaries, both direct solves", "OpenPNM StokesFlow", "8^3 pores", "m2"),
        Case("inflow equals outflow", GROUP, _balance, 0.0, 1e-10, "asked of every solve", "conservation", "12^3 pores",
             absolute=True),
        Case("gradient against central differences", GROUP, _gradient_error, 0.0, 1e-6,
             "a step of 1e-4 leaves (1e-4)^2 of truncation and 1e-12/1e-4 of rounding", "central differences",
             "5^3 pores", absolute=True),
    ]  # fmt: skip


def _berea_cases() -> list[Case]:
    """Blocks of 128^3: what reducing the image to a network costs, by an analytic law."""
    made = []
    bounds = {"K_m2": (0.5, "snow networks with analytic laws are 15-53 % off on average (voids' comparisons)"),
              "F": (0.25, "a network leaves out part of the pore space and shortens paths")}  # fmt: skip
    for row in read_reference(BEREA_K):
        block = (int(row["z0"]), int(row["y0"]), int(row["x0"]))
        truth: dict[str, Callable[[], float]] = {
            "K_m2": partial(_mean, row, ("K_axis0_m2_h5.345um", "K_axis1_m2", "K_axis2_m2")),
            "F": partial(_mean, row, ("FF_axis0", "FF_axis1", "FF_axis2")),
        }
        for quantity, (tolerance, reason) in bounds.items():
            made.append(
                Case(f"Berea block {row['index']}, {quantity[0]} by network", GROUP, partial(_berea, block, quantity),
                     truth[quantity], tolerance, reason, "voxel finite volumes at the same resolution", "128^3 voxels",
                     "m2" if quantity == "K_m2" else "1", needs=BEREA)
            )  # fmt: skip
    return made


def _mean(row: dict[str, str], keys: tuple[str, ...]) -> float:
    return float(np.exp(np.mean([np.log(float(row[key])) for key in keys])))


def cases() -> list[Case]:
    """All cases of the network room."""
    return [*_closed_forms(), *_solver_cases(), *_berea_cases()]
