"""Super-resolution of pore images, and its correction until the permeability is right."""
