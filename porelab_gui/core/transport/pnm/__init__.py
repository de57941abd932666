"""The pore-network solve and its derivatives."""
