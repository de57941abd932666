"""The report of a session: one page with pictures, tables, laws, plots, citations and how to repeat it."""
