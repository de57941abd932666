"""Images of our own making whose truth is known voxel by voxel."""
