"""Conductance laws, the network solve and the voxel solvers."""
