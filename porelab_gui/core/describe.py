"""Data in words: one line each, a short table whole."""

from __future__ import annotations

import numpy as np

from porelab_gui.core.nouns import Labels, Network, Noun, Stack, Table, Weights

ROWS = 20


def describe(name: str, noun: Noun) -> str:
    """A noun in words; a short table whole."""
    if isinstance(noun, Table):
        return f"{name}:\n{_rows(noun)}"
    if isinstance(noun, Network):
        columns = ", ".join(noun.throats)
        return f"{name}: network of {noun.n_pores} pores and {noun.n_throats} throats ({columns})"
    if isinstance(noun, Stack):
        edges = " x ".join(f"{v * 1e6:.4g}" for v in noun.voxel_size)
        extra = f", porosity {noun.porosity():.4f}" if isinstance(noun, Labels) else ""
        kind = type(noun).__name__.lower()
        return f"{name}: {kind} {' x '.join(map(str, noun.shape))} {noun.data.dtype}, voxel {edges} um{extra}"
    if isinstance(noun, Weights):
        return f"{name}: weights in {noun.folder}"
    return f"{name}: {type(noun).__name__}"


def _rows(table: Table) -> str:
    heads = [f"{k} [{c.unit}]" if c.unit else k for k, c in table.columns.items()]
    shown = [[_text(c.values[i]) for c in table.columns.values()] for i in range(min(len(table), ROWS))]
    widths = [max(len(row[i]) for row in [heads, *shown]) for i in range(len(heads))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in [heads, *shown]]
    if len(table) > ROWS:
        lines.append(f"... {len(table) - ROWS} more rows")
    return "\n".join([*lines, *table.notes])


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
