"""The Ions dock: what the window shows of this system. Imported by the window only."""
