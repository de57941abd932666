"""Editors for parameters, one per kind of value."""
