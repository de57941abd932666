"""Readers and writers of network files, one per format; ``dispatch`` chooses among the readers."""
