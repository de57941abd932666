"""PoreLab inside napari. Light on purpose: napari imports this package at every start."""
