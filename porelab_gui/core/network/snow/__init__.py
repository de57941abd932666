"""SNOW2 in compiled kernels: distance map, peaks, basins, pads and sizes."""
