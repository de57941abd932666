"""Direct simulation on the voxels of conduits and of whole images: diffusion."""
