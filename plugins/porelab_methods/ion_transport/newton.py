"""Newton's method on the residuals of ``kernel``, with continuation in flux; batches, pressure, profiles."""

from __future__ import annotations

import numpy as np
from numba import njit

from porelab_methods.ion_transport.kernel import (
    CONVERGED,
    NO_DESCENT,
    NO_POTENTIAL,
    NO_STEP,
    Array,
    Codes,
    Mask,
    march,
    permeate_face,
    potential,
    residual,
)

TOLERANCE = 1e-10  # on ln(c at the feed / c of the feed)
FAINTEST = -230.0  # ln of a concentration [mol/m3]: 1e-100. Below it the march loses the ion against the others


@njit(cache=True, nogil=True, error_model="numpy")
def solve_linear(a: Array, b: Array) -> bool:
    """Solve a x = b in place of ``b`` (n, k) by elimination with partial pivoting; False where singular."""
    n = a.shape[0]
    for col in range(n):
        pivot = col
        for i in range(col + 1, n):
            if abs(a[i, col]) > abs(a[pivot, col]):
                pivot = i
        if not abs(a[pivot, col]) > 0.0:
            return False
        if pivot != col:
            for q in range(n):
                a[col, q], a[pivot, q] = a[pivot, q], a[col, q]
            for q in range(b.shape[1]):
                b[col, q], b[pivot, q] = b[pivot, q], b[col, q]
        for i in range(col + 1, n):
            factor = a[i, col] / a[col, col]
            if factor != 0.0:
                for q in range(col, n):
                    a[i, q] -= factor * a[col, q]
                for q in range(b.shape[1]):
                    b[i, q] -= factor * b[col, q]
    for i in range(n - 1, -1, -1):
        for q in range(b.shape[1]):
            total = b[i, q]
            for p in range(i + 1, n):
                total -= a[i, p] * b[p, q]
            b[i, q] = total / a[i, i]
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def newton(
    y: Array, z: Array, w: Array, gone: Mask, feed: Array, pe: Array, kc: Array, kf: Array, soft: int, lnphi: Array,
    x: float, film: Array, activity: float, rtol: float, steps: int, cm: Array,
) -> int:  # fmt: skip
    """Damped Newton from ``y``, in place; a status code.

    A step is at first at most e^3 in concentration, and at most four times the one before it later.
    """
    n = y.size
    r, jac, s_cm = np.empty(n), np.empty((n, n)), np.empty((n, n))
    r2, jac2 = np.empty(n), np.empty((n, n))
    trial, step = np.empty(n), np.empty((n, 1))
    status = residual(y, z, w, gone, feed, pe, kc, kf, soft, lnphi, x, film, activity, n, rtol, steps, r, jac, cm, s_cm)
    if status != CONVERGED:
        return status
    norm, trust = np.abs(r).max(), 3.0
    for _ in range(40):
        step[:, 0] = -r
        if not solve_linear(jac, step):
            return NO_DESCENT
        size = np.abs(step).max()
        if not np.isfinite(size):
            return NO_DESCENT
        scale = min(1.0, trust / max(size, 1e-300))
        accepted = False
        for _half in range(8):
            trial[:] = y + scale * step[:, 0]
            if trial.min() < FAINTEST:
                return NO_DESCENT
            status = residual(
                trial, z, w, gone, feed, pe, kc, kf, soft, lnphi, x, film, activity, n, rtol, steps,
                r2, jac2, cm, s_cm,
            )  # fmt: skip
            new = np.abs(r2).max() if status == CONVERGED else np.inf
            if new < norm * (1.0 - 1e-3 * scale) or new <= TOLERANCE:
                accepted = True
                break
            scale *= 0.5
        if not accepted:
            return NO_DESCENT
        trust = max(4.0 * scale * size, 1.0)
        y[:] = trial
        r[:] = r2
        jac[:] = jac2
        norm = new
        if norm <= TOLERANCE:
            return CONVERGED
    return NO_DESCENT


