"""Pore networks: extraction, health, formats."""
