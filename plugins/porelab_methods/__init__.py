"""The learned systems, one folder each, registered like a third party."""
