"""Measures of a phase, one family per file, and the Method that puts them in tables."""
