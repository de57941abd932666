"""Closed forms and reference values that every method is held against."""
