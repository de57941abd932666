"""Morphology: Minkowski functionals, two-point correlation, chords, thickness, fractal dimension of known shapes."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.morphology import bodies, correlation, fractal, minkowski, phases, thickness
from porelab_gui.core.image.phantoms.shapes import draw_ellipsoid, random_field
from porelab_gui.core.validation.case import Case

GROUP = "morphology"
ISO = (1.0, 1.0, 1.0)
Mask = NDArray[np.bool_]
RADIUS, SIGMA, EDGE, LEVEL = 20.0, 3.0, 120, 0.8
BALLS, SHARE = 7.0, 0.35  # radius [voxel] and share of the overlapping balls
STAIRS = "the surface of a voxel image is a staircase"
SAMPLE = "one sample of a random medium"


def _ball(radius: float, room: int) -> Mask:
    half = int(np.ceil(radius)) + room
    at = np.arange(-half, half + 1)
    found: Mask = at[:, None, None] ** 2 + at[None, :, None] ** 2 + at[None, None, :] ** 2 <= radius**2
    return found


def _of_ball(quantity: str) -> float:
    mask = _ball(RADIUS, 20)
    density = {"surface": minkowski.surface_density, "curvature": minkowski.curvature_density}[quantity](mask, ISO)
    return density * float(np.prod([n - 1 for n in mask.shape]))


def _euler(shape: str) -> float:
    solid = np.zeros((15, 15, 15), bool)
    solid[3:12, 3:12, 3:12] = True
    if shape == "ring":
        solid[:, 6:9, 6:9] = False
    if shape == "shell":
        solid[6:9, 6:9, 6:9] = False
    return float(minkowski.euler(solid, 6))


def _field(quantity: str) -> float:
    above = random_field(np.random.default_rng(7), (EDGE,) * 3, SIGMA) > LEVEL
    if quantity == "euler":
        return minkowski.euler_density(above, ISO, 14)
    found = {"surface": minkowski.surface_density, "curvature": minkowski.curvature_density}[quantity](above, ISO)
    return found


def _tomita(quantity: str) -> float:
    """Densities of where a Gaussian field of variance 1 lies above a level."""
    slope, fall = 1 / (2 * SIGMA**2), np.exp(-(LEVEL**2) / 2)
    values = {
        "surface": 2 / np.pi * slope**0.5 * fall,
        "curvature": slope * LEVEL * fall / np.sqrt(2 * np.pi),
        "euler": slope**1.5 * (LEVEL**2 - 1) * fall / (4 * np.pi**2),
    }
    return float(values[quantity])


def _boolean() -> tuple[Mask, float]:
    """Overlapping balls, and how many per voxel."""
    rng, edge = np.random.default_rng(0), 110
    density = -np.log(1 - SHARE) / (4 / 3 * np.pi * BALLS**3)
    mask = np.zeros((edge,) * 3, bool)
    for centre in rng.random((rng.poisson(density * (edge + 2 * BALLS) ** 3), 3)) * (edge + 2 * BALLS) - BALLS:
        draw_ellipsoid(mask, centre, np.full(3, BALLS), np.eye(3))
    return mask, float(density)


def _two_point(lag: int) -> float:
    return float(correlation.two_point(_boolean()[0], ISO, 30).radial[lag])


def _two_point_expected(lag: int) -> float:
    mask, density = _boolean()
    union = 4 / 3 * np.pi * BALLS**3 * (1 + 0.75 * lag / BALLS - lag**3 / (16 * BALLS**3) if lag < 2 * BALLS else 2)
    return float(2 * mask.mean() - 1 + np.exp(-density * union))


def _chord() -> float:
    mask, _ = _boolean()
    return float(np.mean([correlation.mean_chord(correlation.chords(~mask, a), mask.shape[a]) for a in range(3)]))


def _chord_expected() -> float:
    return float(1 / (_boolean()[1] * np.pi * BALLS**2))


def _thickness(shape: str) -> float:
    mask = _ball(12.0, 4)
    if shape == "slab":
        mask = np.zeros((40, 20, 30), bool)
        mask[10:25] = True
    return float(np.median(thickness.local_thickness(mask, ISO, 40)[mask]))


def cantor_set(kept: int) -> Mask:
    """Keeping ``kept`` of the 8 octants at each of 6 levels: 64^3 voxels of dimension log2 ``kept``."""
    corners = np.array(list(np.ndindex(2, 2, 2)))[np.random.default_rng(kept).permutation(8)[:kept]]
    rule = np.zeros((2, 2, 2), bool)
    rule[tuple(corners.T)] = True
    mask = rule
    for _ in range(5):
        mask = np.kron(mask, rule).astype(bool)
    return mask


def _cantor(kept: int) -> float:
    return fractal.fractal_dimension(*fractal.box_counts(cantor_set(kept)))


def _lacunarity() -> float:
    return float(fractal.lacunarity(np.random.default_rng(0).random((64,) * 3) < 0.3)[1][1])


def _axis(which: int) -> float:
    image = np.zeros((64,) * 3, bool)
    draw_ellipsoid(image, np.full(3, 31.5), np.array([22.0, 13.0, 7.0]), np.eye(3))
    return float(bodies.measure(image.astype(np.int32), ISO).semi_axes[0][which])


def _deviation() -> float:
    mask = np.random.default_rng(0).random((80,) * 3) < 0.3
    edge, _, deviation, _ = phases.representative(mask, ISO, 400, 0)[2]
    return float(deviation * round(edge) ** 1.5)


def cases() -> list[Case]:
    """Every case of this group."""
    ball = f"{RADIUS:g} voxels in radius"
    field = f"{EDGE}^3, correlation of {SIGMA:g} voxels"
    many = f"110^3, balls of {BALLS:g} voxels"
    crofton, tomita = "sphere; Crofton's formula", "Tomita, Prog. Theor. Phys. 76 (1986) 952"
    made = [
        Case("ball, surface", GROUP, partial(_of_ball, "surface"), 4 * np.pi * RADIUS**2, 0.02, STAIRS, crofton, ball,
             "voxel2"),
        Case("ball, integral mean curvature", GROUP, partial(_of_ball, "curvature"), 4 * np.pi * RADIUS, 0.025, STAIRS,
             crofton, ball, "voxel"),
    ]  # fmt: skip
    made += [
        Case(f"Euler number of a {shape}", GROUP, partial(_euler, shape), number, 1e-9, "counting is exact",
             "handles and cavities", "15^3", absolute=True)
        for shape, number in (("block", 1.0), ("ring", 0.0), ("shell", 2.0))
    ]  # fmt: skip
    made += [
        Case(f"Gaussian field above {LEVEL}, {quantity}", GROUP, partial(_field, quantity), partial(_tomita, quantity),
             tolerance, SAMPLE, tomita, field)
        for quantity, tolerance in (("surface", 0.06), ("curvature", 0.06), ("euler", 0.1))
    ]  # fmt: skip
    made += [
        Case(f"overlapping balls, two-point probability at {lag}", GROUP, partial(_two_point, lag),
             partial(_two_point_expected, lag), 0.03, SAMPLE, "Torquato, Random Heterogeneous Materials (2002)", many,
             absolute=True)
        for lag in (0, 5, 10, 30)
    ]  # fmt: skip
    made += [
        Case("overlapping balls, mean chord between them", GROUP, _chord, _chord_expected, 0.08, SAMPLE, "Cauchy",
             many, "voxel"),
        Case("ball, local thickness", GROUP, partial(_thickness, "ball"), 24.0, 0.06, STAIRS, "its diameter",
             "12 voxels in radius", "voxel"),
        Case("slab, local thickness", GROUP, partial(_thickness, "slab"), 15.0, 0.08, STAIRS, "its width",
             "15 voxels", "voxel"),
        Case("noise, lacunarity in boxes of 2", GROUP, _lacunarity, 1 + 0.7 / 0.3 / 8, 0.01, SAMPLE,
             "binomial distribution", "64^3"),
        Case("noise, deviation of a block's porosity times the root of its volume", GROUP, _deviation, 0.21**0.5, 0.2,
             "scatter of 400 blocks", "binomial distribution", "80^3"),
    ]  # fmt: skip
    made += [
        Case(f"Cantor set of {kept} of 8, box dimension", GROUP, partial(_cantor, kept), np.log2(kept), 1e-9,
             "boxes of powers of two are exact", "self-similarity", "64^3")
        for kept in (2, 4, 6)
    ]  # fmt: skip
    return made + [
        Case(f"ellipsoid, semi-axis {which + 1}", GROUP, partial(_axis, which), length, 0.03, STAIRS,
             "second moments of an ellipsoid", "64^3", "voxel")
        for which, length in enumerate((22.0, 13.0, 7.0))
    ]  # fmt: skip
