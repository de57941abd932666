"""Compiled kernels of the exact squared distance map in whole numbers, one axis after another.

Along each axis the new square of a voxel is the least of f(j) + (i - j)^2. Voxels in reach are few, so the least is
sought outwards row against row, which the compiler turns into vector instructions, and stops at the largest of a row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FAR = np.int32(1 << 29)  # farther than any voxel of an image
REACH = 1 << 14  # the longest edge of an image


@njit(cache=True, nogil=True)
def along_rows(labels: NDArray[Any], out: NDArray[Any], start: int, stop: int, border: bool) -> None:
    """Distance along x to the next voxel of another label, at most ``REACH``, in layers start..stop."""
    nx = labels.shape[2]
    for z in range(start, stop):
        for y in range(labels.shape[1]):
            row, result = labels[z, y], out[z, y]
            count = 0 if border else REACH
            before = row[0]
            for x in range(nx):
                if row[x] != before:
                    count, before = 0, row[x]
                count = min(count + 1, REACH)
                result[x] = 0 if before == 0 else count
            count = 0 if border else REACH
            before = row[nx - 1]
            for x in range(nx - 1, -1, -1):
                if row[x] != before:
                    count, before = 0, row[x]
                count = min(count + 1, REACH)
                if count < result[x]:
                    result[x] = count


@njit(cache=True, nogil=True)
def least_plain(squares: NDArray[np.int32], out: NDArray[np.int32]) -> None:
    """The least of squares[j] + (i - j)^2 along the first axis of a plane, for an image of one label."""
    n, width = squares.shape
    for i in range(n):
        now = out[i]
        here = squares[i]
        largest = np.int32(0)
        for x in range(width):
            now[x] = here[x]
            largest = max(largest, here[x])
        k = 1
        while k * k < largest and (i - k >= 0 or i + k < n):
            add = np.int32(k * k)
            low, high = squares[max(i - k, 0)], squares[min(i + k, n - 1)]
            if i - k < 0:
                low = high
            elif i + k >= n:
                high = low
            largest = np.int32(0)
            for x in range(width):
                value = min(min(low[x], high[x]) + add, now[x])
                now[x] = value
                largest = max(largest, value)
            k += 1


@njit(cache=True, nogil=True)
def one_way(
    squares: NDArray[np.int32],
    labels: NDArray[np.int32],
    i: int,
    sign: int,
    alive: NDArray[np.int32],
    now: NDArray[np.int32],
    border: bool,
) -> None:
    """Lower ``now`` by what lies from row i in one direction, as far as the label stays the same."""
    n, width = squares.shape
    own = labels[i]
    largest = np.int32(0)
    for x in range(width):
        alive[x] = 1
        largest = max(largest, now[x])
    k = 1
    while k * k < largest:
        j = i + sign * k
        add = np.int32(k * k)
        largest = np.int32(0)
        if j < 0 or j >= n:
            if border:
                for x in range(width):
                    now[x] = min(now[x], add if alive[x] else FAR)
            return
        there, other = squares[j], labels[j]
        for x in range(width):
            before = alive[x]
            same = before if other[x] == own[x] else np.int32(0)
            reach = (there[x] if same else np.int32(0)) + add
            value = min(now[x], reach if before else FAR)
            alive[x] = same
            now[x] = value
            largest = max(largest, value if same else np.int32(0))
        k += 1


@njit(cache=True, nogil=True)
def least_labelled(squares: NDArray[np.int32], labels: NDArray[np.int32], out: NDArray[np.int32], border: bool) -> None:
    """As ``least_plain`` where a voxel of another label ends the search at distance 0 of its own."""
    n, width = squares.shape
    alive = np.empty(width, dtype=np.int32)
    for i in range(n):
        out[i] = squares[i]
        one_way(squares, labels, i, 1, alive, out[i], border)
        one_way(squares, labels, i, -1, alive, out[i], border)


@njit(cache=True, nogil=True)
def planes_of_layers(
    image: NDArray[Any], labels: NDArray[Any], start: int, stop: int, top: int, plain: bool, border: bool
) -> None:
    """Turn distances along x into squares within the layers start..stop, in place."""
    _, ny, nx = image.shape
    squares, out = np.empty((ny, nx), dtype=np.int32), np.empty((ny, nx), dtype=np.int32)
    names = np.empty((ny, nx), dtype=np.int32)
    for z in range(start, stop):
        for y in range(ny):
            for x in range(nx):
                value = np.int32(image[z, y, x])
                squares[y, x] = FAR if value >= REACH else value * value
                if not plain:
                    names[y, x] = labels[z, y, x]
        if plain:
            least_plain(squares, out)
        else:
            least_labelled(squares, names, out, border)
        for y in range(ny):
            for x in range(nx):
                image[z, y, x] = min(out[y, x], np.int32(top))


@njit(cache=True, nogil=True)
def planes_of_rows(
    image: NDArray[Any], labels: NDArray[Any], start: int, stop: int, top: int, plain: bool, border: bool
) -> None:
    """Complete the squares along z in the rows start..stop, in place."""
    nz, _, nx = image.shape
    squares, out = np.empty((nz, nx), dtype=np.int32), np.empty((nz, nx), dtype=np.int32)
    names = np.empty((nz, nx), dtype=np.int32)
    for y in range(start, stop):
        for z in range(nz):
            for x in range(nx):
                value = np.int32(image[z, y, x])
                squares[z, x] = FAR if value >= top else value
                if not plain:
                    names[z, x] = labels[z, y, x]
        if plain:
            least_plain(squares, out)
        else:
            least_labelled(squares, names, out, border)
        for z in range(nz):
            for x in range(nx):
                image[z, y, x] = min(out[z, x], np.int32(top))
