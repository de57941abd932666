"""Compiled kernels of the marker watershed by steepest ascent.

All images are flat and have a shell of zeros. ``way`` holds for each void voxel the neighbour it drains to, as an
index into the six neighbours, or one of the states below.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FLAT, ROOT, NONE = 6, 7, 8  # no neighbour is higher; carries its own label; not void
TIE = 16  # the way is still open: several neighbours are equally high
BITS, FIELD, TOP = 6, 63, 24  # a key has five fields of six bits
FIRST, ALL = np.uint32(FIELD << TOP), np.uint32(2**30 - 1)


@njit(cache=True, nogil=True)
def slopes_slab(
    level: NDArray[Any],
    label: NDArray[np.int32],
    way: NDArray[np.uint8],
    key: NDArray[np.uint32],
    six: NDArray[np.int64],
    rows: NDArray[np.int64],
    width: int,
) -> None:
    """The highest neighbour of every void voxel, and the first field of its key; ``rows`` are where image rows begin.

    ``way`` gets the bit ``TIE`` where several neighbours are highest or none is higher.
    """
    a, b, c, d, e, f = six
    for r in range(rows.size):
        for here in range(rows[r], rows[r] + width):
            own = np.int64(level[here])
            if own == 0:
                way[here] = NONE
                key[here] = 0
                continue
            if label[here] != 0:
                way[here] = ROOT
                key[here] = ALL
                continue
            va, vb, vc = np.int64(level[here + a]), np.int64(level[here + b]), np.int64(level[here + c])
            vd, ve, vf = np.int64(level[here + d]), np.int64(level[here + e]), np.int64(level[here + f])
            best = max(max(max(va, vb), max(vc, vd)), max(ve, vf))
            if best <= own:
                way[here] = FLAT | TIE
                key[here] = 0
                continue
            same = (va == best) + (vb == best) + (vc == best) + (vd == best) + (ve == best) + (vf == best)
            if same > 1:
                code = TIE
            elif va == best:
                code = 0
            elif vb == best:
                code = 1
            elif vc == best:
                code = 2
            elif vd == best:
                code = 3
            elif ve == best:
                code = 4
            else:
                code = 5
            way[here] = code
            rise = np.uint32(min(np.int64(best - own), np.int64(FIELD)))
            key[here] = rise << np.uint32(TOP)


@njit(cache=True, nogil=True)
def chains_slab(
    level: NDArray[Any],
    way: NDArray[np.uint8],
    key: NDArray[np.uint32],
    six: NDArray[np.int64],
    rows: NDArray[np.int64],
    width: int,
    last: bool,
) -> None:
    """One round that carries the rises further along each voxel's way up; the last one settles the ways.

    A key holds the rises of the next five steps up, the first in the highest bits. Of neighbours of one level the
    one with the greater key is flooded first. Each round makes one field more exact, whatever order voxels take.
    After the last one ``TIE`` stays where keys cannot decide, ``FLAT`` where none of the five steps rises.
    """
    for r in range(rows.size):
        for here in range(rows[r], rows[r] + width):
            code = way[here]
            if code < FLAT:
                key[here] = (key[here] & FIRST) | (key[here + six[code]] >> BITS)
            elif code & TIE:
                own = level[here]
                best, bestkey, k, again = own, np.uint32(0), FLAT, False
                for n in range(6):
                    there = here + six[n]
                    if level[there] > best or (level[there] == best and key[there] > bestkey):
                        best, bestkey, k, again = level[there], key[there], n, False
                    elif level[there] == best and key[there] == bestkey and k != FLAT:
                        again = True
                rise = np.uint32(min(np.int64(best) - np.int64(own), np.int64(FIELD)))
                key[here] = (rise << TOP) | (bestkey >> BITS)
                if last:
                    way[here] = k | TIE if again else k


@njit(cache=True, nogil=True)
def sooner(level: NDArray[Any], way: NDArray[np.uint8], six: NDArray[np.int64], one: int, two: int) -> bool:
    """Whether the flood reaches voxel ``two`` before ``one`` of the same level: its way up rises sooner.

    Ways that meet, or that rise alike all the way to their markers, count as equal (False).
    """
    while True:
        first, second = way[one], way[two]
        if first >= FLAT or second >= FLAT:
            return second == ROOT and first != ROOT
        one, two = one + six[first], two + six[second]
        if one == two:
            return False
        if level[one] != level[two]:
            return level[two] > level[one]


@njit(cache=True, nogil=True)
def settle_ties(
    level: NDArray[Any],
    way: NDArray[np.uint8],
    key: NDArray[np.uint32],
    six: NDArray[np.int64],
    voxels: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """Ways of voxels between neighbours with equal keys, from the whole ways up of these; how many change.

    The new ways go to ``out``, so that all voxels decide by the same state.
    """
    changed = 0
    for i in range(voxels.size):
        here = voxels[i]
        now = way[here]
        chosen = here + six[now]
        best, bestkey = level[chosen], key[chosen]
        k = 6
        for n in range(6):
            there = here + six[n]
            if level[there] != best or key[there] != bestkey:
                continue
            if k == 6 or sooner(level, way, six, here + six[k], there):
                k = n
        out[i] = k
        changed += k != now
    return changed


@njit(cache=True, nogil=True)
def steepest_flats(way: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.int64]:
    """Indices of the flat voxels in start..stop."""
    count = 0
    for i in range(start, stop):
        if way[i] & 15 == FLAT:
            count += 1
    out = np.empty(count, dtype=np.int64)
    count = 0
    for i in range(start, stop):
        if way[i] & 15 == FLAT:
            out[count] = i
            count += 1
    return out


@njit(cache=True, nogil=True)
def drain_flats(
    level: NDArray[Any], way: NDArray[np.uint8], six: NDArray[np.int64], flats: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Lead flat voxels to the nearest outlet of their plateau, round by round; returns those on plateaus without one.

    An outlet is a voxel of equal level that drains already, or a root.
    """
    queue = np.empty(flats.size, dtype=np.int64)
    count = 0
    choice = np.empty(flats.size, dtype=np.uint8)
    for i in range(flats.size):
        here = flats[i]
        for k in range(6):
            there = here + six[k]
            if level[there] == level[here] and way[there] & 15 != FLAT:
                queue[count] = here
                choice[count] = k
                count += 1
                break
    for i in range(count):
        way[queue[i]] = choice[i]
    head = 0
    while head < count:
        here = queue[head]
        head += 1
        for k in range(6):
            there = here + six[k]
            if way[there] & 15 == FLAT and level[there] == level[here]:
                way[there] = 5 - k  # the six offsets are symmetric about the middle
                queue[count] = there
                count += 1
    left = np.empty(flats.size - count, dtype=np.int64)
    n = 0
    for i in range(flats.size):
        if way[flats[i]] & 15 == FLAT:
            left[n] = flats[i]
            n += 1
    return left


