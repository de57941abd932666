"""The window. Qt (through qtpy) and napari are imported here only."""

from porelab_gui.gui.immortal import keep_singletons

keep_singletons()
