"""Loads torch's shared libraries without the interpreter lock, so that a first import leaves other threads alive."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

# in the order in which they need each other; those of a build without CUDA are a subset
LIBRARIES = (
    "libtorch_global_deps.so",
    "libc10.so",
    "libc10_cuda.so",
    "libtorch_cpu.so",
    "libtorch_cuda.so",
    "libtorch.so",
    "libtorch_python.so",
)


def preload_torch() -> int:
    """Open the libraries that ``import torch`` will ask for; gives how many.

    Python holds its lock while it loads an extension module, about half a second for torch; a call through ctypes does
    not. Linux only; elsewhere nothing is done. Failures are left to the import, which has the better message.
    """
    found = find_spec("torch")
    if "torch" in sys.modules or not sys.platform.startswith("linux") or found is None or found.origin is None:
        return 0
    folder = Path(found.origin).parent / "lib"
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    opened = 0
    for name in LIBRARIES:
        if (folder / name).exists():
            mode = os.RTLD_GLOBAL if name == LIBRARIES[0] else os.RTLD_LOCAL
            opened += dlopen(os.fsencode(folder / name), os.RTLD_NOW | mode) is not None
    return opened