@njit(cache=True, nogil=True)
def follow(
    label: NDArray[np.int32], way: NDArray[np.uint8], six: NDArray[np.int64], start: int, path: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Label one voxel and all on its way to a labelled one; ``path`` is scratch and returned, grown if need be."""
    here, n = start, 0
    while label[here] == 0:
        if n == path.size:
            path = np.concatenate((path, np.empty_like(path)))
        path[n] = here
        n += 1
        here += six[way[here]]
    value = label[here]
    for i in range(n):
        label[path[i]] = value
    return path


@njit(cache=True, nogil=True)
def follow_slab(
    label: NDArray[np.int32], way: NDArray[np.uint8], six: NDArray[np.int64], rows: NDArray[np.int64], width: int
) -> None:
    """Label the void voxels of image rows by walking up to a labelled voxel.

    Threads may walk the same way; they write the same label.
    """
    path = np.empty(1024, dtype=np.int64)
    for r in range(rows.size):
        for here in range(rows[r], rows[r] + width):
            if label[here] == 0 and way[here] < FLAT:
                path = follow(label, way, six, here, path)


@njit(cache=True, nogil=True)
def push(heap: NDArray[np.int64], size: int, item: int) -> int:
    """Add an item to a heap whose greatest item is first; the new size."""
    at = size
    while at > 0 and heap[(at - 1) >> 1] < item:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = item
    return size + 1


@njit(cache=True, nogil=True)
def pop(heap: NDArray[np.int64], size: int) -> int:
    """Remove the first item of a heap of that size (it is read before); the new size."""
    size -= 1
    item, at = heap[size], 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= item:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = item
    return size


@njit(cache=True, nogil=True)
def fill_pits(
    level: NDArray[Any],
    label: NDArray[np.int32],
    six: NDArray[np.int64],
    seeds: NDArray[np.int64],
    begin: int,
    end: int,
    doubt: NDArray[np.uint8],
) -> None:
    """Lower the basins around seeds[begin:end], which have no marker, to the level at which they spill.

    From a seed the flood goes down voxel by voxel, the highest first, until a voxel touches something higher that
    the flood has not been in, or is a marker. Basins that spill nowhere become solid (level 0). In a block of a
    larger image ``doubt`` marks voxels whose level may be wrong; a flood that meets one is in doubt as a whole.
    """
    block = doubt.size > 1
    heap = np.empty(4096, dtype=np.int64)
    seen = np.empty(4096, dtype=np.int64)
    low = (np.int64(1) << 40) - 1
    for s in range(begin, end):
        if level[seeds[s]] == 0:
            continue
        size = push(heap, 0, (np.int64(level[seeds[s]]) << 40) | seeds[s])
        label[seeds[s]] = -1
        seen[0], total = seeds[s], 1
        current, spilled = np.int64(level[seeds[s]]), False
        met = block and doubt[seeds[s]] != 0
        while size and not spilled:
            here = heap[0] & low
            current = heap[0] >> 40
            size = pop(heap, size)
            if label[here] > 0:
                spilled = True
                break
            if size + 8 > heap.size:
                heap = np.concatenate((heap, np.empty_like(heap)))
            if total + 8 > seen.size:
                seen = np.concatenate((seen, np.empty_like(seen)))
            for k in range(6):
                there = here + six[k]
                height = np.int64(level[there])
                if height == 0 or label[there] == -1:
                    continue
                met = met or (block and doubt[there] != 0)
                if height > current:
                    spilled = True
                    break
                if label[there] == 0:
                    label[there] = -1
                    seen[total] = there
                    total += 1
                size = push(heap, size, (height << 40) | there)
        for i in range(total):
            label[seen[i]] = 0
            if met:
                doubt[seen[i]] = 1
            if not spilled:
                level[seen[i]] = 0
            elif level[seen[i]] > current:
                level[seen[i]] = current


@njit(cache=True, nogil=True)
def doubt_from_faces(
    level: NDArray[Any], doubt: NDArray[np.uint8], low: NDArray[np.bool_], high: NDArray[np.bool_]
) -> None:
    """Mark the voxels of a block whose squared distance may be wrong because the image goes on beyond it.

    ``low`` and ``high`` say per axis where it goes on. A distance is right when it is no longer than the way to
    what is not seen; the outermost voxels are in doubt anyway, since they have neighbours that are not seen.
    """
    nz, ny, nx = level.shape[0] - 2, level.shape[1] - 2, level.shape[2] - 2
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if level[z + 1, y + 1, x + 1] == 0:
                    continue
                way = 1 << 30
                if low[0]:
                    way = min(way, z + 1)
                if high[0]:
                    way = min(way, nz - z)
                if low[1]:
                    way = min(way, y + 1)
                if high[1]:
                    way = min(way, ny - y)
                if low[2]:
                    way = min(way, x + 1)
                if high[2]:
                    way = min(way, nx - x)
                if way == 1 or np.int64(level[z + 1, y + 1, x + 1]) > way * way:
                    doubt[z + 1, y + 1, x + 1] = 1


@njit(cache=True, nogil=True)
def spread_doubt(
    level: NDArray[Any],
    before: NDArray[Any],
    label: NDArray[np.int32],
    way: NDArray[np.uint8],
    six: NDArray[np.int64],
    doubt: NDArray[np.uint8],
    rooted: NDArray[np.bool_],
) -> None:
    """Doubt every voxel whose way up goes through a doubtful one, or would if that one were as high as it may be.

    ``before`` are the levels before filling, never too low; ``rooted`` marks the voxels of markers, never in doubt.
    """
    queue = np.flatnonzero(doubt)
    stack = np.empty(queue.size + 1024, dtype=np.int64)
    stack[: queue.size] = queue
    count = queue.size
    while count:
        count -= 1
        here = stack[count]
        if count + 8 > stack.size:
            stack = np.concatenate((stack, np.empty_like(stack)))
        for k in range(6):
            there = here + six[k]
            if before[there] == 0 or doubt[there] or rooted[there]:
                continue
            up = way[there]
            parent = level[there + six[up]] if up < FLAT else level[there]
            if up >= FLAT or there + six[up] == here or before[here] >= parent:
                doubt[there] = 1
                stack[count] = there
                count += 1
