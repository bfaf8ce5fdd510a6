"""Portable bitmaps, graymaps, pixmaps, float maps, and PAM."""
