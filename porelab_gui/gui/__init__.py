"""The window. Qt (through qtpy) and napari are imported here only."""
