"""The two half-steps of the AA pattern, collision fused with streaming, one array of populations.

Populations are deviations of a linear (Stokes) lattice: density and momentum are their plain moments. The even step
works in place and leaves every population in its opposite's place; the odd step fetches them from the neighbours,
collides, and hands them on, so that after two steps all is as it was. Source: Bailey et al. 2009 (AA pattern), Ginzburg
2005 (two relaxation times), Guo 2002 (force, without the quadratic terms).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.stokes.lattice import BLOCK, LANES, STRIDE, VELOCITIES
from porelab_gui.core.transport.stokes.vector import copy_lanes, fetch, hand_on, return_wall

Reals = NDArray[np.floating]
Ints = NDArray[np.int32]
Bits = NDArray[np.uint32]
HELD = 144  # voxels taken along at a time: a set of populations that stays in the first cache
GAP = 19 * STRIDE - BLOCK
VZ, VY, VX = (VELOCITIES[:, a].astype(np.float32) for a in range(3))
FAST = {"nsz", "contract", "reassoc", "arcp"}


def constants(s_even: float, s_odd: float, force: NDArray[np.float64], dtype: type) -> Reals:
    """What the collision multiplies with: see ``collide``."""
    return np.array(
        [s_even / 2, s_odd / 2, s_even, 1 / 3, 1 / 18, 1 / 36, 3 * s_odd, *(3 * f for f in force)], dtype=dtype
    )


def _collision(B: int, count: int) -> Callable[[Reals, Reals], None]:
    """The collision of ``count`` voxels whose directions lie ``B`` apart; both are constants to the compiler."""

    @njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
    def collide(f: Reals, k: Reals) -> None:
        he, ho, se, w0, w1, w2, so = k[0], k[1], k[2], k[3], k[4], k[5], k[6]
        fz, fy, fx = k[7], k[8], k[9]
        for i in range(count):
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


_collide_block = _collision(STRIDE, BLOCK)
_collide_held = _collision(HELD, HELD)


@njit(cache=True, nogil=True, error_model="numpy")
def even_step(f: Reals, first: int, last: int, k: Reals) -> None:
    """Collide the blocks ``first`` .. ``last`` - 1 in place, turned around."""
    for b in range(first, last):
        _collide_block(f[b * 19 * STRIDE : (b + 1) * 19 * STRIDE], k)


@njit(cache=True, nogil=True, error_model="numpy")
def _put(links: Bits, at: int, q: int, start: int, ahead: int, beside: int) -> None:
    links[at, q, 0] = start + (start // BLOCK) * GAP + q * STRIDE
    links[at, q, 1] = ahead
    links[at, q, 2] = ahead & beside


@njit(cache=True, nogil=True, error_model="numpy")
def _row(links: Bits, at: int, q0: int, q1: int, q2: int, start: int, bits: int, own: int, run: int) -> None:
    """The three directions into one adjacent row: straight, to x + 1, to x - 1."""
    here = (bits >> 1) & run
    _put(links, at, q0, start, here, run)
    _put(links, at, q1, start + ((bits >> 1) & 1), (bits >> 2) & run, here | (own >> 2))
    _put(links, at, q2, start - (bits & 1), bits & run, here | own)


@njit(cache=True, nogil=True, error_model="numpy")
def links_of_run(n: Ints, w: Ints, r: int, size: int, links: Bits, at: int) -> None:
    """Links of run ``r`` into ``links[at, q]``: place of the first population there, lanes void there, lanes connected.

    ``n`` and ``w`` are Lattice.first and Lattice.window.
    """
    run = (1 << size) - 1
    own = w[r, 8]
    _put(links, at, 1, n[r, 8] + 1, (own >> 2) & run, run)
    _put(links, at, 10, n[r, 8] - (own & 1), own & run, run)
    _row(links, at, 2, 3, 4, n[r, 0], w[r, 0], own, run)
    _row(links, at, 5, 6, 7, n[r, 1], w[r, 1], own, run)
    _row(links, at, 11, 13, 12, n[r, 4], w[r, 4], own, run)
    _row(links, at, 14, 16, 15, n[r, 5], w[r, 5], own, run)
    _put(links, at, 8, n[r, 2], (w[r, 2] >> 1) & run, (w[r, 0] | w[r, 1]) >> 1)
    _put(links, at, 9, n[r, 3], (w[r, 3] >> 1) & run, (w[r, 4] | w[r, 1]) >> 1)
    _put(links, at, 17, n[r, 6], (w[r, 6] >> 1) & run, (w[r, 4] | w[r, 5]) >> 1)
    _put(links, at, 18, n[r, 7], (w[r, 7] >> 1) & run, (w[r, 0] | w[r, 5]) >> 1)


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
def _next_runs(run: int, stop: int, starts: Ints, first: Ints, window: Ints, links: Bits) -> int:
    """Links of as many runs as fit into the held voxels; the run after them."""
    begun, n = run, 0
    while run < stop and n + LANES <= HELD:
        size = starts[run + 1] - starts[run]
        links_of_run(first, window, run, size, links, run - begun)
        n += size
        run += 1
    return run


@njit(cache=True, nogil=True, error_model="numpy")
def _home(cell: int) -> int:
    """Place of the rest population of a voxel; the others follow a block apart."""
    return cell + (cell // BLOCK) * GAP


@njit(cache=True, nogil=True, error_model="numpy")
def odd_step_plain(
    f: Reals, begin: int, end: int, k: Reals, starts: Ints, first: Ints, window: Ints, blocks: Ints
) -> None:
    """Fetch from the neighbours, collide, hand on to the neighbours; walls return what they get."""
    held = np.zeros(19 * HELD, f.dtype)
    links = np.empty((HELD, 19, 3), np.uint32)
    run, stop = blocks[begin], blocks[end]
    while run < stop:
        begun, n = run, 0
        run = _next_runs(run, stop, starts, first, window, links)
        for r in range(begun, run):
            size, home = starts[r + 1] - starts[r], _home(starts[r])
            _fetch_plain(f, home, home, 0, 0, size, held, n)
            for q in range(1, 19):
                back = q + 9 if q < 10 else q - 9
                there, void, link = links[r - begun, q, 0], links[r - begun, q, 1], links[r - begun, q, 2]
                _fetch_plain(f, there, home + back * STRIDE, void, link, size, held, back * HELD + n)
            n += size
        _collide_held(held, k)
        n = 0
        for r in range(begun, run):
            size, home = starts[r + 1] - starts[r], _home(starts[r])
            _hand_plain(f, home, home, 0, 0, size, held, n)
            for q in range(1, 19):
                back = q + 9 if q < 10 else q - 9
                there, void, link = links[r - begun, q, 0], links[r - begun, q, 1], links[r - begun, q, 2]
                _hand_plain(f, there, home + back * STRIDE, void, link, size, held, back * HELD + n)
            n += size


@njit(cache=True, nogil=True, error_model="numpy")
def odd_step_single(
    f: Reals, begin: int, end: int, k: Reals, starts: Ints, first: Ints, window: Ints, blocks: Ints
) -> None:
    """``odd_step_plain`` for float32: eight lanes that lie side by side on both sides are copied as one."""
    held = np.zeros(19 * HELD, f.dtype)
    links = np.empty((HELD, 19, 3), np.uint32)
    run, stop = blocks[begin], blocks[end]
    while run < stop:
        begun, n = run, 0
        run = _next_runs(run, stop, starts, first, window, links)
        for r in range(begun, run):
            size = starts[r + 1] - starts[r]
            _fetch_halves(f, links, r - begun, _home(starts[r]), size, held, n)
            n += size
        _collide_held(held, k)
        n = 0
        for r in range(begun, run):
            size = starts[r + 1] - starts[r]
            _hand_halves(f, links, r - begun, _home(starts[r]), size, held, n)
            n += size


@njit(cache=True, nogil=True, error_model="numpy")
def _bits_set(m: Any) -> int:
    """How many of eight bits are set."""
    m = m - ((m >> 1) & 0x55)
    m = (m & 0x33) + ((m >> 2) & 0x33)
    return (m + (m >> 4)) & 0x0F


@njit(cache=True, nogil=True, error_model="numpy")
def _fetch_halves(f: Reals, links: Bits, at: Any, home: Any, size: Any, held: Reals, n: int) -> None:
    u = np.uint32
    copy_lanes(f, u(home), held, u(n), 16)
    for q in range(1, 19):
        back = q + 9 if q < 10 else q - 9
        source, void, link = links[at, q, 0], links[at, q, 1], links[at, q, 2]
        own, goal = u(home + back * STRIDE), u(back * HELD + n)
        for half in range(0, size, 8):
            m, some = (void >> u(half)) & u(255), (link >> u(half)) & u(255)
            mine, there = u(own + u(half)), u(goal + u(half))
            all_of_it = u((1 << min(size - half, 8)) - 1)
            if some == all_of_it:
                copy_lanes(f, source, held, there, 8)
            else:
                # later runs overwrite what the copy leaves beyond this one
                copy_lanes(f, mine, held, there, 8)
                if some:
                    _fetch_some(f, source, m, some, held, there)
            source = u(source + u(_bits_set(m)))


@njit(cache=True, nogil=True, error_model="numpy")
def _fetch_some(f: Reals, source: Any, void: Any, link: Any, held: Reals, at: Any) -> None:
    one = np.uint32(1)
    while void:
        if link & one:
            held[at] = f[source]
        source = np.uint32(source + (void & one))
        at = np.uint32(at + one)
        void, link = void >> one, link >> one


@njit(cache=True, nogil=True, error_model="numpy")
def _hand_halves(f: Reals, links: Bits, at: Any, home: Any, size: Any, held: Reals, n: int) -> None:
    u = np.uint32
    for i in range(size):
        f[u(home + i)] = held[u(n + i)]
    for q in range(1, 19):
        back = q + 9 if q < 10 else q - 9
        source, void, link = links[at, q, 0], links[at, q, 1], links[at, q, 2]
        own, goal = u(home + back * STRIDE), u(back * HELD + n)
        for half in range(0, size, 8):
            m, some = (void >> u(half)) & u(255), (link >> u(half)) & u(255)
            mine, here, count = u(own + u(half)), u(goal + u(half)), min(size - half, 8)
            if some == 255:
                copy_lanes(held, here, f, source, 8)
            elif some == u((1 << count) - 1):
                _copy_few(held, here, f, source, u(count))
            elif some == 0:
                _copy_few(held, here, f, mine, u(count))
            else:
                _hand_some(f, source, mine, m, some, held, here, u(count))
            source = u(source + u(_bits_set(m)))


@njit(cache=True, nogil=True, error_model="numpy")
def _copy_few(held: Reals, here: Any, f: Reals, goal: Any, count: Any) -> None:
    """``count`` lanes, eight at most, and not one more."""
    u = np.uint32
    if count & u(8):
        copy_lanes(held, here, f, goal, 8)
        return
    if count & u(4):
        copy_lanes(held, here, f, goal, 4)
        here, goal = u(here + u(4)), u(goal + u(4))
    if count & u(2):
        copy_lanes(held, here, f, goal, 2)
        here, goal = u(here + u(2)), u(goal + u(2))
    if count & u(1):
        f[goal] = held[here]


@njit(cache=True, nogil=True, error_model="numpy")
def _hand_some(f: Reals, source: Any, home: Any, void: Any, link: Any, held: Reals, at: Any, size: Any) -> None:
    one = np.uint32(1)
    for _ in range(size):
        f[source if link & one else home] = held[at]
        source = np.uint32(source + (void & one))
        home, at = np.uint32(home + one), np.uint32(at + one)
        void, link = void >> one, link >> one


@njit(cache=True, nogil=True, error_model="numpy")
def odd_step_vector(
    f: Reals, begin: int, end: int, k: Reals, starts: Ints, first: Ints, window: Ints, blocks: Ints
) -> None:
    """``odd_step_plain`` for float32 with sixteen-lane expand and compress."""
    held = np.zeros(19 * HELD, f.dtype)
    links = np.empty((HELD, 19, 3), np.uint32)
    run, stop = blocks[begin], blocks[end]
    while run < stop:
        begun = run
        run = _next_runs(run, stop, starts, first, window, links)
        n = 0
        for r in range(begun, run):
            _fetch_run(f, links, r - begun, _home(starts[r]), held, n)
            n += starts[r + 1] - starts[r]
        _collide_held(held, k)
        n = 0
        for r in range(begun, run):
            size = starts[r + 1] - starts[r]
            _hand_run(f, links, r - begun, _home(starts[r]), np.uint32((1 << size) - 1), held, n)
            n += size


@njit(cache=True, nogil=True, error_model="numpy")
def _fetch_run(f: Reals, links: Bits, at: int, home: int, held: Reals, n: int) -> None:
    u = np.uint32
    fetch(f, u(home), u(home), u(0), u(0), held, u(n))
    for q in range(1, 10):
        p = q + 9
        fetch(f, links[at, q, 0], u(home + p * STRIDE), links[at, q, 1], links[at, q, 2], held, u(p * HELD + n))
        fetch(f, links[at, p, 0], u(home + q * STRIDE), links[at, p, 1], links[at, p, 2], held, u(q * HELD + n))


@njit(cache=True, nogil=True, error_model="numpy")
def _hand_run(f: Reals, links: Bits, at: int, home: int, run: int, held: Reals, n: int) -> None:
    u = np.uint32
    return_wall(f, u(home), run, held, u(n))
    for q in range(1, 10):
        p = q + 9
        hand_on(f, links[at, q, 0], links[at, q, 1], links[at, q, 2], held, u(p * HELD + n))
        hand_on(f, links[at, p, 0], links[at, p, 1], links[at, p, 2], held, u(q * HELD + n))
        return_wall(f, u(home + p * STRIDE), run & ~links[at, q, 2], held, u(p * HELD + n))
        return_wall(f, u(home + q * STRIDE), run & ~links[at, p, 2], held, u(q * HELD + n))


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
        at = cell + (cell // BLOCK) * GAP
        density = f[at]
        z = y = x = f[at] * 0
        for q in range(1, 10):
            there, back = f[at + q * STRIDE], f[at + (q + 9) * STRIDE]
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
            at = (first // BLOCK) * (19 * STRIDE) + q * STRIDE
            sum_q = 0.0
            for i in range(min(BLOCK, cells - first)):
                sum_q += f[at + i] - f[at + 9 * STRIDE + i]
            total[0] += sum_q * VZ[q]
            total[1] += sum_q * VY[q]
            total[2] += sum_q * VX[q]
    return total
