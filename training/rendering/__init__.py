"""Offline rendering of faces: training images with exact dense correspondence targets (paper Sections 3.3 and 4.1)."""
