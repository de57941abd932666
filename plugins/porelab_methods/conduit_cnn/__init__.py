"""Conductance of conduits by a small 3D convolutional net on top of a coarse solve."""
