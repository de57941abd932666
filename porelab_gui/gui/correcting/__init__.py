"""Correction by hand: what is painted on, the phases, the tools beyond napari's, and the slices with their states."""
