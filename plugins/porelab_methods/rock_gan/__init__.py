"""Rocks made to order: a generator of pore space (WGAN-GP) and searches for rocks with wanted properties."""
