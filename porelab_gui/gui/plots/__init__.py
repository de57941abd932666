"""Plots in the theme's colours, drawn with Matplotlib when first shown."""
