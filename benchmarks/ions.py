"""DSPM-DE: Sobol samples per minute, live curves, and gradients against torchdiffeq's adjoint, in one run.

The gradient is d ln c_p / d h of the neural equation, in four segments of the pore. Ours: the solution and all
sensitivities by tangents and the implicit function theorem. The peer is given the solution for nothing and
differentiates the residuals there by ``odeint_adjoint`` and by plain backpropagation through ``odeint``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import _parts

SAMPLES, PARTS_OF, BATCH, REPEATS, SEED = 100_000, 4, 64, 3, 0
RTOL = 1e-8


def sobol(count: int, part: int = 0, parts: int = 1) -> tuple[float, float, float]:
    """(seconds, share solved, share settled) of random membranes, LiCl-MgCl2-NaCl feeds and fluxes over the box of
    pre-training; of ``count`` samples in random order the ``part``-th of ``parts`` (every fourth Sobol point has the
    same quarter of the radii, and narrow pores take longest)."""
    from porelab_methods.ion_transport.ions import ions
    from porelab_methods.ion_transport.system import Membrane, solve
    from scipy.stats import qmc

    u = qmc.Sobol(8, seed=SEED).random(1 << (count - 1).bit_length())[:count]
    u = u[np.random.default_rng(SEED).permutation(count)[part::parts]]
    kinds = ions(["Na", "Li", "Mg", "Cl"])
    total = 10 ** (3 * u[:, 5] - 0.3)
    cations = np.stack([u[:, 6], u[:, 7], 0.5 + 0 * u[:, 7]], 1)
    feed = total[:, None] * cations / cations.sum(1, keepdims=True)
    feed = np.c_[feed, feed @ [1, 1, 2]]
    membrane = Membrane(
        (0.3 + 0.4 * u[:, 0]) * 1e-9, 0.3e-6 * (5 / 0.3) ** u[:, 1], -150 + 210 * u[:, 2], 30 + 40 * u[:, 3]
    )
    begin = time.perf_counter()
    found = solve(kinds, feed, 1e-6 * 50 ** u[:, 4], membrane)
    return time.perf_counter() - begin, float(found.ok.mean()), float(found.settled.mean())


def live() -> float:
    """Seconds for both live curves of five-ion seawater."""
    from porelab_methods.ion_transport.curves import curves
    from porelab_methods.ion_transport.presets import FEEDS
    from porelab_methods.ion_transport.system import Membrane

    feed = FEEDS["seawater"].feed()
    return best(lambda: curves(feed, Membrane(), 1e-5))


def best(work: Callable[[], Any]) -> float:
    """The shortest of some runs."""
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def gradient_case() -> tuple[Any, Any]:
    """A batch of mixtures with random corrections."""
    from porelab_methods.ion_transport.data import KINDS
    from porelab_methods.ion_transport.neural import SEGMENTS, Case
    from porelab_methods.ion_transport.system import Membrane

    rng = np.random.default_rng(SEED)
    feed = rng.uniform(5, 50, (BATCH, 5))
    feed[:, 4] = feed[:, :4] @ [1, 1, 2, -2] + 60
    feed[:, 0] += 60
    membrane = Membrane(*(rng.uniform(a, b, BATCH) for a, b in
                          ((0.42e-9, 0.6e-9), (0.6e-6, 2.4e-6), (-100, 40), (38, 56))))  # fmt: skip
    return Case(KINDS, feed, rng.uniform(3e-6, 2.5e-5, BATCH), membrane), rng.normal(size=(BATCH, SEGMENTS, 5)) * 0.3


def by_library(state: Any, adjoint: bool) -> np.ndarray:
    """d ln c_p / d h (B, n, K, n) from the residuals' derivatives at the solution, by torchdiffeq."""
    import torch
    from torchdiffeq import odeint, odeint_adjoint

    integrate = odeint_adjoint if adjoint else odeint
    p = state.solution.problem
    t = lambda a: torch.as_tensor(np.array(a), dtype=torch.float64)  # noqa: E731
    pe, z, w, feed, lnphi, x = (t(v) for v in (p.pe, p.z, p.w, p.feed, p.lnphi, p.x))
    kc, gain = t(p.kc), t(state.gain)
    y = t(state.solution.unknowns).requires_grad_(True)
    h = torch.zeros_like(kc, requires_grad=True)
    segments = kc.shape[1]

    class Rate(torch.nn.Module):
        def forward(self, _: Any, s: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
            c, flow, k = s
            f = pe * (k * c - flow)
            field = (w * f).sum(1, keepdim=True) / (w * z * c).sum(1, keepdim=True)
            return -(f - z * c * field), torch.zeros_like(flow), torch.zeros_like(k)

    flow = torch.exp(y)
    c = flow * torch.exp(lnphi - z * donnan(flow * torch.exp(lnphi), z, w, x))
    span = t([0.0, 1.0 / segments])
    for k in range(segments - 1, -1, -1):
        options = {"adjoint_params": ()} if adjoint else {}
        c = integrate(Rate(), (c, flow, kc[:, k] + gain * h[:, k]), span, rtol=RTOL, atol=1e-10, **options)[0][-1]
    bulk = c * torch.exp(-lnphi)
    bulk = bulk * torch.exp(-z * donnan(bulk, z, w, torch.zeros_like(x)))
    slack = (w * flow).sum(1, keepdim=True) / (w.abs() * flow).sum(1, keepdim=True)
    residual = torch.log(bulk / feed) + z * slack
    rows = [torch.autograd.grad(residual[:, i].sum(), (y, h), retain_graph=True) for i in range(y.shape[1])]
    by_y, by_h = torch.stack([r[0] for r in rows], 1), torch.stack([r[1] for r in rows], 1)
    flat = -torch.linalg.solve(by_y, by_h.reshape(*by_y.shape[:2], -1))
    return flat.reshape(by_h.shape).numpy()


def donnan(a: Any, z: Any, w: Any, fixed: Any) -> Any:
    """psi (B, 1) with sum w a exp(-z psi) + fixed = 0, differentiable by one last Newton step."""
    import torch

    psi = torch.zeros_like(fixed)[:, None]
    for _ in range(60):
        terms = w * a.detach() * torch.exp(-z * psi)
        net = terms.sum(1, keepdim=True) + fixed[:, None]
        psi = psi + torch.clamp(net / (z * terms).sum(1, keepdim=True), -1.0, 1.0)
    terms = w * a * torch.exp(-z * psi)
    return psi + (terms.sum(1, keepdim=True) + fixed[:, None]) / (z * terms).sum(1, keepdim=True).detach()


def gradients() -> dict[str, Any]:
    """Ours beside both ways of torchdiffeq."""
    import torch
    from porelab_methods.ion_transport.neural import solve_with

    case, h = gradient_case()
    state = solve_with(case, h, sensitivities=True)
    ours = best(lambda: solve_with(case, h, sensitivities=True))
    exact, rows = state.slopes(), []
    torch.set_num_threads(1)  # the fastest for arrays of this size
    for adjoint, name in ((True, "torchdiffeq odeint_adjoint"), (False, "torchdiffeq odeint, backpropagation")):
        begin = time.perf_counter()
        theirs = by_library(state, adjoint)
        seconds = time.perf_counter() - begin
        gap = float(np.abs(theirs - exact).max() / np.abs(exact).max())
        rows.append({"gradient by": name, "seconds": seconds, "ours": ours, "largest difference": gap})
    figures = {
        "gradient_speedup_adjoint": rows[0]["seconds"] / ours,
        "gradient_speedup_backprop": rows[1]["seconds"] / ours,
        "gradient_max_rel_diff": max(float(r["largest difference"]) for r in rows),
    }
    return {"figures": figures, "rows": rows}


def samples(part: int) -> dict[str, Any]:
    """One part of the Sobol samples."""
    seconds, solved, settled = sobol(SAMPLES, part, PARTS_OF)
    return {"figures": {"sobol_1e5_s": seconds, "sobol_solved": solved, "sobol_settled": settled}, "rows": []}


def warmed(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A part, after what is loaded and compiled once."""
    from porelab_methods.ion_transport.curves import warm_up

    warm_up()
    return measure()


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    **{f"sobol_{k}": partial(warmed, partial(samples, k)) for k in range(PARTS_OF)},
    "live": partial(warmed, lambda: {"figures": {"curves_s": live()}, "rows": []}),
    "gradients": partial(warmed, gradients),
}


def run() -> dict[str, Any]:
    """Figures and rows; the parts of the samples add up."""
    found = {part: _parts.measured("ions", part, measure) for part, measure in PARTS.items()}
    figures = {key: value for part in found.values() for key, value in part["figures"].items()}
    quarters = [part["figures"] for name, part in found.items() if name.startswith("sobol_")]
    figures["sobol_1e5_s"] = sum(q["sobol_1e5_s"] for q in quarters)
    for key in ("sobol_solved", "sobol_settled"):
        figures[key] = sum(q[key] for q in quarters) / len(quarters)
    return {"figures": figures, "rows": [row for part in found.values() for row in part["rows"]], "seed": SEED}


if __name__ == "__main__":  # one part, kept in a folder: python benchmarks/ions.py sobol_0 FOLDER
    _parts.main("ions", PARTS)
