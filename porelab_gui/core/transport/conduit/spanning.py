"""Which voxels belong to clusters that join two opposite faces."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import Compiled, as_member

I64 = NDArray[np.int64]


@njit(**Compiled)
def _spread(flat: NDArray[np.uint8], steps: I64, stack: I64, top: int, old: int, new: int) -> None:
    """Turn ``old`` into ``new`` wherever it is reached by steps between faces from the cells on the stack."""
    while top:
        top -= 1
        here = stack[top]
        for step in steps:
            there = here + step
            if flat[there] == old:
                flat[there] = new
                if top == len(stack):
                    stack = np.concatenate((stack, np.empty(len(stack), np.int64)))
                stack[top] = there
                top += 1


@njit(**Compiled)
def _start(flat: NDArray[np.uint8], cells: I64, old: int, new: int) -> tuple[I64, int]:
    stack = np.empty(max(2 * len(cells), 1024), np.int64)
    top = 0
    for c in cells:
        if flat[c] == old:
            flat[c] = new
            stack[top] = c
            top += 1
    return stack, top


def spanning(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """The part of ``mask`` in 6-connected clusters that touch both faces across ``axis``."""
    state = np.pad(as_member(mask), 1)
    flat = state.reshape(-1)
    row, plane = state.shape[2], state.shape[1] * state.shape[2]
    steps = np.array([-plane, plane, -row, row, -1, 1], dtype=np.int64)
    number = np.arange(state.size, dtype=np.int64).reshape(state.shape)
    # void reached from the first face turns from 1 to 2, and of that what is reached from the last turns to 3
    for layer, old, new in ((1, 1, 2), (state.shape[axis] - 2, 2, 3)):
        cells = np.ascontiguousarray(number.take(layer, axis=axis).reshape(-1))
        stack, top = _start(flat, cells, old, new)
        _spread(flat, steps, stack, top, old, new)
    return np.ascontiguousarray(state[1:-1, 1:-1, 1:-1] == 3)
