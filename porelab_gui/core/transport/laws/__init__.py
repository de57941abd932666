"""Conductance laws, one file each."""
