"""Methods that make one image out of another: filters, geometry, corrections of labels."""