@njit(cache=True, nogil=True, error_model="numpy")
def continued(
    y: Array, z: Array, w: Array, gone: Mask, feed: Array, pe: Array, kc: Array, kf: Array, soft: int, lnphi: Array,
    x: float, film: Array, activity: float, rtol: float, steps: int, cm: Array,
) -> int:  # fmt: skip
    """Newton straight away from ``y``; else the flux is raised from almost nothing in steps that adapt themselves."""
    first = newton(y, z, w, gone, feed, pe, kc, kf, soft, lnphi, x, film, activity, rtol, steps, cm)
    if first == CONVERGED:
        return first
    y[:] = np.log(feed)
    reached, target, growth = 0.0, 1e-4, 4.0
    status = first
    for _ in range(60):
        trial = y.copy()
        status = newton(
            trial, z, w, gone, feed, pe * target, kc, kf, soft, lnphi, x, film * target, activity, rtol, steps, cm
        )
        if status == CONVERGED:
            y[:] = trial
            reached = target
            if reached >= 1.0:
                return CONVERGED
            target = min(1.0, reached * growth)
            growth = min(growth * 1.5, 10.0)
        else:
            growth = max(1.0 + 0.3 * (growth - 1.0), 1.001)
            target = reached * growth if reached > 0.0 else target * 0.1
            if target < 1e-12:
                return status
    return status


@njit(cache=True, nogil=True, error_model="numpy")
def neutralised(y: Array, z: Array, w: Array, gone: Mask, feed: Array, cp: Array) -> None:
    """c_p = exp(y) made neutral to rounding; ions larger than the pore have none."""
    n = y.size
    for i in range(n):
        cp[i] = 0.0 if gone[i] else np.exp(y[i])
    psi, found = potential(cp, z, w, 0.0)
    if found:
        for i in range(n):
            cp[i] *= np.exp(-z[i] * psi)


@njit(cache=True, nogil=True, error_model="numpy")
def sensitivities(
    y: Array, z: Array, w: Array, gone: Mask, feed: Array, pe: Array, kc: Array, kf: Array, soft: int, lnphi: Array,
    x: float, film: Array, activity: float, rtol: float, steps: int, dy: Array, dcm: Array,
) -> int:  # fmt: skip
    """Implicit function theorem: d y and d ln c_m by all parameters, columns as in ``kernel`` without y."""
    n = y.size
    m = n + dy.shape[1]
    r, jac, cm, s_cm = np.empty(n), np.empty((n, m)), np.empty(n), np.zeros((n, m))
    status = residual(y, z, w, gone, feed, pe, kc, kf, soft, lnphi, x, film, activity, m, rtol, steps, r, jac, cm, s_cm)
    if status != CONVERGED:
        return status
    dy[:] = -jac[:, n:]
    if not solve_linear(jac[:, :n].copy(), dy):
        return NO_DESCENT
    for i in range(n):
        for j in range(dy.shape[1]):
            total = s_cm[i, n + j]
            for q in range(n):
                total += s_cm[i, q] * dy[q, j]
            dcm[i, j] = total / cm[i]
    return CONVERGED


@njit(cache=True, nogil=True, error_model="numpy")
def batch(
    z: Array, w: Array, gone: Mask, feed: Array, pe: Array, kc: Array, kf: Array, soft: int, lnphi: Array, x: Array,
    film: Array, activity: float, rtol: float, steps: int, sens: int, direct: int, y: Array, cp: Array, cm: Array,
    status: Codes, dy: Array, dcm: Array,
) -> None:  # fmt: skip
    """Solve every row (B, n). ``y`` is the start (NaN: the feed) and receives the unknowns; others are filled.

    ``direct`` 1 tries Newton from the start only, without continuation.
    """
    for b in range(y.shape[0]):
        if np.isnan(y[b, 0]):
            y[b] = np.log(feed[b])
        args = (z[b], w[b], gone[b], feed[b], pe[b], kc[b], kf[b], soft, lnphi[b], x[b], film[b], activity, rtol, steps)
        if direct == 1:
            status[b] = newton(y[b], *args, cm[b])
        else:
            status[b] = continued(y[b], *args, cm[b])
        neutralised(y[b], z[b], w[b], gone[b], feed[b], cp[b])
        if sens == 1 and status[b] == CONVERGED:
            status[b] = sensitivities(y[b], *args, dy[b], dcm[b])


@njit(cache=True, nogil=True, error_model="numpy")
def _shortfall(
    flux: float, lp: float, osmotic: float, drive: float, y: Array, z: Array, w: Array, gone: Mask, feed: Array, pe:
    Array, kc: Array, kf: Array, soft: int, lnphi: Array, x: float, film: Array, activity: float, rtol: float,
    steps: int, cm: Array,
) -> tuple[float, int]:  # fmt: skip
    """Flux minus the flux that the osmotic pressure of its own solution leaves; and the status."""
    status = continued(y, z, w, gone, feed, pe * flux, kc, kf, soft, lnphi, x, film * flux, activity, rtol, steps, cm)
    excess = 0.0
    for i in range(y.size):
        if w[i] != 0.0 or z[i] == 0.0:
            excess += cm[i] - (0.0 if gone[i] else np.exp(y[i]))
    return flux - lp * (drive - osmotic * excess), status


