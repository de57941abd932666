"""Stokes flow on the voxels."""
