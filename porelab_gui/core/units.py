"""Conversion factors that more than one room needs."""

from __future__ import annotations

MILLIDARCY = 9.869233e-16  # m2