@njit(cache=True, nogil=True, error_model="numpy")
def flux_batch(
    z: Array, w: Array, gone: Mask, feed: Array, pe: Array, kc: Array, kf: Array, soft: int, lnphi: Array, x: Array,
    film: Array, activity: float, rtol: float, steps: int, lp: Array, osmotic: float, drive: Array, y: Array, flux:
    Array, status: Codes,
) -> None:  # fmt: skip
    """Water flux under pressure: J = L_p (dP - osmotic (sum c_m - sum c_p)), by a bracketed secant (Illinois).

    ``pe`` and ``film`` are per unit of flux. ``osmotic`` is R T; ``drive`` the pressure difference.
    """
    for b in range(y.shape[0]):
        if np.isnan(y[b, 0]):
            y[b] = np.log(feed[b])
        cm = np.empty(y.shape[1])
        args = (z[b], w[b], gone[b], feed[b], pe[b], kc[b], kf[b], soft, lnphi[b], x[b], film[b], activity, rtol, steps)
        top = lp[b] * drive[b]
        lo, hi = 1e-9 * top, top
        flo, s1 = _shortfall(lo, lp[b], osmotic, drive[b], y[b], *args, cm)
        fhi, s2 = _shortfall(hi, lp[b], osmotic, drive[b], y[b], *args, cm)
        for _ in range(20):
            if fhi >= 0.0 or s2 != CONVERGED:
                break
            hi *= 1.5
            fhi, s2 = _shortfall(hi, lp[b], osmotic, drive[b], y[b], *args, cm)
        status[b] = max(s1, s2)
        flux[b] = np.nan
        if status[b] != CONVERGED:
            continue
        if flo >= 0.0:  # the osmotic pressure holds the water back altogether
            flux[b] = 0.0
            continue
        side = 0
        for _ in range(100):
            mid = (lo * fhi - hi * flo) / (fhi - flo)
            value, s1 = _shortfall(mid, lp[b], osmotic, drive[b], y[b], *args, cm)
            status[b] = max(status[b], s1)
            if abs(value) <= 1e-13 * top or hi - lo <= 1e-14 * top or s1 != CONVERGED:
                flux[b] = mid
                break
            if value > 0.0:
                hi, fhi = mid, value
                flo = 0.5 * flo if side == 1 else flo
                side = 1
            else:
                lo, flo = mid, value
                fhi = 0.5 * fhi if side == -1 else fhi
                side = -1
        if np.isnan(flux[b]):
            flux[b] = mid


@njit(cache=True, nogil=True, error_model="numpy")
def profile(
    y: Array, z: Array, w: Array, gone: Mask, pe: Array, kc: Array, kf: Array, soft: int, lnphi: Array, x: float,
    activity: float, rtol: float, points: int, c: Array, psi: Array,
) -> int:  # fmt: skip
    """Concentrations (points, n) and potential (points,) [RT/F] from feed to permeate, psi = 0 in the permeate."""
    n = y.size
    cp = np.zeros(n)
    state, none, s = np.zeros(n + 1), np.zeros((n, 1)), np.zeros((n, 1))
    _, found = permeate_face(y, z, w, gone, lnphi, x, activity, 0, cp, state, s, none)
    if not found:
        return NO_POTENTIAL
    inside = np.where(gone, 0.0, pe)
    weight, drift = np.where(gone, 0.0, w), np.where(gone, 0.0, z)
    for i in range(n):
        if gone[i]:
            state[i] = 1.0
    for p in range(points - 1, -1, -1):
        for i in range(n):
            c[p, i] = 0.0 if gone[i] else state[i]
        psi[p] = state[n]
        if p == 0:
            break
        step = 1.0 / (points - 1)
        k = int((p - 0.5) * step * kc.shape[0])
        taken = march(state, s, cp, none, inside, kc[k], kf[k], drift, weight, none, none, none, 0, step, rtol, 0)
        if taken < 0:
            return NO_STEP
    return CONVERGED
