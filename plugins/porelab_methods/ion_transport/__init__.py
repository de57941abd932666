"""Ions through membranes: DSPM-DE and the attention neural differential equation."""
