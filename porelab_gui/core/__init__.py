"""The program without a screen: every import here is a library of numbers, never of windows."""
