"""Readers of images, one file per format; ``dispatch.read_any`` and ``dispatch.probe`` choose among them."""
