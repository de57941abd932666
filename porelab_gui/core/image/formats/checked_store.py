"""A Zarr store that looks at packed chunks before a decoder believes what they say about themselves.

Blosc's decoder follows the offsets in a chunk without checking them, and a damaged one takes the process down; both
Blosc and Zstandard ask memory for whatever size a chunk claims.
"""

from __future__ import annotations

import os
import struct
from typing import Any

from zarr.storage import WrapperStore

NAMES = (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")
ZSTD = b"\x28\xb5\x2f\xfd"
MEMCPY, NOT_SPLIT = 0x2, 0x10


class DamagedChunk(ValueError):
    """A chunk whose bytes contradict themselves."""


def check_blosc(raw: bytes, size: int) -> None:
    """DamagedChunk unless head, block offsets and stream lengths of a Blosc 1 chunk lie within its bytes.

    Layout: c-blosc README_CHUNK_FORMAT. ``size`` is that of the unpacked chunk.
    """
    if len(raw) < 16:
        raise DamagedChunk("a Blosc chunk is shorter than its head")
    flags, width, nbytes, block, packed = raw[2], raw[3], *struct.unpack_from("<3i", raw, 4)
    if nbytes != size or packed != len(raw) or width < 1 or not 0 < block <= max(nbytes, 1):
        raise DamagedChunk("the head of a Blosc chunk contradicts its size")
    if flags & MEMCPY:
        if len(raw) != nbytes + 16:
            raise DamagedChunk("a Blosc chunk is cut short")
        return
    count = -(-nbytes // block)
    if 16 + 4 * count > len(raw):
        raise DamagedChunk("a Blosc chunk lacks its block offsets")
    for k, start in enumerate(struct.unpack_from(f"<{count}i", raw, 16)):
        here = nbytes - block * (count - 1) if k == count - 1 else block
        split = not flags & NOT_SPLIT and width <= 16 and here == block and block // width >= 128
        _check_streams(raw, start, here, width if split else 1)


def _check_streams(raw: bytes, at: int, size: int, streams: int) -> None:
    if at < 20 or size % streams:
        raise DamagedChunk("a block of a Blosc chunk begins inside its head")
    for _ in range(streams):
        if at + 4 > len(raw):
            raise DamagedChunk("a block of a Blosc chunk lies outside it")
        length = struct.unpack_from("<i", raw, at)[0]
        if not 0 < length <= size // streams or at + 4 + length > len(raw):
            raise DamagedChunk("a stream of a Blosc chunk reaches beyond it")
        at += 4 + length


def check_zstd(raw: bytes, size: int) -> None:
    """DamagedChunk when a Zstandard frame claims more than the chunk holds (RFC 8878, 3.1.1.1)."""
    if len(raw) < 6:
        raise DamagedChunk("a Zstandard chunk is shorter than its head")
    descriptor = raw[4]
    width = (0, 2, 4, 8)[descriptor >> 6] or (1 if descriptor & 0x20 else 0)
    at = 5 + (0 if descriptor & 0x20 else 1) + (0, 1, 2, 4)[descriptor & 3]
    claimed = int.from_bytes(raw[at : at + width], "little") + (256 if width == 2 else 0)
    if width and claimed > size:
        raise DamagedChunk(f"a Zstandard chunk claims {claimed:,} bytes where {size:,} belong")


class CheckedStore(WrapperStore):  # type: ignore[type-arg]
    """Wraps the store of one array whose unpacked chunks take ``size`` bytes; ``blosc`` says how they are packed.

    A chunk that is a link out of the folder ``root`` is refused.
    """

    def __init__(self, store: Any, size: int = 1 << 62, blosc: bool = False, root: str = "") -> None:
        super().__init__(store)
        self.size, self.blosc, self.root = size, blosc, root

    def _with_store(self, store: Any) -> CheckedStore:
        return type(self)(store, self.size, self.blosc, self.root)

    def _check_place(self, key: str) -> None:
        if self.root and not os.path.realpath(os.path.join(self.root, key)).startswith(self.root + os.sep):
            raise DamagedChunk(f"{key} leads out of the folder")

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """The bytes of a key; chunks are checked on the way."""
        self._check_place(key)
        found = await super().get(key, prototype, byte_range)
        if found is None or byte_range is not None or key.endswith(NAMES):
            return found
        raw = found.to_bytes()
        if self.blosc:
            check_blosc(raw, self.size)
        elif raw[:4] == ZSTD:
            check_zstd(raw, self.size)
        return found
