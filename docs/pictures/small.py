"""Writes a picture of the window as a small PNG: a palette, as many colours as fit the limit."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

LIMIT = 150_000  # bytes of a picture that the docs carry
COLOURS = (256, 128, 64, 48, 32, 24, 16)


def shrink(path: Path, limit: int = LIMIT) -> int:
    """Replace a PNG by one below ``limit`` bytes; its size. ValueError when 16 colours are too large still."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    for colours in COLOURS:
        kept = BytesIO()
        picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            kept, "PNG", optimize=True
        )
        if kept.tell() <= limit:
            path.write_bytes(kept.getvalue())
            return kept.tell()
    raise ValueError(f"{path.name} stays above {limit} bytes with {COLOURS[-1]} colours")
