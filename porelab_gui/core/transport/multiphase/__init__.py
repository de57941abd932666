"""Two fluids in one network: drainage, relative permeability."""
