"""The two half-steps of the AA pattern, collision fused with streaming, one array of populations.

Populations are deviations of a linear (Stokes) lattice: density and momentum are their plain moments. The even step
works in place and leaves every population in its opposite's place; the odd step fetches them from the neighbours,
collides, and hands them on, so that after two steps all is as it was. Source: Bailey et al. 2009 (AA pattern), Ginzburg
2005 (two relaxation times), Guo 2002 (force, without the quadratic terms).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.stokes.lattice import BLOCK, LANES, VELOCITIES
from porelab_gui.core.transport.stokes.vector import fetch, hand_on

Reals = NDArray[np.floating]
Ints = NDArray[np.int32]
Bits = NDArray[np.uint32]
HELD = 128
VZ, VY, VX = (VELOCITIES[:, a].astype(np.float32) for a in range(3))
FAST = {"nsz", "contract", "reassoc", "arcp"}


def constants(s_even: float, s_odd: float, force: NDArray[np.float64], dtype: type) -> Reals:
    """What the collision multiplies with: see ``collide``."""
    return np.array(
        [s_even / 2, s_odd / 2, s_even, 1 / 3, 1 / 18, 1 / 36, 3 * s_odd, *(3 * f for f in force)], dtype=dtype
    )


def _collision(B: int) -> Callable[[Reals, Reals], None]:
    """The collision of ``B`` voxels stored direction after direction; B is a constant to the compiler."""

    @njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
    def collide(f: Reals, k: Reals) -> None:
        he, ho, se, w0, w1, w2, so = k[0], k[1], k[2], k[3], k[4], k[5], k[6]
        fz, fy, fx = k[7], k[8], k[9]
        for i in range(B):
            e1, o1 = f[i + 1 * B] + f[i + 10 * B], f[i + 1 * B] - f[i + 10 * B]
            e2, o2 = f[i + 2 * B] + f[i + 11 * B], f[i + 2 * B] - f[i + 11 * B]
            e3, o3 = f[i + 3 * B] + f[i + 12 * B], f[i + 3 * B] - f[i + 12 * B]
            e4, o4 = f[i + 4 * B] + f[i + 13 * B], f[i + 4 * B] - f[i + 13 * B]
            e5, o5 = f[i + 5 * B] + f[i + 14 * B], f[i + 5 * B] - f[i + 14 * B]
            e6, o6 = f[i + 6 * B] + f[i + 15 * B], f[i + 6 * B] - f[i + 15 * B]
            e7, o7 = f[i + 7 * B] + f[i + 16 * B], f[i + 7 * B] - f[i + 16 * B]
            e8, o8 = f[i + 8 * B] + f[i + 17 * B], f[i + 8 * B] - f[i + 17 * B]
            e9, o9 = f[i + 9 * B] + f[i + 18 * B], f[i + 9 * B] - f[i + 18 * B]
            rho = se * (f[i] + ((e1 + e2) + (e3 + e4)) + ((e5 + e6) + (e7 + e8)) + e9)
            vx = so * (o1 + (o3 - o4) + (o6 - o7)) + fx
            vy = so * (o2 + (o3 + o4) + (o8 - o9)) + fy
            vz = so * (o5 + (o6 + o7) + (o8 + o9)) + fz
            f[i] = f[i] - se * f[i] + w0 * rho
            r1, r2 = w1 * rho, w2 * rho
            a, b = he * e1 - r1, ho * o1 - w1 * vx
            f[i + 10 * B], f[i + 1 * B] = f[i + 1 * B] - a - b, f[i + 10 * B] - a + b
            a, b = he * e2 - r1, ho * o2 - w1 * vy
            f[i + 11 * B], f[i + 2 * B] = f[i + 2 * B] - a - b, f[i + 11 * B] - a + b
            a, b = he * e3 - r2, ho * o3 - w2 * (vy + vx)
            f[i + 12 * B], f[i + 3 * B] = f[i + 3 * B] - a - b, f[i + 12 * B] - a + b
            a, b = he * e4 - r2, ho * o4 - w2 * (vy - vx)
            f[i + 13 * B], f[i + 4 * B] = f[i + 4 * B] - a - b, f[i + 13 * B] - a + b
            a, b = he * e5 - r1, ho * o5 - w1 * vz
            f[i + 14 * B], f[i + 5 * B] = f[i + 5 * B] - a - b, f[i + 14 * B] - a + b
            a, b = he * e6 - r2, ho * o6 - w2 * (vz + vx)
            f[i + 15 * B], f[i + 6 * B] = f[i + 6 * B] - a - b, f[i + 15 * B] - a + b
            a, b = he * e7 - r2, ho * o7 - w2 * (vz - vx)
            f[i + 16 * B], f[i + 7 * B] = f[i + 7 * B] - a - b, f[i + 16 * B] - a + b
            a, b = he * e8 - r2, ho * o8 - w2 * (vz + vy)
            f[i + 17 * B], f[i + 8 * B] = f[i + 8 * B] - a - b, f[i + 17 * B] - a + b
            a, b = he * e9 - r2, ho * o9 - w2 * (vz - vy)
            f[i + 18 * B], f[i + 9 * B] = f[i + 9 * B] - a - b, f[i + 18 * B] - a + b

    return collide


_collide_block = _collision(BLOCK)
_collide_held = _collision(HELD)


@njit(cache=True, nogil=True, error_model="numpy")
def even_step(f: Reals, first: int, last: int, k: Reals) -> None:
    """Collide the blocks ``first`` .. ``last`` - 1 in place, turned around."""
    for b in range(first, last):
        _collide_block(f[b * 19 * BLOCK : (b + 1) * 19 * BLOCK], k)


@njit(cache=True, nogil=True, error_model="numpy")
def _put(source: Bits, void: Bits, link: Bits, q: int, start: int, ahead: int, beside: int) -> None:
    source[q] = start + (start // BLOCK) * (18 * BLOCK) + q * BLOCK
    void[q] = ahead
    link[q] = ahead & beside


@njit(cache=True, nogil=True, error_model="numpy")
def _row(
    source: Bits, void: Bits, link: Bits, q0: int, q1: int, q2: int, start: int, bits: int, own: int, run: int
) -> None:
    """The three directions into one adjacent row: straight, to x + 1, to x - 1."""
    here = (bits >> 1) & run
    _put(source, void, link, q0, start, here, run)
    _put(source, void, link, q1, start + ((bits >> 1) & 1), (bits >> 2) & run, here | (own >> 2))
    _put(source, void, link, q2, start - (bits & 1), bits & run, here | own)


@njit(cache=True, nogil=True, error_model="numpy")
def links_of_run(n: Ints, w: Ints, size: int, source: Bits, void: Bits, link: Bits) -> None:
    """Per direction of one run: place of the first population at the neighbours, lanes void there, lanes connected.

    ``n`` and ``w`` are the run's rows of Lattice.first and Lattice.window.
    """
    run = (1 << size) - 1
    own = w[8]
    _put(source, void, link, 1, n[8] + 1, (own >> 2) & run, run)
    _put(source, void, link, 10, n[8] - (own & 1), own & run, run)
    _row(source, void, link, 2, 3, 4, n[0], w[0], own, run)
    _row(source, void, link, 5, 6, 7, n[1], w[1], own, run)
    _row(source, void, link, 11, 13, 12, n[4], w[4], own, run)
    _row(source, void, link, 14, 16, 15, n[5], w[5], own, run)
    _put(source, void, link, 8, n[2], (w[2] >> 1) & run, (w[0] | w[1]) >> 1)
    _put(source, void, link, 9, n[3], (w[3] >> 1) & run, (w[4] | w[1]) >> 1)
    _put(source, void, link, 17, n[6], (w[6] >> 1) & run, (w[4] | w[5]) >> 1)
    _put(source, void, link, 18, n[7], (w[7] >> 1) & run, (w[0] | w[5]) >> 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _fetch_plain(f: Reals, source: int, home: int, void: int, link: int, size: int, held: Reals, at: int) -> None:
    """See vector.fetch."""
    for i in range(size):
        held[at + i] = f[source] if (link >> i) & 1 else f[home + i]
        source += (void >> i) & 1


@njit(cache=True, nogil=True, error_model="numpy")
def _hand_plain(f: Reals, source: int, home: int, void: int, link: int, size: int, held: Reals, at: int) -> None:
    """See vector.hand_on."""
    for i in range(size):
        if (link >> i) & 1:
            f[source] = held[at + i]
        else:
            f[home + i] = held[at + i]
        source += (void >> i) & 1


@njit(cache=True, nogil=True, error_model="numpy")
def odd_step_plain(
    f: Reals, begin: int, end: int, k: Reals, starts: Ints, first: Ints, window: Ints, blocks: Ints
) -> None:
    """Fetch from the neighbours, collide, hand on to the neighbours; walls return what they get."""
    held = np.zeros(19 * HELD, f.dtype)
    links = np.empty((3, HELD, 19), np.uint32)
    run, stop = blocks[begin], blocks[end]
    while run < stop:
        n, begun = 0, run
        while run < stop and n + LANES <= HELD:
            cell, size = starts[run], starts[run + 1] - starts[run]
            source, void, link = links[0, run - begun], links[1, run - begun], links[2, run - begun]
            links_of_run(first[run], window[run], size, source, void, link)
            home = cell + (cell // BLOCK) * (18 * BLOCK)
            _fetch_plain(f, home, home, 0, 0, size, held, n)
            for q in range(1, 10):
                _fetch_plain(f, source[q], home + (q + 9) * BLOCK, void[q], link[q], size, held, (q + 9) * HELD + n)
                _fetch_plain(f, source[q + 9], home + q * BLOCK, void[q + 9], link[q + 9], size, held, q * HELD + n)
            n += size
            run += 1
        _collide_held(held, k)
        n = 0
        for r in range(begun, run):
            cell, size = starts[r], starts[r + 1] - starts[r]
            source, void, link = links[0, r - begun], links[1, r - begun], links[2, r - begun]
            home = cell + (cell // BLOCK) * (18 * BLOCK)
            _hand_plain(f, home, home, 0, 0, size, held, n)
            for q in range(1, 10):
                _hand_plain(f, source[q], home + (q + 9) * BLOCK, void[q], link[q], size, held, (q + 9) * HELD + n)
                _hand_plain(f, source[q + 9], home + q * BLOCK, void[q + 9], link[q + 9], size, held, q * HELD + n)
            n += size


@njit(cache=True, nogil=True, error_model="numpy")
def odd_step_vector(
    f: Reals, begin: int, end: int, k: Reals, starts: Ints, first: Ints, window: Ints, blocks: Ints
) -> None:
    """``odd_step_plain`` for float32 with sixteen-lane expand and compress."""
    held = np.zeros(19 * HELD, f.dtype)
    links = np.empty((3, HELD, 19), np.uint32)
    u = np.uint32
    run, stop = blocks[begin], blocks[end]
    while run < stop:
        n, begun = 0, run
        while run < stop and n + LANES <= HELD:
            cell, size = starts[run], starts[run + 1] - starts[run]
            source, void, link = links[0, run - begun], links[1, run - begun], links[2, run - begun]
            links_of_run(first[run], window[run], size, source, void, link)
            home = cell + (cell // BLOCK) * (18 * BLOCK)
            fetch(f, u(home), u(home), u(0), u(0), held, u(n))
            for q in range(1, 10):
                fetch(f, source[q], u(home + (q + 9) * BLOCK), void[q], link[q], held, u((q + 9) * HELD + n))
                fetch(f, source[q + 9], u(home + q * BLOCK), void[q + 9], link[q + 9], held, u(q * HELD + n))
            n += size
            run += 1
        _collide_held(held, k)
        n = 0
        for r in range(begun, run):
            cell, size = starts[r], starts[r + 1] - starts[r]
            source, void, link = links[0, r - begun], links[1, r - begun], links[2, r - begun]
            home = cell + (cell // BLOCK) * (18 * BLOCK)
            full = u((1 << size) - 1)
            hand_on(f, u(home), u(home), u(0), u(0), full, held, u(n))
            for q in range(1, 10):
                there, back = link[q], link[q + 9]
                hand_on(
                    f, source[q], u(home + (q + 9) * BLOCK), void[q], there, full & ~there, held, u((q + 9) * HELD + n)
                )
                hand_on(f, source[q + 9], u(home + q * BLOCK), void[q + 9], back, full & ~back, held, u(q * HELD + n))
            n += size


@njit(cache=True, nogil=True, error_model="numpy")
def swap_places(f: Reals, pairs: NDArray[np.int64], begin: int, end: int) -> None:
    """Exchange what lies at the two places of each pair."""
    for i in range(begin, end):
        a, b = pairs[i, 0], pairs[i, 1]
        f[a], f[b] = f[b], f[a]


@njit(cache=True, nogil=True, error_model="numpy")
def moments(f: Reals, cells: int) -> Reals:
    """(4, cells) density and momentum z, y, x; valid after an odd step."""
    out = np.empty((4, cells), f.dtype)
    for cell in range(cells):
        at = cell + (cell // BLOCK) * (18 * BLOCK)
        density = f[at]
        z = y = x = f[at] * 0
        for q in range(1, 10):
            there, back = f[at + q * BLOCK], f[at + (q + 9) * BLOCK]
            density += there + back
            z += (there - back) * VZ[q]
            y += (there - back) * VY[q]
            x += (there - back) * VX[q]
        out[0, cell], out[1, cell], out[2, cell], out[3, cell] = density, z, y, x
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def total_momentum(f: Reals, cells: int) -> NDArray[np.float64]:
    """Momentum z, y, x summed over all cells; valid after an odd step."""
    total = np.zeros(3)
    for first in range(0, cells, BLOCK):
        for q in range(1, 10):
            at = (first // BLOCK) * (19 * BLOCK) + q * BLOCK
            sum_q = 0.0
            for i in range(min(BLOCK, cells - first)):
                sum_q += f[at + i] - f[at + 9 * BLOCK + i]
            total[0] += sum_q * VZ[q]
            total[1] += sum_q * VY[q]
            total[2] += sum_q * VX[q]
    return total
