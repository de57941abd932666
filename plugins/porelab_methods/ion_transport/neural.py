"""The neural differential equation: DSPM-DE whose transport law is corrected by attention over the ions.

In the pore, d c_i/dx = Pe_i (K_c c_i - c_p) + h_i s c_i - z_i c_i E, with h_i from a transformer over the ions that
sees the concentrations there. HARD: E closes the charge balance of the whole right-hand side, which is the projection
of the correction onto neutral changes (weights c_i); pore and permeate stay neutral to rounding, at any weights.
SOFT and NONE: E knows only the physics, the correction may charge the pore (soft pays for it in the loss). The faces
keep their exact Donnan-steric-Born equilibrium. s = J/(J + 1e-7 m/s): no flux, no correction. h = 0 is DSPM-DE.

The equation is solved with h held in SEGMENTS pieces of the pore, by the compiled solver, and h is renewed from the
new concentrations until it stands still; derivatives by the implicit function theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport import closures
from porelab_methods.ion_transport.ions import Ion
from porelab_methods.ion_transport.system import (
    Conditions,
    Membrane,
    Problem,
    Solution,
    pose,
    solve_problem,
)

Array = NDArray[np.float64]
SEGMENTS = 4
SLOW = 1e-7  # m/s
TOKEN = 12  # features of an ion in a segment
SHARE = 11  # of them: its part of all charge there
WORLD = 8  # features of membrane, drive and place
Features = NDArray[np.float32]
Correction = Callable[[Features, NDArray[np.bool_]], Array]


@dataclass(frozen=True)
class Case:
    """A batch for the neural equation: ``ions``, ``feed`` (B, n), ``flux`` (B,), ``membrane`` (numbers or (B,)).

    ``passage`` (B, n) is ln(c_p/c_feed) by DSPM-DE, which the network sees; it is solved for where it is not given.
    ``effects`` (B, m) are the strengths of what is beyond DSPM-DE, for networks that take them.
    """

    ions: tuple[Ion, ...]
    feed: Array
    flux: Array
    membrane: Membrane
    conditions: Conditions = field(default_factory=Conditions)
    passage: Array | None = None
    effects: Array | None = None


@dataclass
class State:
    """A case solved at a correction ``h`` (B, K, n): the solution, features for the next one, and their scale."""

    case: Case
    h: Array
    gain: Array
    solution: Solution
    features: Features
    present: NDArray[np.bool_]

    def slopes(self) -> Array:
        """d ln c_p / d h, (B, n, K, n); the solution must carry sensitivities."""
        assert self.solution.dy is not None
        n = len(self.case.ions)
        d = self.solution.dy[:, :, 5 * n + 1 :].reshape(len(self.h), n, SEGMENTS, n)
        return np.where(np.isfinite(d), d, 0.0) * self.gain[:, None, None, :]


def solve_with(
    case: Case, h: Array, *, soft: bool = False, sensitivities: bool = False, start: Array | None = None
) -> State:
    """The equation at a given correction ``h`` (B, K, n)."""
    problem, flux = pose(case.ions, case.feed, case.flux, case.membrane, case.conditions)
    gain = (flux / (flux + SLOW))[:, None] / np.maximum(problem.pe, 1e-300) * (flux > 0)[:, None]
    base = np.repeat(problem.kc, SEGMENTS, axis=1)
    kc = base + gain[:, None, :] * h
    bent = replace(problem, kc=kc, kf=base if soft else kc, soft=int(soft))
    solution = solve_problem(case.ions, bent, flux, sensitivities=sensitivities, rtol=1e-8, start=start)
    inside = _inside(solution)
    present = problem.w != 0
    if case.passage is None:
        plain = solve_problem(case.ions, problem, flux, rtol=1e-8) if h.any() else solution
        case = replace(case, passage=_passage(plain))
    return State(case, h, gain, solution, _features(case, problem, inside, flux), present)


def _passage(solution: Solution) -> Array:
    """ln(c_p/c_feed) (B, n) within bounds; 0 where unsolved."""
    return np.log(np.clip(np.nan_to_num(1.0 - solution.rejection, nan=1.0), 1e-3, 10.0))


def _inside(solution: Solution) -> Array:
    """Concentrations (B, K, n) in the middle of each segment; NaN where unsolved."""
    from porelab_methods.ion_transport.kernel import CONVERGED
    from porelab_methods.ion_transport.newton import profile

    p, points = solution.problem, 2 * SEGMENTS + 1
    made = np.full((len(p.x), SEGMENTS, p.feed.shape[1]), np.nan)
    c, psi = np.zeros((points, p.feed.shape[1])), np.zeros(points)
    for b in np.flatnonzero(solution.ok):
        if profile(solution.unknowns[b], *p.inside(int(b)), 1e-7, points, c, psi) == CONVERGED:
            made[b] = c[1::2]
    return made


def _features(case: Case, p: Problem, inside: Array, flux: Array) -> Features:
    """(B, K, n, TOKEN + WORLD), all of order one."""
    count, n = p.feed.shape
    ratio = np.array([i.radius for i in case.ions]) / np.broadcast_to(case.membrane.pore_radius, (count,))[:, None]
    steric = closures.log_steric(np.minimum(ratio, 0.999))
    charge = np.abs(p.w) * inside.transpose(1, 0, 2)
    share = (charge / np.maximum(charge.sum(2, keepdims=True), 1e-30)).transpose(1, 0, 2)
    ln_d = np.log([i.diffusivity / 1e-9 for i in case.ions])
    fixed = [
        np.log(np.maximum(p.feed, 1e-9)) / 4.0,
        p.z / 2.0,
        ln_d * np.ones_like(p.feed),
        ratio,
        steric / 3.0,
        (p.lnphi - steric) / 3.0,
        p.kc[:, 0],
        np.log(closures.diffusion_hindrance(np.minimum(ratio, 0.999))) / 2.0,
        np.log(np.maximum(p.pe, 1e-9)) / 3.0,
        case.passage,
    ]
    still = np.repeat(np.stack(fixed, -1)[:, None], SEGMENTS, axis=1)
    moving = np.stack([np.log(np.maximum(inside, 1e-9)) / 4.0, share], -1)
    world = np.repeat(_world(case, p, flux)[:, :, None], n, axis=2)
    parts = [still, moving, world]
    if case.effects is not None:
        wide = np.broadcast_to(case.effects[:, None, None], (count, SEGMENTS, n, case.effects.shape[1]))
        parts.append(wide)
    return np.asarray(np.nan_to_num(np.concatenate(parts, -1)), np.float32)


def _world(case: Case, p: Problem, flux: Array) -> Array:
    count = len(flux)
    m = [np.broadcast_to(np.asarray(v, float), (count,)) for v in vars(case.membrane).values()]
    strength = 0.5 * np.sum(p.w**2 * p.feed, axis=1)  # mol/m3
    rows = [
        np.log(m[0] / 0.5e-9) * 3.0,
        np.log(m[1] / 1e-6),
        m[2] / 100.0,
        (m[3] - 45.0) / 15.0,
        np.log(np.maximum(flux, 1e-9) / 1e-5),
        np.log(np.maximum(strength, 1e-6) / 50.0),
        np.arcsinh(m[2] / np.maximum(strength, 1e-6)),
    ]
    x = (np.arange(SEGMENTS) + 0.5) / SEGMENTS
    wide = np.repeat(np.stack(rows, -1)[:, None], SEGMENTS, axis=1)
    return np.concatenate([wide, np.broadcast_to(x[None, :, None], (count, SEGMENTS, 1))], -1)


def solve_neural(
    case: Case,
    correction: Correction,
    *,
    soft: bool = False,
    rounds: int = 6,
    sensitivities: bool = False,
    plain: State | None = None,
) -> State:
    """The neural equation: corrected, solved, corrected anew from the new concentrations, ``rounds`` times at most.

    Ends when no correction changes by more than 1e-5. Rows without a solution fall back to NaN. ``plain`` is the case
    solved without correction, where that is at hand.
    """
    state = plain or solve_with(case, np.zeros((len(case.feed), SEGMENTS, len(case.ions))), soft=soft)
    for k in range(rounds):
        h = correction(state.features, state.present)
        moved = float(np.max(np.abs(h - state.h), initial=0.0))
        last = k == rounds - 1 or moved < 1e-5
        state = solve_with(state.case, h, soft=soft, sensitivities=sensitivities and last, start=_start(state.solution))
        if last:
            break
    return state


def _start(solution: Solution) -> Array:
    return np.where(solution.ok[:, None], solution.unknowns, np.nan)


def single(
    ions: Sequence[Ion],
    feed: Array,
    flux: float,
    membrane: Membrane,
    conditions: Conditions,
    effects: Array | None = None,
) -> Case:
    """A case of one row."""
    return Case(tuple(ions), np.atleast_2d(feed), np.array([float(flux)]), membrane, conditions, effects=effects)
