"""The compiled core of DSPM-DE: one sample from permeate to feed, and Newton's method on it.

The pore is marched from the permeate to the feed. In that direction the transport equations decay, so the shooting
stays well conditioned at any Peclet number, concentrations stay positive, and electroneutrality is a linear invariant
that an explicit Runge-Kutta scheme keeps to rounding. Unknowns are y = ln c_p of the ions that pass (for an ion
larger than the pore: ln of its concentration at the membrane). With s = sum z c_p / sum |z| c_p the residuals
r_i = ln(c_i at the feed / c_i of the feed) + z_i s vanish together exactly where feed and permeate are met and the
permeate is neutral. Derivatives (tangents) are carried along exactly, those with respect to the parameters too.

Columns of the tangents (m of them: 0, n, or all): y (n), then for sensitivities Pe (n), K_c (n), ln Phi (n),
X (1), Pe of the film (n),
ln c_feed (n), and where K_c is given in K > 1 segments of the pore, K_c of each (K n). ``w`` is the charge by which
an ion counts in charge sums: z, or 0 for a trace ion. ``soft`` 1 is the alternative that is compared: what K_c differs
from ``kf`` stays out of the electric field, and the pore gathers charge between its faces.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.int64]

_A = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)  # Dormand and Prince (1980), 5(4), first same as last
_ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
MAX_STEPS = 8000
CONVERGED, NO_STEP, NO_DESCENT, NO_POTENTIAL = 0, 1, 2, 3


@njit(cache=True, nogil=True, error_model="numpy")
def potential(a: Array, z: Array, w: Array, fixed: float) -> tuple[float, bool]:
    """psi with sum w a exp(-z psi) + fixed = 0, and whether there is one. The logs of both signs are balanced."""
    lo, hi, psi = -340.0, 340.0, 0.0
    plus, minus = max(fixed, 0.0), max(-fixed, 0.0)
    for i in range(a.size):
        plus += max(w[i], 0.0) * a[i]
        minus += max(-w[i], 0.0) * a[i]
    if plus == 0.0 and minus == 0.0:
        return 0.0, True
    if plus == 0.0 or minus == 0.0:
        return 0.0, False
    for _ in range(200):
        p, m, dp, dm = max(fixed, 0.0), max(-fixed, 0.0), 0.0, 0.0
        for i in range(a.size):
            if w[i] != 0.0:
                term = abs(w[i]) * a[i] * np.exp(-z[i] * psi)
                if w[i] > 0.0:
                    p += term
                    dp += z[i] * term
                else:
                    m += term
                    dm -= z[i] * term
        value = np.log(p) - np.log(m)
        if value > 0.0:
            lo = psi
        else:
            hi = psi
        step = value / (dp / p + dm / m)
        new = psi + step
        if not (lo < new < hi):
            new = 0.5 * (lo + hi)
        if abs(new - psi) <= 4e-16 * (1.0 + abs(psi)):
            return new, True
        psi = new
    return psi, abs(hi - lo) < 1e-10 or abs(value) < 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def _davies(strength: float) -> tuple[float, float]:
    """f and df/dI of ln gamma = -A z^2 f, f = sqrt I/(1 + sqrt I) - 0.3 I, ``strength`` I in mol/L."""
    root = np.sqrt(max(strength, 1e-300))
    return root / (1.0 + root) - 0.3 * strength, 0.5 / (root * (1.0 + root) ** 2) - 0.3


@njit(cache=True, nogil=True, error_model="numpy")
def _rate(
    c: Array, s: Array, flow: Array, ds_flow: Array, pe: Array, kc: Array, kf: Array, z: Array, w: Array, dpe:
    Array, dkc: Array, dkf: Array, m: int, dc: Array, ds: Array,
) -> None:  # fmt: skip
    """d/dt of (c, psi) and of their tangents, t running from permeate to feed; extended Nernst-Planck.

    ``kf`` is the convective hindrance that the electric field knows of: ``kc`` itself keeps the pore neutral.
    """
    n = pe.size
    num = den = 0.0
    for i in range(n):
        num += w[i] * pe[i] * (kf[i] * c[i] - flow[i])
        den += w[i] * z[i] * c[i]
    field = num / den if den > 0.0 else 0.0
    for i in range(n):
        dc[i] = -(pe[i] * (kc[i] * c[i] - flow[i]) - z[i] * c[i] * field)
    dc[n] = -field
    for j in range(m):
        dnum = dden = 0.0
        for i in range(n):
            df = pe[i] * (kc[i] * s[i, j] - ds_flow[i, j])
            dg = pe[i] * (kf[i] * s[i, j] - ds_flow[i, j])
            if m > n:
                df += pe[i] * dkc[i, j] * c[i] + dpe[i, j] * (kc[i] * c[i] - flow[i])
                dg += pe[i] * dkf[i, j] * c[i] + dpe[i, j] * (kf[i] * c[i] - flow[i])
            ds[i, j] = df
            dnum += w[i] * dg
            dden += w[i] * z[i] * s[i, j]
        dfield = (dnum - field * dden) / den if den > 0.0 else 0.0
        for i in range(n):
            ds[i, j] = -(ds[i, j] - z[i] * (s[i, j] * field + c[i] * dfield))


@njit(cache=True, nogil=True, error_model="numpy")
def march(
    c: Array, s: Array, flow: Array, ds_flow: Array, pe: Array, kc: Array, kf: Array, z: Array, w: Array, dpe:
    Array, dkc: Array, dkf: Array, m: int, length: float, rtol: float, fixed_steps: int,
) -> int:  # fmt: skip
    """Advance (c, psi) and tangents in place over ``length``; number of steps, or -1 where it gave up.

    ``fixed_steps`` > 0 takes that many equal steps instead of adapting them to ``rtol``.
    """
    n = pe.size
    k = np.zeros((7, n + 1))
    ks = np.zeros((7, n, max(m, 1)))
    trial, strial = np.empty(n + 1), np.empty((n, max(m, 1)))
    t, steps = 0.0, 0
    _rate(c, s, flow, ds_flow, pe, kc, kf, z, w, dpe, dkc, dkf, m, k[0], ks[0])
    fastest = 1e-300
    for i in range(n):
        fastest = max(fastest, abs(k[0, i]) / c[i])
    h = min(0.1 * length, 0.02 / fastest)
    if fixed_steps > 0:
        h = length / fixed_steps
    while t < length * (1.0 - 1e-14):
        if steps >= MAX_STEPS or t + h == t:
            return -1
        h = min(h, length - t)
        positive = True
        for stage in range(1, 7):
            for i in range(n + 1):
                total = c[i]
                for q in range(stage):
                    total += h * _A[stage, q] * k[q, i]
                trial[i] = total
                if i < n and not total > 0.0:
                    positive = False
            if not positive:
                break
            for i in range(n):
                for j in range(m):
                    total = s[i, j]
                    for q in range(stage):
                        total += h * _A[stage, q] * ks[q, i, j]
                    strial[i, j] = total
            _rate(trial, strial, flow, ds_flow, pe, kc, kf, z, w, dpe, dkc, dkf, m, k[stage], ks[stage])
        steps += 1
        error = 0.0
        if positive:
            for i in range(n):
                e = 0.0
                for q in range(7):
                    e += _ERROR[q] * k[q, i]
                error = max(error, abs(h * e) / (rtol * trial[i]))
        if not positive or not np.isfinite(error):
            if fixed_steps > 0:
                return -1
            h *= 0.2
            continue
        if error <= 1.0 or fixed_steps > 0:
            t += h
            c[:] = trial
            k[0] = k[6]
            if m > 0:
                s[:, :m] = strial[:, :m]
                ks[0] = ks[6]
        if fixed_steps == 0:
            h *= min(5.0, max(0.2, 0.9 * (error + 1e-12) ** -0.2))
    return steps


@njit(cache=True, nogil=True, error_model="numpy")
def permeate_face(
    y: Array, z: Array, w: Array, gone: Mask, lnphi: Array, x: float, activity: float, m: int, cp: Array, c: Array,
    s: Array, s_cp: Array,
) -> tuple[float, bool]:  # fmt: skip
    """Pore concentrations ``c`` at the permeate side in equilibrium with c_p = exp(y); the potential step, success."""
    n = y.size
    strength = 0.0
    for i in range(n):
        cp[i] = 0.0 if gone[i] else np.exp(y[i])
        strength += 0.5e-3 * w[i] * z[i] * cp[i]
    f, df = _davies(strength)
    a = np.empty(n)
    for i in range(n):
        a[i] = 0.0 if gone[i] else cp[i] * np.exp(lnphi[i] - activity * z[i] ** 2 * f)
    psi, found = potential(a, z, w, x)
    if not found:
        return psi, False
    stiff = 0.0
    for i in range(n):
        c[i] = a[i] * np.exp(-z[i] * psi)
        stiff += w[i] * z[i] * c[i]
    c[n] = psi
    da = np.empty(n)
    for j in range(m):
        ds = 0.0
        for i in range(n):
            s_cp[i, j] = cp[i] if i == j and not gone[i] else 0.0
            ds += 0.5e-3 * w[i] * z[i] * s_cp[i, j]
        dpsi = 1.0 if m > n and j == 4 * n else 0.0
        for i in range(n):
            da[i] = -activity * z[i] ** 2 * df * ds
            if i == j or (m > n and j == 3 * n + i):
                da[i] += 1.0
            dpsi += w[i] * c[i] * da[i]
        dpsi = dpsi / stiff if stiff > 0.0 else 0.0
        for i in range(n):
            s[i, j] = c[i] * (da[i] - z[i] * dpsi)
    return psi, True


@njit(cache=True, nogil=True, error_model="numpy")
def feed_face(
    c: Array, s: Array, y: Array, z: Array, w: Array, gone: Mask, lnphi: Array, activity: float, m: int,
) -> tuple[float, bool]:  # fmt: skip
    """Turn pore concentrations at the feed side into those of the solution at the membrane, in place; psi, success.

    The potential makes the solution neutral, ions larger than the pore (``gone``, c = exp(y)) included.
    """
    n = y.size
    b, a = np.empty(n), np.empty(n)
    fixed, charged = 0.0, 0
    for i in range(n):
        b[i] = 0.0 if gone[i] else c[i] * np.exp(-lnphi[i])
        if gone[i]:
            fixed += w[i] * np.exp(y[i])
        elif w[i] != 0.0:
            charged += 1
    if charged == 0:  # nothing passes that a potential could move
        fixed = 0.0
    strength, f, df = 0.0, 0.0, 0.0
    psi, found = 0.0, True
    for _ in range(200):
        for i in range(n):
            a[i] = b[i] * np.exp(activity * z[i] ** 2 * f)
        psi, found = potential(a, z, w, fixed)
        if not found:
            return psi, False
        new = 0.0
        for i in range(n):
            c[i] = np.exp(y[i]) if gone[i] else a[i] * np.exp(-z[i] * psi)
            new += 0.5e-3 * w[i] * z[i] * c[i]
        done = activity == 0.0 or abs(new - strength) <= 1e-15 * new
        strength = new
        f, df = _davies(strength)
        if done:
            break
    psi = -psi
    # two linear equations for the change of psi and of the ionic strength: neutrality and its definition
    m11 = m12 = m21 = m22 = 0.0
    for i in range(n):
        if not gone[i]:
            slope = activity * z[i] ** 2 * df
            m11 += w[i] * c[i] * z[i]
            m12 += w[i] * c[i] * slope
            m21 += 0.5e-3 * w[i] * z[i] * c[i] * z[i]
            m22 += 0.5e-3 * w[i] * z[i] * c[i] * slope
    m22 -= 1.0
    det = m11 * m22 - m12 * m21
    for j in range(m):
        r1 = r2 = 0.0
        for i in range(n):
            if gone[i]:
                s[i, j] = 1.0 if i == j else 0.0
            else:
                s[i, j] = s[i, j] * np.exp(-lnphi[i]) / b[i] - (1.0 if m > n and j == 3 * n + i else 0.0)
            r1 -= w[i] * c[i] * s[i, j]
            r2 -= 0.5e-3 * w[i] * z[i] * c[i] * s[i, j]
        dpsi = (r1 * m22 - m12 * r2) / det if det != 0.0 else 0.0
        dstrength = (m11 * r2 - m21 * r1) / det if det != 0.0 else 0.0
        for i in range(n):
            if not gone[i]:
                s[i, j] += z[i] * dpsi + activity * z[i] ** 2 * df * dstrength
            s[i, j] *= c[i]
    return psi, True


@njit(cache=True, nogil=True, error_model="numpy")
def tangents_of_hindrance(d: Array, n: int, segment: int, segments: int, own: int) -> None:
    """Unit tangents of K_c in one segment: columns of K_c throughout, and of the segment's own where ``own``."""
    d[:] = 0.0
    for i in range(n):
        d[i, 2 * n + i] = 1.0
        if segments > 1 and own == 1:
            d[i, 6 * n + 1 + segment * n + i] = 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def residual(
    y: Array, z: Array, w: Array, gone: Mask, feed: Array, pe: Array, kc: Array, kf: Array, soft: int, lnphi: Array,
    x: float, film: Array, activity: float, m: int, rtol: float, steps: int, r: Array, jac: Array, cm: Array, s_cm:
    Array,
) -> int:  # fmt: skip
    """Residuals ``r`` and their tangents ``jac`` (n, m); fills the membrane-side feed ``cm``; a status code."""
    n = y.size
    wide = max(m, 1)
    cp, c = np.zeros(n), np.zeros(n + 1)
    s, s_cp = np.zeros((n, wide)), np.zeros((n, wide))
    dpe, dkc, dkf = np.zeros((n, wide)), np.zeros((n, wide)), np.zeros((n, wide))
    _, found = permeate_face(y, z, w, gone, lnphi, x, activity, m, cp, c, s, s_cp)
    if not found:
        return NO_POTENTIAL
    if m > n:
        for i in range(n):
            dpe[i, n + i] = 1.0
    inside = pe.copy()
    for i in range(n):
        if gone[i]:  # absent from the pore: any positive number that stays put
            c[i], inside[i] = 1.0, 0.0
            dpe[i] = 0.0
            s[i] = 0.0
    weight = np.where(gone, 0.0, w)
    drift = np.where(gone, 0.0, z)
    segments = kc.shape[0]
    for k in range(segments - 1, -1, -1):
        if m > n:
            tangents_of_hindrance(dkc, n, k, segments, 1)
            tangents_of_hindrance(dkf, n, k, segments, 0 if soft else 1)
        taken = march(
            c, s, cp, s_cp, inside, kc[k], kf[k], drift, weight, dpe, dkc, dkf, m, 1.0 / segments, rtol, steps
        )
        if taken < 0:
            return NO_STEP
    _, found = feed_face(c, s, y, z, w, gone, lnphi, activity, m)
    if not found:
        return NO_POTENTIAL
    cm[:] = c[:n]
    if m > 0:
        s_cm[:, :m] = s[:, :m]
    if film.max() > 0.0:
        dpe[:], dkc[:], dkf[:] = 0.0, 0.0, 0.0
        if m > n:
            for i in range(n):
                dpe[i, 4 * n + 1 + i] = 1.0
        ones = np.ones(n)
        if march(c, s, cp, s_cp, film, ones, ones, z, w, dpe, dkc, dkf, m, 1.0, rtol, steps) < 0:
            return NO_STEP
    total = net = 0.0
    for i in range(n):
        total += abs(w[i]) * cp[i]
        net += w[i] * cp[i]
    slack = net / total if total > 0.0 else 0.0
    for i in range(n):
        r[i] = np.log(c[i] / feed[i]) + z[i] * slack
    for j in range(m):
        dslack = 0.0
        for i in range(n):
            dslack += (w[i] - slack * abs(w[i])) * s_cp[i, j]
        dslack = dslack / total if total > 0.0 else 0.0
        for i in range(n):
            jac[i, j] = s[i, j] / c[i] + z[i] * dslack
            if m > n and j == 5 * n + 1 + i:
                jac[i, j] -= 1.0
    return CONVERGED
